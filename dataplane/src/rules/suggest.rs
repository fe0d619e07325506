//! "Did you mean": the nearest of the words that would have been right.

/// The candidate nearest to `word`, if any is near enough to be what was meant.
///
/// Near is one slip in three letters; a dotted name that lacks only its first
/// words (`server.port` for `flow.server.port`) is near too. Among equals the
/// first wins, so the answer does not change from run to run.
pub(super) fn closest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let lower = word.to_ascii_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    let mut best: Option<(usize, &'c str)> = None;
    for candidate in candidates {
        let other = candidate.to_ascii_lowercase();
        let tail = candidate.strip_suffix(word).is_some_and(|head| head.ends_with('.'));
        let distance = if tail { 1 } else { strsim::damerau_levenshtein(&lower, &other) };
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `did you mean ...?` as the help of a diagnostic.
pub(super) fn did_you_mean<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    closest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str) -> Option<&'static str> {
        closest(word, ["flow.server.port", "flow.client.port", "tcp.dstport", "TCP", "UDP"].into_iter())
    }

    #[test]
    fn finds_what_was_meant_and_nothing_far_fetched() {
        assert_eq!(of("flow.sever.port"), Some("flow.server.port"));
        assert_eq!(of("server.port"), Some("flow.server.port"));
        assert_eq!(of("tcp.dsport"), Some("tcp.dstport"));
        assert_eq!(of("tcp"), Some("TCP"));
        assert_eq!(of("TPC"), Some("TCP"));
        assert_eq!(of("http.host"), None);
        assert_eq!(of("PORT"), None, "a constant was meant");
    }
}
