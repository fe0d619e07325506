//! `ftp`: a command with its replies.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::dissect::ftp::{FtpRecord, Mode, Reply};

/// Writes what one command said.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &FtpRecord) -> Result<(), M::Error> {
    map.serialize_entry("ftp", &Said(record))
}

struct Said<'a>(&'a FtpRecord);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(record) = self;
        let mut map = serializer.serialize_map(None)?;
        if let Some(command) = &record.command {
            map.serialize_entry("command", command)?;
        }
        if let Some(argument) = &record.argument {
            map.serialize_entry("command_data", argument)?;
            map.serialize_entry("command_truncated", &record.is_command_cut)?;
        }
        let lines = &record.reply_lines;
        if lines.iter().any(|line| line.code.is_some()) {
            map.serialize_entry("completion_code", &Codes(lines))?;
        }
        if !lines.is_empty() {
            map.serialize_entry("reply", &Texts(lines))?;
        }
        if let Some(data) = record.data {
            map.serialize_entry("dynamic_port", &data.port)?;
        }
        if let Some(mode) = record.mode.map(Mode::name) {
            map.serialize_entry("mode", mode)?;
        }
        map.serialize_entry("reply_received", if record.is_answered { "yes" } else { "no" })?;
        map.serialize_entry("reply_truncated", &record.is_reply_cut)?;
        map.end()
    }
}

struct Codes<'a>(&'a [Reply]);

impl Serialize for Codes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let codes = self.0.iter().filter_map(|line| line.code.as_ref());
        serializer.collect_seq(codes.filter_map(|code| std::str::from_utf8(code).ok()))
    }
}

struct Texts<'a>(&'a [Reply]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|line| &line.text))
    }
}

#[cfg(test)]
mod tests {
    use crate::dissect::Record;
    use crate::dissect::conversation::{Talk, told};
    use crate::dissect::ftp::Ftp;
    use crate::output::eve::sample;

    fn lines(talk: &[Talk<'_>]) -> Vec<String> {
        let records = told(Ftp::new(), talk).records.into_iter();
        let lines = records.filter(|record| matches!(record, Record::Ftp(_)));
        lines.map(|record| sample::app_object(record, "ftp")).collect()
    }

    #[test]
    fn of_commands_with_their_replies() {
        let talk = [
            Talk::Server("220 ready\r\n"),
            Talk::Client("PASS secret\r\nPASV\r\nRETR a b\r\n"),
            Talk::Server("230-one\r\n two\r\n230 three\r\n227 Entering Passive Mode (192,0,2,7,4,1).\r\n"),
            Talk::Server("150 here\r\n226 done\r\n"),
        ];
        assert_eq!(
            lines(&talk),
            [
                r#"{"completion_code":["220"],"reply":["ready"],"reply_received":"yes","reply_truncated":false}"#,
                concat!(
                    r#"{"command":"PASS","completion_code":["230","230"],"reply":["one"," two","three"],"#,
                    r#""reply_received":"yes","reply_truncated":false}"#
                ),
                concat!(
                    r#"{"command":"PASV","completion_code":["227"],"#,
                    r#""reply":["Entering Passive Mode (192,0,2,7,4,1)."],"dynamic_port":1025,"mode":"passive","#,
                    r#""reply_received":"yes","reply_truncated":false}"#
                ),
                concat!(
                    r#"{"command":"RETR","command_data":"a b","command_truncated":false,"#,
                    r#""completion_code":["150","226"],"reply":["here","done"],"#,
                    r#""reply_received":"yes","reply_truncated":false}"#
                ),
            ]
        );
    }
}
