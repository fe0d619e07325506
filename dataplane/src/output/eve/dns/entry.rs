//! One record of a message, and its data.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::super::head::Shown;
use super::zone::Zone;
use crate::wire::dns::{Data, EdnsOption, Hex, Options, Record, Soa, Srv, Sshfp, Text, Texts, Type};

/// The texts of a record that has an entry for each of them.
pub(super) fn texts_of<'a>(kind: Type, data: &Data<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let texts: Option<Texts<'a>> = match data {
        Data::Texts(texts) if matches!(kind, Type::TXT | Type::SPF) => Some(*texts),
        _ => None,
    };
    texts.into_iter().flat_map(|texts| texts.iter())
}

/// A record.
pub(super) struct Entry<'a> {
    pub(super) record: Record<'a>,
    pub(super) data: Data<'a>,
    /// Which of its texts, where it has an entry for each.
    pub(super) text: Option<&'a [u8]>,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, data, text } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rrname", &Shown(record.name))?;
        if record.name.is_cut() {
            map.serialize_entry("rrname_truncated", &true)?;
        }
        map.serialize_entry("rrtype", &Shown(record.kind))?;
        map.serialize_entry("ttl", &record.ttl)?;
        let key = match data {
            Data::Soa(_) => "soa",
            Data::Sshfp(_) => "sshfp",
            Data::Srv(_) => "srv",
            Data::Opt(_) => "opt",
            Data::Other([]) => return map.end(),
            Data::Texts(_) if text.is_none() && record.bytes().is_empty() => return map.end(),
            _ => "rdata",
        };
        map.serialize_entry(key, &Plain { data: *data, text: *text })?;
        match data {
            Data::Name(name) if name.is_cut() => map.serialize_entry("rdata_truncated", &true)?,
            Data::Preferred(preferred) => {
                if preferred.name.is_cut() {
                    map.serialize_entry("rdata_truncated", &true)?;
                }
                map.serialize_entry("preference", &preferred.preference)?;
            }
            _ => {}
        }
        map.end()
    }
}

/// Data alone: an object where it has parts with names, else a text.
pub(super) struct Plain<'a> {
    pub(super) data: Data<'a>,
    pub(super) text: Option<&'a [u8]>,
}

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.text {
            return serializer.collect_str(&Text(text));
        }
        match &self.data {
            Data::Name(name) => serializer.collect_str(name),
            Data::Preferred(preferred) => serializer.collect_str(&preferred.name),
            Data::Null(bytes) => serializer.collect_str(&Text(bytes)),
            Data::Soa(soa) => write_soa(serializer, soa),
            Data::Sshfp(sshfp) => write_sshfp(serializer, sshfp),
            Data::Srv(srv) => write_srv(serializer, srv),
            Data::Opt(options) => write_options(serializer, options),
            data => serializer.collect_str(&Zone(*data)),
        }
    }
}

fn write_soa<S: Serializer>(serializer: S, soa: &Soa<'_>) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("mname", &Shown(soa.mname))?;
    if soa.mname.is_cut() {
        map.serialize_entry("mname_truncated", &true)?;
    }
    map.serialize_entry("rname", &Shown(soa.rname))?;
    if soa.rname.is_cut() {
        map.serialize_entry("rname_truncated", &true)?;
    }
    map.serialize_entry("serial", &soa.serial)?;
    map.serialize_entry("refresh", &soa.refresh)?;
    map.serialize_entry("retry", &soa.retry)?;
    map.serialize_entry("expire", &soa.expire)?;
    map.serialize_entry("minimum", &soa.minimum)?;
    map.end()
}

fn write_sshfp<S: Serializer>(serializer: S, sshfp: &Sshfp<'_>) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("fingerprint", &Shown(Hex(sshfp.fingerprint, ":")))?;
    map.serialize_entry("algo", &sshfp.algorithm)?;
    map.serialize_entry("type", &sshfp.kind)?;
    map.end()
}

fn write_srv<S: Serializer>(serializer: S, srv: &Srv<'_>) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("priority", &srv.priority)?;
    map.serialize_entry("weight", &srv.weight)?;
    map.serialize_entry("port", &srv.port)?;
    map.serialize_entry("name", &Shown(srv.target))?;
    map.end()
}

fn write_options<S: Serializer>(serializer: S, options: &Options<'_>) -> Result<S::Ok, S::Error> {
    /// One of them.
    struct One<'a>(EdnsOption<'a>);
    impl Serialize for One<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self(option) = self;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("code", &option.code.0)?;
            if let Some(name) = option.code.name() {
                map.serialize_entry("name", name)?;
            }
            map.serialize_entry("data", &Shown(Hex(option.data, "")))?;
            map.end()
        }
    }
    serializer.collect_seq(options.iter().map(One))
}
