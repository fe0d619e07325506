//! What application protocols say: one event type each, in a file of its own.

use serde::ser::SerializeMap;

use super::{
    Eve, dhcp, dns, file, ftp, head, http, ike, krb5, pop3, quic, sip, smtp, snmp, ssh, tftp, tls, websocket,
};
use crate::dissect::Record;
use crate::worker::event::AppEvent;

/// Writes the line of a record.
pub(super) fn write<M: SerializeMap>(map: &mut M, eve: Eve, told: &AppEvent) -> Result<(), M::Error> {
    let AppEvent { context, direction, record } = told;
    head::write_in_flow(map, eve, event_type(record), context, *direction)?;
    match record {
        // It tells what made way for it, which the flow knows.
        Record::Tls(session) => tls::write_in_flow(map, session, context.flow.as_ref()),
        Record::Http(http) => {
            http::write_number(map, http)?;
            write_said(map, record)
        }
        record => write_said(map, record),
    }
}

/// Writes what a record says, without the line's head: also beside a file that a
/// transaction carried.
pub(super) fn write_said<M: SerializeMap>(map: &mut M, record: &Record) -> Result<(), M::Error> {
    match record {
        Record::Dhcp(message) => dhcp::write(map, message),
        Record::Dns(message) => dns::write(map, message),
        Record::File(file) => file::write(map, file),
        Record::Ftp(ftp) => ftp::write(map, ftp),
        Record::Http(http) => http::write(map, http),
        Record::Ike(record) => ike::write(map, record),
        Record::Krb5(record) => krb5::write(map, record),
        Record::Pop3(pop3) => pop3::write(map, pop3),
        Record::Quic(record) => quic::write(map, record),
        Record::Sip(record) => sip::write(map, record),
        Record::Smtp(smtp) => smtp::write(map, smtp),
        Record::Snmp(message) => snmp::write(map, message),
        Record::Ssh(record) => ssh::write(map, record),
        Record::Tftp(request) => tftp::write(map, request),
        Record::Tls(session) => tls::write(map, session),
        Record::Websocket(frame) => websocket::write(map, frame),
    }
}

/// The word for `event_type`.
fn event_type(record: &Record) -> &'static str {
    match record {
        Record::Dhcp(_) => "dhcp",
        Record::Dns(message) => message.family.name(),
        Record::File(_) => "fileinfo",
        Record::Ftp(_) => "ftp",
        Record::Http(_) => "http",
        Record::Ike(_) => "ike",
        Record::Krb5(_) => "krb5",
        Record::Pop3(_) => "pop3",
        Record::Quic(_) => "quic",
        Record::Sip(_) => "sip",
        Record::Smtp(_) => "smtp",
        Record::Snmp(_) => "snmp",
        Record::Ssh(_) => "ssh",
        Record::Tftp(_) => "tftp",
        Record::Tls(_) => "tls",
        Record::Websocket(_) => "websocket",
    }
}
