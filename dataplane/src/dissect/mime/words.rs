//! Encoded words in headers: `=?UTF-8?Q?gr=C3=BCn?=` (RFC 2047).

use super::transfer::Transfer;

/// A header's value with its encoded words decoded; blanks between two of them are
/// no part of the text. Charsets that are not UTF-8 or ISO 8859-1 are taken for
/// UTF-8; what is none becomes U+FFFD.
pub fn decode(value: &[u8]) -> String {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    let mut is_behind_word = false;
    while !rest.is_empty() {
        if let Some((word, behind)) = word(rest) {
            out.extend(word);
            (rest, is_behind_word) = (behind, true);
            continue;
        }
        if is_behind_word {
            let next = rest.trim_ascii_start();
            if next.len() < rest.len() && word(next).is_some() {
                rest = next;
                continue;
            }
        }
        // Up to where the next may begin.
        let len = rest.iter().skip(1).position(|byte| *byte == b'=').map_or(rest.len(), |at| at + 1);
        let (plain, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        (rest, is_behind_word) = (behind, false);
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The word that stands here, decoded, and what follows it.
fn word(value: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    /// RFC 2047 allows 75; longer ones are met.
    const WORD_MAX: usize = 512;
    let rest = value.strip_prefix(b"=?")?;
    let window = rest.get(..WORD_MAX).unwrap_or(rest);
    let mut parts = window.splitn(3, |byte| *byte == b'?');
    let (charset, coding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let len = text.windows(2).position(|two| two == b"?=")?;
    let encoded = text.get(..len)?;
    let mut transfer = match coding {
        b"B" | b"b" => Transfer::base64(),
        b"Q" | b"q" => Transfer::quoted_word(),
        _ => return None,
    };
    let mut raw = Vec::new();
    transfer.feed(encoded, &mut |bytes| raw.extend_from_slice(bytes));
    transfer.end(&mut |bytes| raw.extend_from_slice(bytes));
    let behind = rest.get(charset.len() + coding.len() + 2 + len + 2..)?;
    // A language may stand behind the charset (RFC 2231, section 5).
    let charset = charset.split(|byte| *byte == b'*').next().unwrap_or_default();
    Some((to_utf8(charset, raw), behind))
}

/// Text of a charset as UTF-8.
pub(super) fn to_utf8(charset: &[u8], raw: Vec<u8>) -> Vec<u8> {
    let is_latin = [&b"iso-8859-1"[..], b"iso-8859-15", b"windows-1252", b"latin1"]
        .iter()
        .any(|name| charset.eq_ignore_ascii_case(name));
    if is_latin { raw.into_iter().map(char::from).collect::<String>().into_bytes() } else { raw }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded_where_they_stand() {
        assert_eq!(decode(b"plain = text?"), "plain = text?");
        assert_eq!(decode(b"a =?UTF-8?Q?gr=C3=BCn_x?= b"), "a gr\u{fc}n x b");
        assert_eq!(decode(b"=?utf-8*en?b?Z3LDvG4=?="), "gr\u{fc}n");
        assert_eq!(decode(b"=?ISO-8859-1?Q?=A3?= =?ISO-8859-1?Q?5?="), "\u{a3}5");
        assert_eq!(decode(b"=?x?y?z?= =?broken =?"), "=?x?y?z?= =?broken =?");
    }
}
