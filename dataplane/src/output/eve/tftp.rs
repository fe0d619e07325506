//! `tftp`: a file is asked for.

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::dissect::tftp::TftpRecord;

/// Writes what is particular to the line.
pub(super) fn write<M: SerializeMap>(map: &mut M, request: &TftpRecord) -> Result<(), M::Error> {
    map.serialize_entry(
        "tftp",
        &What {
            packet: if request.is_write { "write" } else { "read" },
            file: &request.file,
            mode: &request.mode,
        },
    )
}

#[derive(Serialize)]
struct What<'a> {
    packet: &'static str,
    file: &'a str,
    mode: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Record;
    use crate::output::eve::sample;

    #[test]
    fn a_request_has_its_file_and_how_it_is_sent() {
        let request = TftpRecord {
            is_write: true,
            file: "rfc1350.txt".to_owned(),
            mode: "octet".to_owned(),
            options: Vec::new(),
        };
        let line = sample::app_line(Record::Tftp(Box::new(request)));
        assert!(line.contains(r#""event_type":"tftp""#));
        assert!(
            line.ends_with("\"tftp\":{\"packet\":\"write\",\"file\":\"rfc1350.txt\",\"mode\":\"octet\"}}\n"),
            "{line}"
        );
    }
}
