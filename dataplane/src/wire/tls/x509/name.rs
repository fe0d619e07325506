//! Distinguished names, and how they are written.
//!
//! As EVE events write them: `C=US, O=Example, CN=example.com`, in the order of the
//! certificate, `+` between the attributes of one step. Nothing is escaped: who
//! needs to be certain looks at the attributes.

use super::super::super::Malformed;
use super::der::{Der, Value, tag};
use super::oid::Oid;

/// A sequence of steps, each a set of attributes; all of it checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a [u8]);

/// One attribute of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// What it is.
    pub kind: Oid<'a>,
    /// What it says.
    pub text: Text<'a>,
    /// Whether it belongs to the same step as the one before.
    pub is_joined: bool,
}

impl<'a> Name<'a> {
    /// Over the content of a name.
    pub(super) fn new(content: &'a [u8]) -> Result<Self, Malformed> {
        let mut steps = Der::new(content);
        while !steps.is_empty() {
            let mut step = steps.within(tag::SET)?;
            while !step.is_empty() {
                read(&mut step, false)?;
            }
        }
        Ok(Self(content))
    }

    /// The attributes in their order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let (mut steps, mut step) = (Der::new(self.0), Der::new(&[]));
        let mut is_joined = false;
        std::iter::from_fn(move || {
            while step.is_empty() {
                step = steps.within(tag::SET).ok()?;
                is_joined = false;
            }
            let attribute = read(&mut step, is_joined).ok();
            is_joined = true;
            attribute
        })
    }

    /// What the last common name in it says: the host in certificates of old.
    pub fn common_name(&self) -> Option<Text<'a>> {
        let names = self.attributes().filter(|attribute| attribute.kind.attribute() == Some("CN"));
        names.last().map(|attribute| attribute.text)
    }
}

fn read<'a>(step: &mut Der<'a>, is_joined: bool) -> Result<Attribute<'a>, Malformed> {
    let mut pair = step.within(tag::SEQUENCE)?;
    let kind = Oid(pair.expect(tag::OID)?);
    Ok(Attribute { kind, text: Text(pair.value()?), is_joined })
}

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, attribute) in self.attributes().enumerate() {
            let separator = match (at, attribute.is_joined) {
                (0, _) => "",
                (_, true) => " + ",
                (_, false) => ", ",
            };
            f.write_str(separator)?;
            match attribute.kind.attribute() {
                Some(name) => f.write_str(name)?,
                None => write!(f, "{}", attribute.kind)?,
            }
            write!(f, "={}", attribute.text)?;
        }
        Ok(())
    }
}

/// A value that is meant to be read, in one of the alphabets of ASN.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a>(Value<'a>);

impl std::fmt::Display for Text<'_> {
    /// What is none of its alphabet becomes U+FFFD; what is no text hexadecimal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        let content = self.0.content;
        match self.0.tag {
            tag::UTF8_STRING
            | tag::NUMERIC_STRING
            | tag::PRINTABLE_STRING
            | tag::IA5_STRING
            | tag::VISIBLE_STRING => {
                for chunk in content.utf8_chunks() {
                    f.write_str(chunk.valid())?;
                    if !chunk.invalid().is_empty() {
                        f.write_char(char::REPLACEMENT_CHARACTER)?;
                    }
                }
                Ok(())
            }
            // Called T.61 and written as Latin-1 by all who use it.
            tag::TELETEX_STRING => content.iter().try_for_each(|byte| f.write_char(char::from(*byte))),
            tag::BMP_STRING => {
                let (units, _) = content.as_chunks::<2>();
                let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
                char::decode_utf16(units)
                    .try_for_each(|unit| f.write_char(unit.unwrap_or(char::REPLACEMENT_CHARACTER)))
            }
            tag::UNIVERSAL_STRING => {
                let (units, _) = content.as_chunks::<4>();
                units.iter().try_for_each(|unit| {
                    let character = char::from_u32(u32::from_be_bytes(*unit));
                    f.write_char(character.unwrap_or(char::REPLACEMENT_CHARACTER))
                })
            }
            _ => content.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    fn attribute(oid: &[u8], tag: u8, text: &[u8]) -> Vec<u8> {
        value(0x30, &[value(0x06, oid), value(tag, text)].concat())
    }

    fn step(attributes: &[Vec<u8>]) -> Vec<u8> {
        value(0x31, &attributes.concat())
    }

    #[test]
    fn is_written_as_events_write_it() {
        let bytes = [
            step(&[attribute(&[0x55, 4, 6], 0x13, b"HU")]),
            step(&[
                attribute(&[0x55, 4, 10], 0x0c, "Kft. Ő".as_bytes()),
                attribute(&[0x55, 4, 11], 0x14, b"\xfcb"),
            ]),
            step(&[attribute(&[0x55, 4, 3], 0x1e, b"\x00a\x20\xac")]),
            step(&[attribute(&[0x2a, 3], 0x04, &[0xab, 1])]),
        ]
        .concat();
        let name = Name::new(&bytes).unwrap();
        assert_eq!(name.to_string(), "C=HU, O=Kft. Ő + OU=üb, CN=a€, 1.2.3=AB01");
        assert_eq!(name.common_name().unwrap().to_string(), "a€");
        assert_eq!(Name::new(&[]).unwrap().to_string(), "");
    }

    #[test]
    fn what_is_no_text_of_its_alphabet_is_replaced() {
        for (tag, content, text) in [
            (0x0c, &b"a\xffb"[..], "a\u{fffd}b"),
            (0x1c, &[0, 0x11, 0, 0], "\u{fffd}"),
            (0x1e, &[0xd8, 0], "\u{fffd}"),
        ] {
            assert_eq!(Text(Value { tag, content }).to_string(), text);
        }
    }

    #[test]
    fn refuses_every_truncation() {
        let bytes = step(&[attribute(&[0x55, 4, 6], 0x13, b"HU")]);
        for len in 1..bytes.len() {
            assert!(Name::new(&bytes[..len]).is_err(), "{len} bytes");
        }
    }
}
