//! Datagrams as a client and a server send them first: for tests, and for seeds of
//! fuzzing.

use super::keys::{self, Keys};
use crate::wire::quic::packet::RETRY_TAG_LEN;
use crate::wire::quic::{Layout, Version, number};

/// An Initial packet in the making; its frames stand in the order in which they
/// were added.
#[derive(Clone, Debug)]
pub struct Initial {
    version: Version,
    dcid: Vec<u8>,
    scid: Vec<u8>,
    secret: Vec<u8>,
    is_server: bool,
    number: u32,
    token: Vec<u8>,
    frames: Vec<u8>,
}

impl Initial {
    /// A client's, to the connection ID that it made up.
    pub fn client(version: Version, dcid: &[u8]) -> Self {
        Self {
            version,
            dcid: dcid.to_vec(),
            scid: b"client".to_vec(),
            secret: dcid.to_vec(),
            is_server: false,
            number: 0,
            token: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// A server's, that answers a client's to this connection ID.
    pub fn server(version: Version, client_dcid: &[u8]) -> Self {
        let [dcid, scid] = [b"client", b"server"].map(|id| id.to_vec());
        Self { dcid, scid, is_server: true, ..Self::client(version, client_dcid) }
    }

    /// The connection ID that the server has chosen, once the client knows it.
    #[must_use]
    pub fn to(mut self, dcid: &[u8]) -> Self {
        self.dcid = dcid.to_vec();
        self
    }

    /// The packet's number.
    #[must_use]
    pub const fn number(mut self, number: u32) -> Self {
        self.number = number;
        self
    }

    /// What a server gave in a Retry.
    #[must_use]
    pub fn token(mut self, token: &[u8]) -> Self {
        self.token = token.to_vec();
        self
    }

    /// A piece of the handshake: a CRYPTO frame, Google's in Google's versions.
    #[must_use]
    pub fn crypto(mut self, offset: u64, piece: &[u8]) -> Self {
        self.frames.push(if self.version.google_number().is_some() { 0x08 } else { 0x06 });
        number::write(offset, &mut self.frames);
        number::write(piece.len() as u64, &mut self.frames);
        self.frames.extend(piece);
        self
    }

    /// Any frames, as bytes.
    #[must_use]
    pub fn frames(mut self, bytes: &[u8]) -> Self {
        self.frames.extend(bytes);
        self
    }

    /// The packet; of a version whose keys are not known its frames stay as they
    /// are.
    pub fn build(&self) -> Vec<u8> {
        let kind = if self.version.layout() == Layout::V2 { 0x10 } else { 0 };
        let mut header = vec![0xc3 | kind];
        header.extend(self.version.0.to_be_bytes());
        for id in [&self.dcid, &self.scid] {
            header.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
            header.extend(id);
        }
        number::write(self.token.len() as u64, &mut header);
        header.extend(&self.token);
        number::write(Keys::sealed_len(&self.frames) as u64, &mut header);
        match keys::initial(self.version, &self.secret) {
            Some([_, server]) if self.is_server => server.seal(&header, self.number, &self.frames),
            Some([client, _]) => client.seal(&header, self.number, &self.frames),
            None => [&header[..], &[0; 4], &self.frames, &[0; 16]].concat(),
        }
    }
}

/// A server's offer of versions.
pub fn negotiation(versions: &[Version]) -> Vec<u8> {
    let mut bytes = b"\x80\0\0\0\0\x06client\x06server".to_vec();
    for version in versions {
        bytes.extend(version.0.to_be_bytes());
    }
    bytes
}

/// A server's wish for another Initial with this token, to this connection ID;
/// nothing makes it authentic.
pub fn retry(version: Version, scid: &[u8], token: &[u8]) -> Vec<u8> {
    let kind = if version.layout() == Layout::V2 { 0xc0 } else { 0xf0 };
    let mut bytes = [&[kind][..], &version.0.to_be_bytes(), b"\x06client"].concat();
    bytes.push(u8::try_from(scid.len()).unwrap_or(u8::MAX));
    [&bytes[..], scid, token, &[0; RETRY_TAG_LEN]].concat()
}
