//! `encrypted_client_hello` of a client (RFC 9849 section 5).
//!
//! The outer one cannot be told from GREASE by who has no key, which is its
//! purpose.

use super::super::super::Malformed;
use super::super::reader::Reader;

/// What a client says with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ech<'a> {
    /// 0: this hello is the wrapping of another.
    Outer {
        /// HPKE: how keys are derived.
        kdf: u16,
        /// HPKE: how the hello is encrypted.
        aead: u16,
        /// Which of the server's configurations is used.
        config_id: u8,
        /// HPKE: the client's public key; empty after a retry.
        encapsulated: &'a [u8],
        /// The hello inside.
        payload: &'a [u8],
    },
    /// 1: this hello was inside.
    Inner,
    /// Of a type that is not known.
    Other(u8),
}

impl<'a> Ech<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => Ok(Self::Outer {
                kdf: reader.u16()?,
                aead: reader.u16()?,
                config_id: reader.u8()?,
                encapsulated: reader.vector16()?,
                payload: reader.vector16()?,
            }),
            1 => Ok(Self::Inner),
            other => {
                reader.rest();
                Ok(Self::Other(other))
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::super::super::reader::whole;
    use super::*;

    const SAMPLE: [u8; 12] = [0, 0, 1, 0, 3, 9, 0, 1, 7, 0, 1, 8];

    #[test]
    fn tells_the_outer_from_the_inner() {
        let outer = Ech::Outer { kdf: 1, aead: 3, config_id: 9, encapsulated: &[7], payload: &[8] };
        assert_eq!(whole(&SAMPLE, Ech::read), Ok(outer));
        assert_eq!(whole(&[1], Ech::read), Ok(Ech::Inner));
        assert_eq!(whole(&[2, 3], Ech::read), Ok(Ech::Other(2)));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..SAMPLE.len() {
            assert!(whole(&SAMPLE[..len], Ech::read).is_err(), "{len} bytes");
        }
    }
}
