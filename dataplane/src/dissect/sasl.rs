//! What a client says of itself when it logs in by SASL (RFC 4422), as SMTP, POP3
//! and IMAP carry it: lines of Base64 that answer challenges.
//!
//! Names are told. Passwords, tokens and digests are looked past: that they were
//! there is all that is kept of them.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::login::Login;
use crate::app_proto::AppProto;

/// The longest answer that is looked at, in bytes of Base64 (tokens of OAuth take
/// one or two KiB; RFC 4954 section 4 bounds a line to 12288).
const ANSWER_MAX: usize = 12 * 1024;

/// Padding may be missing: servers differ, and who listens takes both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a client logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    /// Name and password in one answer (RFC 4616).
    Plain,
    /// Name, then password (draft-murchison-sasl-login).
    Login,
    /// Name, and a digest of the challenge (RFC 2195).
    CramMd5,
    /// A bearer token, with the name in front (RFC 7628).
    OAuth,
    /// The name alone: who it is is known from elsewhere (RFC 4422 appendix A).
    External,
    /// Any other: nothing is in the clear that is known here.
    Other,
}

/// One exchange.
#[derive(Debug)]
pub(super) struct Sasl {
    mechanism: Mechanism,
    /// So many answers of the client are still to come, as far as the mechanism
    /// says so; a server may ask for more.
    expected: u8,
    user: Option<Box<str>>,
}

/// What an answer said.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    user: Option<Box<str>>,
    password_seen: bool,
}

impl Identity {
    /// As rules see it.
    pub(super) fn login(&self, protocol: AppProto) -> Login<'_> {
        Login { user: self.user.as_deref(), password_seen: self.password_seen, protocol }
    }
}

impl Sasl {
    /// A client has named its mechanism, and may have given its first answer with
    /// it; `=` is one that is empty.
    pub(super) fn begin(mechanism: &[u8], first: &[u8]) -> (Self, Option<Identity>) {
        let is = |name: &[u8]| mechanism.eq_ignore_ascii_case(name);
        let (mechanism, expected) = if is(b"PLAIN") {
            (Mechanism::Plain, 1)
        } else if is(b"LOGIN") {
            (Mechanism::Login, 2)
        } else if is(b"CRAM-MD5") {
            (Mechanism::CramMd5, 1)
        } else if is(b"XOAUTH2") || is(b"OAUTHBEARER") {
            (Mechanism::OAuth, 1)
        } else if is(b"EXTERNAL") {
            (Mechanism::External, 1)
        } else {
            (Mechanism::Other, 0)
        };
        let mut sasl = Self { mechanism, expected, user: None };
        let identity = if first.is_empty() { None } else { sasl.answer(first) };
        (sasl, identity)
    }

    /// Whether the client's next line is an answer.
    pub(super) fn is_expecting(&self) -> bool {
        self.expected > 0
    }

    /// The server asks: an answer follows, whatever the mechanism.
    pub(super) fn challenge(&mut self) {
        self.expected = self.expected.max(1);
    }

    /// The client answers; tells who it is as soon as that is known.
    pub(super) fn answer(&mut self, line: &[u8]) -> Option<Identity> {
        self.expected = self.expected.saturating_sub(1);
        if line == b"*" {
            // It gives up (RFC 4954 section 4).
            self.expected = 0;
            return None;
        }
        let said = decode(line);
        let all = said.as_deref();
        match self.mechanism {
            Mechanism::Plain => {
                let mut parts = all?.splitn(3, |&byte| byte == 0).skip(1);
                let user = parts.next().and_then(text);
                let password_seen = parts.next().is_some_and(|password| !password.is_empty());
                Some(Identity { user, password_seen })
            }
            Mechanism::Login if self.expected > 0 => {
                self.user = all.and_then(text);
                None
            }
            Mechanism::Login => Some(Identity { user: self.user.take(), password_seen: !line.is_empty() }),
            Mechanism::CramMd5 => {
                let all = all?;
                let end = all.iter().rposition(|&byte| byte == b' ')?;
                Some(Identity { user: all.get(..end).and_then(text), password_seen: false })
            }
            Mechanism::OAuth => oauth(all?),
            Mechanism::External => Some(Identity { user: all.and_then(text), password_seen: false }),
            Mechanism::Other => None,
        }
    }
}

/// `user=NAME` or, in a header of GSS-API, `a=NAME`, before the first 1; a token
/// stands after it.
fn oauth(all: &[u8]) -> Option<Identity> {
    let mut parts = all.split(|&byte| byte == 1);
    let head = parts.next()?;
    let user = head
        .strip_prefix(b"user=")
        .or_else(|| head.split(|&byte| byte == b',').find_map(|part| part.strip_prefix(b"a=")));
    let password_seen = parts.any(|part| part.starts_with(b"auth="));
    (user.is_some() || password_seen).then(|| Identity { user: user.and_then(text), password_seen })
}

fn text(bytes: &[u8]) -> Option<Box<str>> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(Into::into)
}

/// What a line of Base64 says; `None` if it is none.
fn decode(line: &[u8]) -> Option<Vec<u8>> {
    if line.len() > ANSWER_MAX {
        return None;
    }
    if line == b"=" {
        return Some(Vec::new());
    }
    let mut bytes = vec![0; base64::decoded_len_estimate(line.len())];
    let len = BASE64.decode_slice(line, &mut bytes).ok()?;
    bytes.truncate(len);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn identity(user: Option<&str>, password_seen: bool) -> Identity {
        Identity { user: user.map(Into::into), password_seen }
    }

    #[test]
    fn plain_names_the_user_in_one_answer_with_the_command_or_after_it() {
        // "\0anna\0secret"
        let (sasl, told) = Sasl::begin(b"PLAIN", b"AGFubmEAc2VjcmV0");
        assert_eq!((told, sasl.is_expecting()), (Some(identity(Some("anna"), true)), false));
        let (mut sasl, told) = Sasl::begin(b"plain", b"");
        assert_eq!((told, sasl.is_expecting()), (None, true));
        assert_eq!(sasl.answer(b"AGFubmEAc2VjcmV0"), Some(identity(Some("anna"), true)));
        assert!(!sasl.is_expecting());
    }

    #[test]
    fn login_takes_two_answers() {
        let (mut sasl, _) = Sasl::begin(b"LOGIN", b"");
        assert_eq!(sasl.answer(b"YW5uYQ=="), None);
        assert!(sasl.is_expecting());
        assert_eq!(sasl.answer(b"c2VjcmV0"), Some(identity(Some("anna"), true)));
        assert!(!sasl.is_expecting());
        let (mut sasl, _) = Sasl::begin(b"LOGIN", b"YW5uYQ");
        assert_eq!(sasl.answer(b"c2VjcmV0").unwrap(), identity(Some("anna"), true));
    }

    #[test]
    fn a_digest_is_no_password() {
        let (mut sasl, _) = Sasl::begin(b"CRAM-MD5", b"");
        // "tim b913a602c7eda7a495b4e6e7334d3890", of RFC 2195
        let told = sasl.answer(b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
        assert_eq!(told, Some(identity(Some("tim"), false)));
    }

    #[test]
    fn tokens_have_their_user_in_front() {
        // "user=a@b.c\x01auth=Bearer t\x01\x01" and "n,a=a@b.c,\x01auth=Bearer t\x01\x01"
        for (name, answer) in [
            (&b"XOAUTH2"[..], &b"dXNlcj1hQGIuYwFhdXRoPUJlYXJlciB0AQE="[..]),
            (b"OAUTHBEARER", b"bixhPWFAYi5jLAFhdXRoPUJlYXJlciB0AQE="),
        ] {
            let (_, told) = Sasl::begin(name, answer);
            assert_eq!(told, Some(identity(Some("a@b.c"), true)));
        }
    }

    #[test]
    fn what_is_no_base64_tells_nothing_but_ends_the_answer() {
        let (mut sasl, _) = Sasl::begin(b"PLAIN", b"");
        assert_eq!(sasl.answer(b"!!"), None);
        assert!(!sasl.is_expecting());
        sasl.challenge();
        assert!(sasl.is_expecting());
        assert_eq!(sasl.answer(b"*"), None);
        assert_eq!(sasl.answer(&vec![b'A'; ANSWER_MAX + 4]), None);
    }
}
