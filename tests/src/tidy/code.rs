//! Rust source without its comments and literals, and the words in it.

/// The text with every comment, text literal and character literal turned into
/// blanks: positions and lines stay where they were.
pub fn bare(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut kept = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end > at {
            for byte in &mut kept[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
    // Whole literals and comments were replaced, so no character was cut.
    String::from_utf8(kept).expect("blanks in place of whole characters")
}

/// Where the comment or literal that begins at `at` ends; `at` when none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment_len(rest);
    }
    let follows_word = at > 0 && is_word_byte(bytes[at - 1]);
    match rest[0] {
        b'"' => at + quoted_len(rest),
        b'r' if !follows_word => at + raw_len(rest, 1),
        b'b' | b'c' if !follows_word && rest.get(1) == Some(&b'r') => at + raw_len(rest, 2),
        b'\'' => at + character_len(rest),
        _ => at,
    }
}

fn block_comment_len(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted_len(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a raw literal whose hashes begin at `hashes_at`; 0 when it is
/// none (a name that begins with `r`, or a raw name).
fn raw_len(rest: &[u8], hashes_at: usize) -> usize {
    let hashes = rest[hashes_at..].iter().take_while(|byte| **byte == b'#').count();
    let body_at = hashes_at + hashes + 1;
    if rest.get(body_at - 1) != Some(&b'"') {
        return 0;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = &rest[body_at..];
    let end = body.windows(close.len()).position(|window| window == close);
    body_at + end.map_or(body.len(), |end| end + close.len())
}

/// The length of a character literal; 0 when it is a lifetime.
fn character_len(rest: &[u8]) -> usize {
    match rest.get(1) {
        Some(b'\\') => {
            // The escaped character itself may be a quote.
            let close = rest.iter().skip(3).position(|byte| *byte == b'\'');
            close.map_or(rest.len(), |close| 3 + close + 1)
        }
        Some(first) => {
            let len = match first {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0.. => 4,
            };
            if rest.get(1 + len) == Some(&b'\'') { len + 2 } else { 0 }
        }
        None => 0,
    }
}

/// Where `word` stands as a whole word in bare code.
pub fn word_at<'a>(bare: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = bare.as_bytes();
    bare.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(at + word.len());
        !before.is_some_and(|byte| is_word_byte(*byte)) && !after.is_some_and(|byte| is_word_byte(*byte))
    })
}

/// The word that begins a text; empty when none does.
pub fn leading_word(text: &str) -> &str {
    let len = text.bytes().take_while(|byte| is_word_byte(*byte)).count();
    &text[..len]
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a text, its blanks squeezed.
    fn left(text: &str) -> String {
        bare(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn takes_comments_out() {
        assert_eq!(left("a // unsafe\nb"), "a b");
        assert_eq!(left("a /* unsafe /* and */ still */ b"), "a b");
        assert_eq!(left("//! über\na"), "a");
    }

    #[test]
    fn takes_literals_out() {
        assert_eq!(left(r#"a("unsafe \" quoted") b"#), "a( ) b");
        assert_eq!(left(r##"a(r#"unsafe " raw"#, br"\", b"x") b"##), "a( , , b ) b");
        assert_eq!(left(r"a('\'', '\u{1f600}', 'ü', '\\', b'/') b"), "a( , , , , b ) b");
        assert_eq!(left("a(\"// no comment\") b"), "a( ) b");
    }

    #[test]
    fn leaves_lifetimes_and_names_alone() {
        let text = "fn f<'a>(r: &'a str, for_: r#type) -> Frame<'_> { 'outer: loop {} }";
        assert_eq!(bare(text), text);
    }

    #[test]
    fn positions_stay() {
        let text = "/* one\ntwo */ word";
        assert_eq!(bare(text).find("word"), text.find("word"));
        assert_eq!(bare(text).lines().count(), 2);
    }

    #[test]
    fn finds_whole_words_only() {
        let places: Vec<usize> = word_at("unsafe_code unsafe(unsafe) my_unsafe", "unsafe").collect();
        assert_eq!(places, [12, 19]);
        assert_eq!(leading_word("wire::packet"), "wire");
        assert_eq!(leading_word("{a, b}"), "");
    }
}
