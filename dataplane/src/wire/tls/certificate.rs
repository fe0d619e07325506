//! Certificate messages: a chain in DER, the sender's own first.
//!
//! Up to TLS 1.2 a list (RFC 5246 section 7.4.2), in TLS 1.3 each with
//! extensions of its own and the list with a context (RFC 8446 section 4.4.2).
//! TLS 1.3 encrypts them.

use super::super::Malformed;
use super::Version;
use super::extension::Extensions;
use super::reader::Reader;

/// The form of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    WithExtensions,
}

/// A chain of certificates, each whole; what they hold is for [`super::x509`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificates<'a> {
    /// What the request for them was known by; empty but for a client of TLS 1.3
    /// that is asked later.
    pub context: &'a [u8],
    list: &'a [u8],
    form: Form,
}

impl<'a> Certificates<'a> {
    /// From the body of a handshake message of the connection's version.
    pub fn decode(body: &'a [u8], version: Version) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let form = if version.is_1_3() { Form::WithExtensions } else { Form::Plain };
        let context = match form {
            Form::Plain => &[],
            Form::WithExtensions => reader.vector8()?,
        };
        let list = reader.vector24()?;
        reader.end()?;
        let mut each = Reader::new(list);
        while !each.is_empty() {
            let (_, extensions) = form.read(&mut each)?;
            Extensions::new(extensions)?;
        }
        Ok(Self { context, list, form })
    }

    /// The certificates in DER, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.entries().map(|(der, _)| der)
    }

    /// The certificates and what is said of each; up to TLS 1.2 nothing is.
    pub fn entries(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let (mut reader, form) = (Reader::new(self.list), self.form);
        std::iter::from_fn(move || if reader.is_empty() { None } else { form.read(&mut reader).ok() })
    }
}

impl Form {
    fn read<'a>(self, reader: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8]), Malformed> {
        let der = reader.vector24()?;
        let extensions: &[u8] = match self {
            Self::Plain => &[],
            Self::WithExtensions => reader.vector16()?,
        };
        Ok((der, extensions))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    const PLAIN: [u8; 12] = [0, 0, 9, 0, 0, 2, 0x30, 0, 0, 0, 1, 7];
    const WITH_EXTENSIONS: [u8; 19] = [1, 9, 0, 0, 14, 0, 0, 2, 0x30, 0, 0, 5, 0, 5, 0, 1, 8, 0, 0];

    #[test]
    fn gives_each_certificate_of_either_form() {
        let chain = Certificates::decode(&PLAIN, Version::TLS1_2).unwrap();
        assert_eq!(chain.iter().collect::<Vec<_>>(), [&[0x30, 0][..], &[7]]);
        let bytes = &WITH_EXTENSIONS[..17];
        let mut whole = bytes.to_vec();
        whole[4] = 12;
        let chain = Certificates::decode(&whole, Version::TLS1_3).unwrap();
        assert_eq!(chain.context, [9]);
        assert_eq!(chain.entries().collect::<Vec<_>>(), [(&[0x30, 0][..], &[0, 5, 0, 1, 8][..])]);
    }

    #[test]
    fn refuses_every_truncation_and_a_lying_length() {
        for len in 0..PLAIN.len() {
            assert!(Certificates::decode(&PLAIN[..len], Version::TLS1_2).is_err(), "{len} bytes");
        }
        for at in [2, 5, 10] {
            let mut bytes = PLAIN;
            bytes[at] += 1;
            assert!(Certificates::decode(&bytes, Version::TLS1_2).is_err(), "{at}");
        }
        assert!(Certificates::decode(&WITH_EXTENSIONS, Version::TLS1_3).is_err());
    }
}
