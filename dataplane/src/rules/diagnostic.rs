//! What is wrong with a rule, said so that its author can mend it: the place,
//! the line itself, a caret under it, and a remedy.

use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::source::{Source, Span};

/// Whether the rules can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The rules are refused.
    Error,
    /// The rules hold, but probably not what was meant.
    Warning,
}

/// A place in a file of rules.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Where in it.
    pub span: Span,
}

impl Place {
    /// Line and column, both from 1.
    pub fn line_column(&self) -> (usize, usize) {
        self.source.line_column(self.span.start)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.name())
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What, in one line.
    pub message: String,
    /// Where; `None` where a file could not be read at all.
    pub place: Option<Place>,
    /// A word at the caret.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Another place that has to do with it, and how.
    pub related: Option<(Place, String)>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            place: None,
            label: None,
            help: None,
            related: None,
        }
    }

    /// A warning without a place.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// At this place.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, span: Span) -> Self {
        self.place = Some(Place { source: Arc::clone(source), span });
        self
    }

    /// With a word at the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With a remedy, if there is one.
    #[must_use]
    pub fn help_if(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// With another place that has to do with it.
    #[must_use]
    pub fn related(mut self, place: Place, why: impl Into<String>) -> Self {
        self.related = Some((place, why.into()));
        self
    }

    /// As text for people; colours only for a terminal.
    pub fn render(&self, color: bool) -> String {
        let (renderer, level) = match (color, self.severity) {
            (true, Severity::Error) => (Renderer::styled(), Level::ERROR),
            (true, Severity::Warning) => (Renderer::styled(), Level::WARNING),
            (false, Severity::Error) => (Renderer::plain(), Level::ERROR),
            (false, Severity::Warning) => (Renderer::plain(), Level::WARNING),
        };
        let mut group = Group::with_title(level.primary_title(self.message.as_str()));
        if let Some(place) = &self.place {
            group = group.element(snippet(place, AnnotationKind::Primary, self.label.as_deref()));
        }
        if let Some((place, why)) = &self.related {
            group = group.element(snippet(place, AnnotationKind::Context, Some(why)));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }

    /// As values for programs.
    pub fn finding(&self) -> Finding<'_> {
        let at = self.place.as_ref();
        let (line, column) = at.map(Place::line_column).unzip();
        Finding {
            severity: self.severity,
            file: at.map(|place| place.source.name()),
            line,
            column,
            message: &self.message,
            help: self.help.as_deref(),
        }
    }
}

fn snippet<'p>(
    place: &'p Place,
    kind: AnnotationKind,
    label: Option<&'p str>,
) -> Snippet<'p, annotate_snippets::Annotation<'p>> {
    let (start, line, text) = place.source.lines_around(place.span);
    let within = (place.span.start - start) as usize..(place.span.end - start) as usize;
    Snippet::source(text)
        .path(place.source.name())
        .line_start(line)
        .annotation(kind.span(within).label(label))
}

/// A diagnostic as values: one object of `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding<'d> {
    /// Error or warning.
    pub severity: Severity,
    /// The file, as it was named.
    pub file: Option<&'d str>,
    /// Line, from 1.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: &'d str,
    /// What to do.
    pub help: Option<&'d str>,
}

/// Why a set of rules was refused: every error of every file, and the warnings
/// beside them.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.render(false))]
pub struct RuleErrors {
    /// Errors and warnings, in the order of files and lines.
    pub diagnostics: Vec<Diagnostic>,
}

impl RuleErrors {
    /// All of them as text for people, a blank line between two.
    pub fn render(&self, color: bool) -> String {
        render_all(&self.diagnostics, color)
    }
}

/// Diagnostics as text for people, a blank line between two.
pub fn render_all(diagnostics: &[Diagnostic], color: bool) -> String {
    diagnostics.iter().map(|diagnostic| diagnostic.render(color)).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_and_the_caret_in_the_middle_of_a_file() {
        let source = Source::new("a.rhai", "one\ntwo three\nfour");
        let shown = Diagnostic::error("no `three`")
            .at(&source, Span { start: 8, end: 13 })
            .help("did you mean `four`?");
        assert_eq!(
            shown.render(false),
            "\
error: no `three`
 --> a.rhai:2:5
  |
2 | two three
  |     ^^^^^
  |
  = help: did you mean `four`?"
        );
        assert!(shown.render(true).contains("\u{1b}["));
        let finding = shown.finding();
        assert_eq!((finding.file, finding.line, finding.column), (Some("a.rhai"), Some(2), Some(5)));
    }
}
