//! The schema: every field that rules may read, gathered from the modules that
//! own the values, and which events fill it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::dissect::{self, Fact};
use crate::event::{EnumNames, EventKind, Field, Kind, Value};
use crate::flow::fields::{self as flow, FlowView};
use crate::wire::fields::{self as wire, PacketView};

/// What an event brings along for conditions and messages to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The packet: on `packet` and `flow_open`.
    pub packet: Option<PacketView<'a>>,
    /// The flow: on `flow_open` and `flow_close`, and on `packet` where the
    /// packet has one.
    pub flow: Option<FlowView>,
    /// What a dissector has learnt: on the events of application protocols.
    pub app: Option<Fact<'a>>,
}

/// One field of the schema, whichever module it comes from.
#[derive(Clone, Copy)]
pub enum FieldRef {
    /// Of a packet.
    Packet(&'static Field<PacketView<'static>>),
    /// Of a flow.
    Flow(&'static Field<FlowView>),
    /// Of what a dissector has learnt, at these events.
    App(&'static Field<Fact<'static>>, &'static [EventKind]),
}

impl FieldRef {
    /// The dotted name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packet(field) => field.name,
            Self::Flow(field) => field.name,
            Self::App(field, _) => field.name,
        }
    }

    /// The type.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Packet(field) => field.kind,
            Self::Flow(field) => field.kind,
            Self::App(field, _) => field.kind,
        }
    }

    /// One sentence for authors of rules.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Packet(field) => field.doc,
            Self::Flow(field) => field.doc,
            Self::App(field, _) => field.doc,
        }
    }

    /// The events that can fill it.
    pub const fn events(self) -> &'static [EventKind] {
        match self {
            Self::Packet(_) => &[EventKind::Packet, EventKind::FlowOpen],
            Self::Flow(_) => &EventKind::ALL,
            Self::App(_, events) => events,
        }
    }

    /// Its value now; `None` where the event has no such thing.
    pub fn read<'a>(self, facts: &'a Facts<'a>) -> Option<Value<'a>> {
        match self {
            Self::Packet(field) => (field.read)(facts.packet.as_ref()?),
            Self::Flow(field) => (field.read)(facts.flow.as_ref()?),
            Self::App(field, _) => (field.read)(facts.app.as_ref()?),
        }
    }
}

impl PartialEq for FieldRef {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl std::fmt::Debug for FieldRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// All fields and all names of enumerations.
pub struct Schema {
    fields: Vec<FieldRef>,
    by_name: HashMap<&'static str, FieldRef>,
    enumerations: Vec<&'static EnumNames>,
}

/// The schema of this version.
pub static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::gather);

impl Schema {
    fn gather() -> Self {
        let packet = wire::FIELDS.iter().map(FieldRef::Packet);
        let app = dissect::FIELDS
            .iter()
            .flat_map(|(events, fields)| fields.iter().map(|field| FieldRef::App(field, events)));
        let fields: Vec<_> = packet.chain(flow::FIELDS.iter().map(FieldRef::Flow)).chain(app).collect();
        let mut enumerations: Vec<&'static EnumNames> = Vec::new();
        for field in &fields {
            if let Kind::Enum(names) = field.kind()
                && !enumerations.contains(&names)
            {
                enumerations.push(names);
            }
        }
        Self { by_name: fields.iter().map(|field| (field.name(), *field)).collect(), fields, enumerations }
    }

    /// All fields, in the order of their tables.
    pub fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    /// The field of this dotted name.
    pub fn field(&self, name: &str) -> Option<FieldRef> {
        self.by_name.get(name).copied()
    }

    /// The enumerations that fields have.
    pub fn enumerations(&self) -> &[&'static EnumNames] {
        &self.enumerations
    }

    /// Every name of every enumeration, some more than once.
    pub fn enum_words(&self) -> impl Iterator<Item = &str> {
        self.enumerations.iter().flat_map(|names| names.names.iter().map(|(word, _)| *word))
    }
}

/// What a type is called in messages.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int | Kind::Unsigned(_) => "number",
        Kind::Bool => "bool",
        Kind::Str => "string",
        Kind::Bytes => "bytes",
        Kind::Ip => "ip",
        Kind::Mac => "mac",
        Kind::Duration => "duration",
        Kind::Enum(names) => names.name,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_field_has_its_own_name() {
        let names: HashSet<_> = SCHEMA.fields().iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), SCHEMA.fields().len());
        assert!(names.iter().all(|name| name.contains('.')), "a bare word is a constant or an enum's name");
    }

    #[test]
    fn enumerations_of_one_name_are_one() {
        let names: HashSet<_> = SCHEMA.enumerations().iter().map(|names| names.name).collect();
        assert_eq!(names.len(), SCHEMA.enumerations().len());
    }
}
