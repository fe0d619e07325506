//! Messages of Google's handshake: a tag of four bytes, then tags with values
//! (QUIC Crypto, "Handshake message format").
//!
//! All numbers are little-endian. Of each value the end is said, counted from the
//! end of the list; values follow each other without gaps.

use super::super::Malformed;

/// Length in bytes of what stands before the list.
pub const HEADER_LEN: usize = 8;
/// Length in bytes of an entry: a tag, and where its value ends.
const ENTRY_LEN: usize = 8;
/// A message with more entries is refused, as those who made it do.
pub const ENTRIES_MAX: u16 = 128;

/// A name of four bytes; shorter ones end in zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub [u8; 4]);

impl Tag {
    /// A client's hello: the message's own tag.
    pub const CLIENT_HELLO: Self = Self(*b"CHLO");
    /// The host that is meant.
    pub const SERVER_NAME: Self = Self(*b"SNI\0");
    /// What the client calls itself.
    pub const USER_AGENT: Self = Self(*b"UAID");
    /// The client's key: in a hello that is complete.
    pub const PUBLIC_VALUE: Self = Self(*b"PUBS");

    /// Its text, without the zeros.
    pub fn name(&self) -> &[u8] {
        let end = self.0.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.0.get(..end).unwrap_or_default()
    }
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub tag: Tag,
    entries: &'a [[u8; ENTRY_LEN]],
    values: &'a [u8],
}

impl<'a> Message<'a> {
    /// A message, and what follows it. [`Malformed::Truncated`] where more bytes
    /// may make it whole.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let (&[t0, t1, t2, t3, n0, n1, _, _], rest) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let count = u16::from_le_bytes([n0, n1]);
        if count > ENTRIES_MAX {
            return Err(Malformed::BadLength);
        }
        let (entries, rest) =
            rest.split_at_checked(ENTRY_LEN * usize::from(count)).ok_or(Malformed::Truncated)?;
        let entries = entries.as_chunks().0;
        let mut end = 0;
        for entry in entries {
            let (_, next) = split(*entry);
            if next < end {
                return Err(Malformed::BadLength);
            }
            end = next;
        }
        let (values, rest) = rest.split_at_checked(end).ok_or(Malformed::Truncated)?;
        Ok((Self { tag: Tag([t0, t1, t2, t3]), entries, values }, rest))
    }

    /// The tags in their order, with their values.
    pub fn entries(&self) -> impl Iterator<Item = (Tag, &'a [u8])> + use<'a> {
        let (mut start, values) = (0, self.values);
        self.entries.iter().map(move |entry| {
            let (tag, end) = split(*entry);
            let value = values.get(start..end).unwrap_or_default();
            start = end;
            (tag, value)
        })
    }

    /// The value of the first such tag.
    pub fn value(&self, tag: Tag) -> Option<&'a [u8]> {
        self.entries().find(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    /// The bytes of a message with these entries.
    pub fn encode(tag: Tag, entries: &[(Tag, &[u8])]) -> Vec<u8> {
        let count = u16::try_from(entries.len()).unwrap_or(u16::MAX);
        let mut bytes = [&tag.0[..], &count.to_le_bytes(), &[0, 0]].concat();
        let mut end = 0_u32;
        for (tag, value) in entries {
            end = end.wrapping_add(u32::try_from(value.len()).unwrap_or(u32::MAX));
            bytes.extend(tag.0);
            bytes.extend(end.to_le_bytes());
        }
        for (_, value) in entries {
            bytes.extend_from_slice(value);
        }
        bytes
    }
}

/// A tag, and where its value ends.
const fn split(entry: [u8; ENTRY_LEN]) -> (Tag, usize) {
    let [t0, t1, t2, t3, e0, e1, e2, e3] = entry;
    (Tag([t0, t1, t2, t3]), u32::from_le_bytes([e0, e1, e2, e3]) as usize)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Vec<u8> {
        let entries =
            [(Tag(*b"PAD\0"), &[0; 5][..]), (Tag::SERVER_NAME, b"example.com"), (Tag(*b"VER\0"), b"Q046")];
        Message::encode(Tag::CLIENT_HELLO, &entries)
    }

    #[test]
    fn decodes_what_was_encoded() {
        let mut bytes = sample();
        bytes.push(9);
        let (message, rest) = Message::decode(&bytes).unwrap();
        assert_eq!((message.tag, rest), (Tag::CLIENT_HELLO, &[9][..]));
        assert_eq!(message.value(Tag::SERVER_NAME), Some(&b"example.com"[..]));
        assert_eq!(message.value(Tag::USER_AGENT), None);
        let names: Vec<_> = message.entries().map(|(tag, _)| tag.name().to_vec()).collect();
        assert_eq!(names, [&b"PAD"[..], b"SNI", b"VER"]);
    }

    #[test]
    fn says_of_every_truncation_that_more_may_make_it_whole() {
        let bytes = sample();
        for len in 0..bytes.len() {
            assert_eq!(Message::decode(&bytes[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        let mut many = sample();
        many[4] = 200;
        assert_eq!(Message::decode(&many), Err(Malformed::BadLength));
        let mut backwards = sample();
        backwards[12] = 200;
        assert_eq!(Message::decode(&backwards), Err(Malformed::BadLength));
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne(bytes: Vec<u8>) {
            if let Ok((message, _)) = Message::decode(&bytes) {
                let len: usize = message.entries().map(|(_, value)| value.len()).sum();
                prop_assert_eq!(len, message.values.len());
            }
        }
    }
}
