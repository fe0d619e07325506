//! Blocks of header fields (HPACK, RFC 7541).

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

use super::super::head::Fields;
use super::super::{FIELDS_MAX, HEAD_MAX};
use super::huffman;

/// The largest table that a sender may use, in bytes as the standard reckons them.
/// Browsers allow 64 KiB; what nobody announces is 4 KiB.
pub(super) const TABLE_MAX: usize = 64 * 1024;

/// What a table has until its sender says otherwise (RFC 9113, section 6.5.2).
const TABLE_DEFAULT: usize = 4096;

/// What an entry takes beside its text (RFC 7541, section 4.1).
const ENTRY_COST: usize = 32;

/// The most memory that a table takes, in bytes: an entry of no text is the places
/// of its two texts.
pub(super) const HELD_MAX: usize = TABLE_MAX / ENTRY_COST * size_of::<Entry>() + TABLE_MAX;

/// The fields that every table begins with (RFC 7541, appendix A), from 1 on.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// Why a block does not decode; its sender's table is not known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It ends too early, names what is not in the table, or is packed badly.
    Field,
    /// A number is larger than any that makes sense.
    Number,
}

/// A name or a value. A byte of a block may name an entry as long as the table, so
/// what is named is shared, never copied.
#[derive(Clone, Debug)]
enum Text {
    Static(&'static str),
    Sent(Arc<[u8]>),
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Static(text) => text.as_bytes(),
            Self::Sent(text) => text,
        }
    }
}

/// A name and a value.
type Entry = (Text, Text);

/// The table of one sender.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    entries: VecDeque<Entry>,
    /// As the standard reckons it.
    size: usize,
    size_max: usize,
    /// Whether the last block had more fields than are kept of a head.
    pub(super) is_cut: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: VecDeque::new(), size: 0, size_max: TABLE_DEFAULT, is_cut: false }
    }
}

impl Table {
    /// Decodes a block whose pieces are joined. Fields beyond what is kept of a
    /// head are passed over; the table is kept all the same.
    pub(super) fn decode(&mut self, block: &[u8]) -> Result<Fields, Unreadable> {
        let mut fields = Fields::default();
        let mut len = 0_usize;
        let mut rest = block;
        self.is_cut = false;
        while let Some((first, behind)) = rest.split_first() {
            let entry;
            rest = match *first {
                0x80.. => {
                    let (index, behind) = number(*first, 7, behind)?;
                    entry = self.entry(index)?;
                    behind
                }
                0x40..=0x7f => {
                    let (literal, behind) = self.literal(*first, 6, behind)?;
                    entry = literal;
                    self.insert(entry.clone());
                    behind
                }
                0x20..=0x3f => {
                    let (size, behind) = number(*first, 5, behind)?;
                    self.resize(size)?;
                    rest = behind;
                    continue;
                }
                // Not to be indexed, or never.
                _ => {
                    let (literal, behind) = self.literal(*first, 4, behind)?;
                    entry = literal;
                    behind
                }
            };
            let (name, value) = entry;
            len = len.saturating_add(name.len() + value.len());
            if len <= HEAD_MAX && fields.len() < FIELDS_MAX {
                fields.push(&name, &value);
            } else {
                self.is_cut = true;
            }
        }
        Ok(fields)
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.size
    }

    /// A field with its value; the name by number, or in full.
    fn literal<'a>(&self, first: u8, bits: u32, rest: &'a [u8]) -> Result<(Entry, &'a [u8]), Unreadable> {
        let (index, rest) = number(first, bits, rest)?;
        let (name, rest) = if index == 0 { string(rest)? } else { (self.entry(index)?.0, rest) };
        let (value, rest) = string(rest)?;
        Ok(((name, value), rest))
    }

    /// The entry of a number: those that every table has come first.
    fn entry(&self, index: usize) -> Result<Entry, Unreadable> {
        let place = index.checked_sub(1).ok_or(Unreadable::Field)?;
        if let Some((name, value)) = STATIC.get(place) {
            return Ok((Text::Static(name), Text::Static(value)));
        }
        self.entries.get(place - STATIC.len()).cloned().ok_or(Unreadable::Field)
    }

    fn insert(&mut self, entry: Entry) {
        let cost = cost(&entry);
        self.evict(self.size_max.saturating_sub(cost));
        // One that is larger than the table empties it, and is not kept.
        if cost <= self.size_max {
            self.size += cost;
            self.entries.push_front(entry);
        }
    }

    fn resize(&mut self, size: usize) -> Result<(), Unreadable> {
        if size > TABLE_MAX {
            return Err(Unreadable::Number);
        }
        self.size_max = size;
        self.evict(size);
        Ok(())
    }

    fn evict(&mut self, size: usize) {
        while self.size > size
            && let Some(oldest) = self.entries.pop_back()
        {
            self.size = self.size.saturating_sub(cost(&oldest));
        }
    }
}

fn cost((name, value): &Entry) -> usize {
    name.len() + value.len() + ENTRY_COST
}

/// A number whose first bits stand in the lower part of a byte (RFC 7541, section
/// 5.1).
fn number(first: u8, bits: u32, mut rest: &[u8]) -> Result<(usize, &[u8]), Unreadable> {
    let most = (1_usize << bits) - 1;
    let mut value = usize::from(first) & most;
    if value < most {
        return Ok((value, rest));
    }
    // Four bytes of 7 bits are more than any length or place here.
    for shift in [0, 7, 14, 21] {
        let (byte, behind) = rest.split_first().ok_or(Unreadable::Field)?;
        rest = behind;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, rest));
        }
    }
    Err(Unreadable::Number)
}

/// A string, packed or as it is (RFC 7541, section 5.2).
fn string(rest: &[u8]) -> Result<(Text, &[u8]), Unreadable> {
    let (first, rest) = rest.split_first().ok_or(Unreadable::Field)?;
    let (len, rest) = number(*first, 7, rest)?;
    let (bytes, rest) = rest.split_at_checked(len).ok_or(Unreadable::Field)?;
    if first & 0x80 == 0 {
        return Ok((Text::Sent(bytes.into()), rest));
    }
    // The shortest codes have five bits.
    let mut unpacked = Vec::with_capacity(len * 8 / 5);
    huffman::decode(bytes, &mut unpacked).ok_or(Unreadable::Field)?;
    Ok((Text::Sent(unpacked.into()), rest))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn shown(fields: &Fields) -> Vec<String> {
        fields.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    fn decode(table: &mut Table, block: &[u8]) -> Vec<String> {
        shown(&table.decode(block).unwrap())
    }

    #[test]
    fn the_requests_of_the_standard_decode() {
        // RFC 7541, appendix C.4: three requests on one connection.
        let mut table = Table::default();
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let common = [":method=GET", ":scheme=http", ":path=/", ":authority=www.example.com"];
        assert_eq!(decode(&mut table, first), common);
        let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
        assert_eq!(decode(&mut table, second), [&common[..], &["cache-control=no-cache"]].concat());
        let third = b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
        assert_eq!(
            decode(&mut table, third),
            [
                ":method=GET",
                ":scheme=https",
                ":path=/index.html",
                ":authority=www.example.com",
                "custom-key=custom-value"
            ]
        );
        assert_eq!((table.size, table.entries.len()), (164, 3));
    }

    #[test]
    fn entries_leave_when_the_table_is_full() {
        let mut table = Table::default();
        // A size of 70, then fields of 36 bytes each: there is room for one.
        assert_eq!(decode(&mut table, b"\x3f\x27\x40\x02aa\x02bb\x40\x02cc\x02dd"), ["aa=bb", "cc=dd"]);
        assert_eq!(decode(&mut table, b"\xbe"), ["cc=dd"]);
        assert_eq!(table.decode(b"\xbf"), Err(Unreadable::Field));
        // An entry beyond the size empties the table.
        let long = [b"\x40\x02aa\x42".as_slice(), &[b'x'; 66]].concat();
        decode(&mut table, &long);
        assert_eq!((table.size, table.entries.len()), (0, 0));
    }

    #[test]
    fn every_truncation_is_refused_or_ends_between_fields() {
        let block = b"\x82\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x03abc\x10\x01a\x01b\x0f\x2f\x01c";
        let whole = decode(&mut Table::default(), block);
        assert_eq!(whole.len(), 4);
        for len in 0..block.len() {
            match Table::default().decode(&block[..len]) {
                Ok(fields) => assert!(whole.starts_with(&shown(&fields)), "cut at {len}"),
                Err(unreadable) => assert_eq!(unreadable, Unreadable::Field, "cut at {len}"),
            }
        }
    }

    #[test]
    fn numbers_without_measure_are_refused() {
        let refused = |block: &[u8]| Table::default().decode(block);
        assert_eq!(refused(b"\xff\xff\xff\xff\xff\xff\x01"), Err(Unreadable::Number));
        assert_eq!(refused(b"\x3f\xff\xff\xff\x01"), Err(Unreadable::Number));
        assert_eq!(refused(b"\x80"), Err(Unreadable::Field));
        assert_eq!(refused(b"\x40\x7f\xff\xff\xff\x01a"), Err(Unreadable::Field));
    }

    #[test]
    fn what_is_referred_to_is_never_copied() {
        let mut table = Table::default();
        table.decode(b"\x3f\xe1\xff\x03\x40\x01a\x7f\xf1\x1d").unwrap_err();
        let block = [b"\x40\x01a\x7f\xf1\x1d".as_slice(), &[b'x'; 3952]].concat();
        table.decode(&block).unwrap();
        let (Ok((_, Text::Sent(one))), Ok((_, Text::Sent(other)))) = (table.entry(62), table.entry(62))
        else {
            unreachable!("an entry was added")
        };
        assert!(Arc::ptr_eq(&one, &other));
        // A name that is taken over is that of the entry that it is taken from.
        table.decode(b"\x7e\x00").unwrap();
        let (Ok((Text::Sent(newest), _)), Ok((Text::Sent(oldest), _))) = (table.entry(62), table.entry(63))
        else {
            unreachable!("another was added")
        };
        assert!(Arc::ptr_eq(&newest, &oldest));
    }

    #[test]
    fn a_bomb_of_references_is_cut_and_the_table_bounded() {
        let mut table = Table::default();
        let mut block = b"\x3f\xe1\xff\x03".to_vec();
        for _ in 0..100 {
            block.extend_from_slice(b"\x40\x01a\x7f\xf1\x1d");
            block.extend_from_slice(&[b'x'; 3952]);
        }
        block.extend(std::iter::repeat_n(0xbe, 50_000));
        let fields = table.decode(&block).unwrap();
        assert!(table.is_cut && fields.size() < 3 * HEAD_MAX, "{}", fields.size());
        assert!(table.held() <= HELD_MAX && table.size <= TABLE_MAX);
        let mut table = Table::default();
        let empty = [b"\x3f\xe1\xff\x03".as_slice(), &b"\x40\x00\x00".repeat(100_000)].concat();
        table.decode(&empty).unwrap();
        assert!(table.held() <= HELD_MAX, "{} of {HELD_MAX}", table.held());
    }
}
