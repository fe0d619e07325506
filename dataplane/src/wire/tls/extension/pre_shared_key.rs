//! `pre_shared_key` of a client (RFC 8446 section 4.2.11).

use super::super::super::Malformed;
use super::super::lists::Vectors;
use super::super::reader::Reader;

/// A key that the client has: a ticket, or one agreed otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// What the server knows it by.
    pub identity: &'a [u8],
    /// Its age in milliseconds, made unreadable by an addend.
    pub obfuscated_ticket_age: u32,
}

/// The keys offered, and the proofs that the client has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreSharedKeys<'a> {
    identities: &'a [u8],
    /// One for each identity.
    pub binders: Vectors<'a>,
}

impl<'a> PreSharedKeys<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let identities = reader.vector16()?;
        let mut each = Reader::new(identities);
        while !each.is_empty() {
            read_identity(&mut each)?;
        }
        Ok(Self { identities, binders: Vectors::short(reader.vector16()?)? })
    }

    /// The keys in their order.
    pub fn identities(&self) -> impl Iterator<Item = Identity<'a>> + use<'a> {
        let mut reader = Reader::new(self.identities);
        std::iter::from_fn(move || if reader.is_empty() { None } else { read_identity(&mut reader).ok() })
    }
}

fn read_identity<'a>(reader: &mut Reader<'a>) -> Result<Identity<'a>, Malformed> {
    Ok(Identity { identity: reader.vector16()?, obfuscated_ticket_age: reader.u32()? })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::super::super::reader::whole;
    use super::*;

    const SAMPLE: [u8; 16] = [0, 8, 0, 2, b'i', b'd', 0, 0, 0, 9, 0, 4, 3, 7, 7, 7];

    #[test]
    fn gives_identities_and_binders() {
        let keys = whole(&SAMPLE, PreSharedKeys::read).unwrap();
        let identity = Identity { identity: b"id", obfuscated_ticket_age: 9 };
        assert_eq!(keys.identities().collect::<Vec<_>>(), [identity]);
        assert_eq!(keys.binders.iter().collect::<Vec<_>>(), [[7; 3]]);
    }

    #[test]
    fn refuses_every_truncation_and_a_lying_length() {
        for len in 0..SAMPLE.len() {
            assert!(whole(&SAMPLE[..len], PreSharedKeys::read).is_err(), "{len} bytes");
        }
        for at in [1, 3, 11, 12] {
            let mut bytes = SAMPLE;
            bytes[at] += 1;
            assert!(whole(&bytes, PreSharedKeys::read).is_err(), "{at}");
        }
    }
}
