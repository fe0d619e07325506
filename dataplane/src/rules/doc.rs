//! The schema as a table for people: what `rules fields` prints.

use std::fmt::Write as _;

use super::fields::{SCHEMA, kind_name};
use crate::event::EventKind;

/// The fields that `event` can fill, or all of them: name, type, events, and
/// the sentence that says what it is; one a line, in columns.
pub fn field_table(event: Option<EventKind>) -> String {
    let wanted = |events: &[EventKind]| event.is_none_or(|event| events.contains(&event));
    let rows: Vec<_> = SCHEMA.fields().iter().filter(|field| wanted(field.events())).collect();
    let name_width = rows.iter().map(|field| field.name().len()).max().unwrap_or(0);
    let kind_width = rows.iter().map(|field| kind_name(field.kind()).len()).max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut table, field| {
        let events: Vec<_> = field.events().iter().map(|event| event.name()).collect();
        let (name, kind) = (field.name(), kind_name(field.kind()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{name:name_width$}  {kind:kind_width$}  {}  [{}]",
            field.doc(),
            events.join(", ")
        );
        table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_shows_only_what_it_fills() {
        let close = field_table(Some(EventKind::FlowClose));
        assert!(close.contains("flow.server.port"));
        assert!(!close.contains("tcp.dstport"));
        assert_eq!(field_table(None).lines().count(), SCHEMA.fields().len());
    }
}
