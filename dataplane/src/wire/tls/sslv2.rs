//! The hellos of SSL 2.0 (draft-hickman-netscape-ssl-00).
//!
//! A client of old that could also do better wrote a hello of SSL 2.0 that named
//! the higher version (RFC 5246 appendix E.2); a server that accepted answered in
//! TLS. Suites have three bytes: those of TLS begin with 0.

use super::super::Malformed;
use super::reader::Reader;
use super::{Suite, Version};

/// Length of a record's header in bytes, where it has no padding.
pub const HEADER_LEN: usize = 2;
/// Message type of an error.
pub const ERROR: u8 = 0;
/// Message type of a client's hello.
pub const CLIENT_HELLO: u8 = 1;
/// Message type of a server's hello.
pub const SERVER_HELLO: u8 = 4;

/// How long the message is that a record's header announces; `None` where the
/// header is not one without padding, which a hello always is.
pub const fn message_len(header: [u8; HEADER_LEN]) -> Option<usize> {
    let [h0, h1] = header;
    if h0 & 0x80 == 0 {
        return None;
    }
    Some(u16::from_be_bytes([h0 & 0x7f, h1]) as usize)
}

/// Suites of three bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherKinds<'a>(&'a [u8]);

impl<'a> CipherKinds<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len().is_multiple_of(3) { Ok(Self(bytes)) } else { Err(Malformed::BadLength) }
    }

    /// The suites in their order, as 24-bit numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        let (kinds, _) = self.0.as_chunks::<3>();
        kinds.iter().map(|[k0, k1, k2]| u32::from_be_bytes([0, *k0, *k1, *k2]))
    }

    /// Those that are suites of TLS.
    pub fn suites(&self) -> impl Iterator<Item = Suite> + use<'a> {
        self.iter().filter_map(|kind| u16::try_from(kind).ok().map(Suite))
    }
}

/// What a suite of SSL 2.0 is called.
pub const fn kind_name(kind: u32) -> Option<&'static str> {
    match kind {
        0x01_0080 => Some("SSL2_RC4_128_WITH_MD5"),
        0x02_0080 => Some("SSL2_RC4_128_EXPORT40_WITH_MD5"),
        0x03_0080 => Some("SSL2_RC2_128_CBC_WITH_MD5"),
        0x04_0080 => Some("SSL2_RC2_128_CBC_EXPORT40_WITH_MD5"),
        0x05_0080 => Some("SSL2_IDEA_128_CBC_WITH_MD5"),
        0x06_0040 => Some("SSL2_DES_64_CBC_WITH_MD5"),
        0x07_00c0 => Some("SSL2_DES_192_EDE3_CBC_WITH_MD5"),
        0x08_0080 => Some("SSL2_RC4_64_WITH_MD5"),
        _ => None,
    }
}

/// A client's hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The highest version that the client can do.
    pub version: Version,
    /// The suites offered.
    pub kinds: CipherKinds<'a>,
    /// The session to resume; empty, or 16 bytes.
    pub session_id: &'a [u8],
    /// The client's random, 16 to 32 bytes.
    pub challenge: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// From a record's message, its type included.
    pub fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(message);
        if reader.u8()? != CLIENT_HELLO {
            return Err(Malformed::Unsupported);
        }
        let version = Version(reader.u16()?);
        if version != Version::SSL2 && version.0 >> 8 != 3 {
            return Err(Malformed::BadVersion);
        }
        let (kinds, id, challenge) = (reader.u16()?, reader.u16()?, reader.u16()?);
        if kinds == 0 || !matches!(id, 0 | 16) || !matches!(challenge, 16..=32) {
            return Err(Malformed::BadLength);
        }
        let kinds = CipherKinds::new(reader.take(kinds.into())?)?;
        let session_id = reader.take(id.into())?;
        let challenge = reader.take(challenge.into())?;
        reader.end()?;
        Ok(Self { version, kinds, session_id, challenge })
    }
}

/// A server's hello in SSL 2.0 itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// Whether the client's session is resumed.
    pub is_resumed: bool,
    /// The version chosen.
    pub version: Version,
    /// The server's certificate in DER; empty in a resumed session.
    pub certificate: &'a [u8],
    /// The suites that the server could do of those offered.
    pub kinds: CipherKinds<'a>,
    /// What the session is known by.
    pub connection_id: &'a [u8],
}

impl<'a> ServerHello<'a> {
    /// From a record's message, its type included.
    pub fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(message);
        if reader.u8()? != SERVER_HELLO {
            return Err(Malformed::Unsupported);
        }
        let is_resumed = reader.u8()? != 0;
        reader.u8()?; // The certificate's type: 1, X.509.
        let version = Version(reader.u16()?);
        if version != Version::SSL2 {
            return Err(Malformed::BadVersion);
        }
        let (certificate, kinds, id) = (reader.u16()?, reader.u16()?, reader.u16()?);
        let certificate = reader.take(certificate.into())?;
        let kinds = CipherKinds::new(reader.take(kinds.into())?)?;
        let connection_id = reader.take(id.into())?;
        reader.end()?;
        Ok(Self { is_resumed, version, certificate, kinds, connection_id })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::super::build::ClientHelloBuilder;
    use super::super::samples;
    use super::*;

    #[test]
    fn decodes_a_hello_that_offers_more() {
        let bytes = samples::sslv2_client_hello();
        let (header, message) = bytes.split_first_chunk().unwrap();
        assert_eq!(message_len(*header), Some(message.len()));
        let hello = ClientHello::decode(message).unwrap();
        assert_eq!((hello.version, hello.challenge.len()), (Version::TLS1_0, 16));
        assert_eq!(hello.kinds.suites().collect::<Vec<_>>(), [Suite(0x0039), Suite(0x0035)]);
        assert_eq!(hello.kinds.iter().filter_map(kind_name).count(), 1);
    }

    #[test]
    fn refuses_every_truncation_and_a_lying_length() {
        let bytes = samples::sslv2_client_hello();
        let message = &bytes[HEADER_LEN..];
        for len in 0..message.len() {
            assert!(ClientHello::decode(&message[..len]).is_err(), "{len} bytes");
        }
        for at in [4, 6, 8] {
            let mut bytes = message.to_vec();
            bytes[at] ^= 1;
            assert!(ClientHello::decode(&bytes).is_err(), "{at}");
        }
        assert_eq!(message_len([0x16, 3]), None);
    }

    #[test]
    fn decodes_a_servers_hello_and_refuses_its_truncations() {
        let message = [&[4, 0, 1, 0, 2, 0, 2, 0, 3, 0, 1, 0x30, 0, 7, 0, 0xc0, 9][..]].concat();
        let hello = ServerHello::decode(&message).unwrap();
        assert_eq!((hello.certificate, hello.connection_id), (&[0x30, 0][..], &[9][..]));
        assert_eq!(hello.kinds.iter().collect::<Vec<_>>(), [0x0007_00c0]);
        for len in 0..message.len() {
            assert!(ServerHello::decode(&message[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn decodes_what_is_built() {
        let builder = ClientHelloBuilder::new(Version::TLS1_2).suites([Suite(0xc02f)]);
        let bytes = builder.sslv2(&[0x01_0080]);
        let hello = ClientHello::decode(&bytes[HEADER_LEN..]).unwrap();
        assert_eq!((hello.version, hello.challenge.len()), (Version::TLS1_2, 32));
        assert_eq!(hello.kinds.iter().collect::<Vec<_>>(), [0x01_0080, 0xc02f]);
    }
}
