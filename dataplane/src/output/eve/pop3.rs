//! `pop3`: a command with its reply.

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::dissect::pop3::{Pop3Record, Status};

/// Writes what one command said.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &Pop3Record) -> Result<(), M::Error> {
    let request = record.command.as_ref().map(|command| Request { command, args: &record.arguments });
    let response = record.reply.as_ref().map(|reply| Response {
        success: reply.status == Status::Ok,
        status: reply.status.name(),
        header: &reply.text,
        data: &reply.list,
    });
    map.serialize_entry("pop3", &Said { request, response })
}

#[derive(Serialize)]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response<'a>>,
}

#[derive(Serialize)]
struct Request<'a> {
    command: &'a str,
    args: &'a [Box<str>],
}

#[derive(Serialize)]
struct Response<'a> {
    success: bool,
    status: &'static str,
    header: &'a str,
    data: &'a [Box<str>],
}

#[cfg(test)]
mod tests {
    use crate::dissect::Record;
    use crate::dissect::conversation::{Talk, told};
    use crate::dissect::pop3::Pop3;
    use crate::output::eve::sample;

    #[test]
    fn of_a_command_with_its_reply() {
        let talk = [
            Talk::Server("+OK ready\r\n"),
            Talk::Client("LIST\r\nQUIT\r\n"),
            Talk::Server("+OK 2 messages\r\n1 100\r\n2 200\r\n.\r\n"),
        ];
        let records = told(Pop3::new(), &talk).records.into_iter();
        let records = records.filter(|record| matches!(record, Record::Pop3(_)));
        let lines: Vec<String> = records.map(|record| sample::app_object(record, "pop3")).collect();
        assert_eq!(
            lines,
            [
                r#"{"response":{"success":true,"status":"OK","header":"ready","data":[]}}"#,
                concat!(
                    r#"{"request":{"command":"LIST","args":[]},"response":{"success":true,"status":"OK","#,
                    r#""header":"2 messages","data":["1 100","2 200"]}}"#
                ),
                r#"{"request":{"command":"QUIT","args":[]}}"#,
            ]
        );
    }
}
