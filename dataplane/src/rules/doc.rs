//! The schema for people: the table that `rules fields` prints, and the part of
//! docs/RULES.md that is made of the same rows.

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

/// Events and fields in Markdown: what stands in docs/RULES.md between its marks.
#[cfg(test)]
fn markdown() -> String {
    let mut text = String::from("| event | when |\n|---|---|\n");
    for event in EventKind::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{}` | {} |", event.name(), event.doc().trim());
    }
    let mut heading = (None, None);
    for field in SCHEMA.fields() {
        let group = field.name().split('.').next();
        if heading != (group, Some(field.events())) {
            heading = (group, Some(field.events()));
            let events: Vec<_> = field.events().iter().map(|event| format!("`{}`", event.name())).collect();
            let on = if field.events().len() == EventKind::ALL.len() {
                "every event".to_owned()
            } else {
                events.join(", ")
            };
            let _ = writeln!(text, "\n`{}`, on {on}:\n", group.unwrap_or_default());
            text.push_str("| field | type | |\n|---|---|---|\n");
        }
        let _ = writeln!(text, "| `{}` | {} | {} |", field.name(), kind_name(field.kind()), field.doc());
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn the_documentation_has_the_fields_that_there_are() {
        const BEGIN: &str =
            "<!-- written by `TIDEGATE_WRITE_DOCS=1 cargo test -p tidegate the_documentation` -->\n";
        const END: &str = "<!-- end of what is written -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/RULES.md");
        let text = std::fs::read_to_string(path).expect("the documentation is there");
        let (before, rest) = text.split_once(BEGIN).expect("a mark where the fields begin");
        let (written, after) = rest.split_once(END).expect("a mark where they end");
        if std::env::var_os("TIDEGATE_WRITE_DOCS").is_some() {
            std::fs::write(path, [before, BEGIN, &markdown(), END, after].concat())
                .expect("it can be written");
            return;
        }
        assert!(written == markdown(), "docs/RULES.md is stale: TIDEGATE_WRITE_DOCS=1 writes it anew");
    }

    #[test]
    fn an_event_shows_only_what_it_fills() {
        let close = field_table(Some(EventKind::FlowClose));
        assert!(close.contains("flow.server.port"));
        assert!(!close.contains("tcp.dstport"));
        assert_eq!(field_table(None).lines().count(), SCHEMA.fields().len());
    }
}
