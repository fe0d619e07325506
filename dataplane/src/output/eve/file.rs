//! `fileinfo`: a file that has passed, beside what carried it.

use serde::Serialize;
use serde::ser::SerializeMap;

use super::app;
use crate::dissect::file::FileRecord;

/// Writes the objects of what carried it, `app_proto`, and `fileinfo`.
pub(super) fn write<M: SerializeMap>(map: &mut M, file: &FileRecord) -> Result<(), M::Error> {
    if let Some(carrier) = &file.carrier {
        app::write_said(map, carrier)?;
    }
    map.serialize_entry("app_proto", file.app_proto.name())?;
    map.serialize_entry("fileinfo", &FileInfo::new(file))
}

/// The object, in the order of Suricata's.
#[derive(Serialize)]
struct FileInfo<'a> {
    filename: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    magic: Option<&'static str>,
    gaps: bool,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<&'a str>,
    sha256: &'a str,
    /// Nothing is written to disk.
    stored: bool,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
    tx_id: u64,
}

impl<'a> FileInfo<'a> {
    fn new(file: &'a FileRecord) -> Self {
        let facts = &file.facts;
        Self {
            filename: &facts.name,
            magic: facts.magic,
            gaps: facts.has_gaps,
            state: facts.state.name(),
            md5: facts.md5.as_deref(),
            sha256: &facts.sha256,
            stored: false,
            size: facts.size,
            start: facts.range.map(|(first, _)| first),
            end: facts.range.map(|(_, last)| last),
            tx_id: file.tx_id,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::app_proto::AppProto;
    use crate::dissect::Record;
    use crate::dissect::file::{FileState, FileTracker};
    use crate::output::eve::sample;

    fn record(state: FileState) -> FileRecord {
        let mut file = FileTracker::new(b"/a/b.pdf");
        file.bytes(b"%PDF-1.7");
        FileRecord { facts: file.close(state), app_proto: AppProto::Http, tx_id: 3, carrier: None }
    }

    #[test]
    fn a_file_has_its_shape() {
        let written = sample::parse(&sample::app(Record::File(Box::new(record(FileState::Closed)))));
        assert_eq!((&written["event_type"], &written["app_proto"]), (&"fileinfo".into(), &"http".into()));
        let info = &written["fileinfo"];
        let keys: Vec<_> = info.as_object().into_iter().flatten().map(|(key, _)| &**key).collect();
        let mut expected = ["filename", "magic", "gaps", "state", "md5", "sha256", "stored", "size", "tx_id"];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!((&info["state"], &info["size"], &info["tx_id"]), (&"CLOSED".into(), &8.into(), &3.into()));
    }

    #[test]
    fn a_part_says_where_it_stands_and_a_torn_file_has_no_md5() {
        let mut part = record(FileState::Truncated);
        part.facts.range = Some((100, 107));
        let written = sample::parse(&sample::app(Record::File(Box::new(part))));
        let info = &written["fileinfo"];
        assert_eq!((&info["start"], &info["end"]), (&100.into(), &107.into()));
        assert_eq!((&info["state"], info.get("md5")), (&"TRUNCATED".into(), None));
    }
}
