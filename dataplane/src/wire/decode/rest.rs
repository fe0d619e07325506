//! What has not been decoded yet.

use crate::wire::{Layer, Malformed, Undecodable};

/// What has not been decoded yet.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    pub(super) bytes: &'a [u8],
    /// How many bytes these were on the wire: more where the capture cut them.
    pub(super) wire_len: usize,
    /// Where they begin within the frame.
    pub(super) at: u32,
    /// How many tunnels are looked into, before the next one is a packet like
    /// any other.
    pub(super) follow: u8,
    /// How many network headers were found sound, lengths and all.
    pub(super) networks: u8,
    /// Whether the VLAN tags found so far are those of the packet around this.
    pub(super) inherits: bool,
}

impl<'a> Rest<'a> {
    /// All of a frame.
    #[inline]
    pub(super) fn new(bytes: &'a [u8], wire_len: u32) -> Self {
        let wire_len = bytes.len().max(wire_len as usize);
        Self { bytes, wire_len, at: 0, follow: u8::MAX, networks: 0, inherits: false }
    }

    /// Goes on to `bytes`, which are the end of these.
    #[inline]
    pub(super) fn advance_to(&mut self, bytes: &'a [u8]) {
        let header_len = self.bytes.len() - bytes.len();
        self.bytes = bytes;
        self.wire_len -= header_len;
        #[expect(clippy::cast_possible_truncation, reason = "16 extension headers have 32 KiB at most")]
        {
            self.at += header_len as u32;
        }
    }

    /// Leaves out what is beyond `len`, which is at most `wire_len`.
    #[inline]
    pub(super) fn trim(&mut self, len: usize) {
        self.bytes = self.bytes.get(..len).unwrap_or(self.bytes);
        self.wire_len = len;
    }

    /// Decodes a header and goes on to what follows it.
    pub(super) fn step<T>(
        &mut self,
        layer: Layer,
        decode: impl FnOnce(&'a [u8]) -> Result<(T, &'a [u8]), Malformed>,
    ) -> Result<T, Undecodable> {
        let (header, after) = decode(self.bytes).map_err(|why| self.undecodable(layer, why))?;
        self.advance_to(after);
        Ok(header)
    }

    /// Goes on after so many bytes of a header.
    pub(super) fn skip(&mut self, len: usize, layer: Layer) -> Result<(), Undecodable> {
        self.step(layer, |bytes| Ok(((), bytes.get(len..).ok_or(Malformed::Truncated)?)))
    }

    /// Leaves out what is beyond `len`, which a header of `layer` says.
    pub(super) fn trim_to(&mut self, len: usize, layer: Layer) -> Result<(), Undecodable> {
        self.trim_by(if len > self.wire_len { Err(Malformed::BeyondEnd) } else { Ok(len) }, layer)
    }

    /// Leaves out what is beyond the length that a header of `layer` has, where
    /// that was found sound.
    pub(super) fn trim_by(&mut self, len: Result<usize, Malformed>, layer: Layer) -> Result<(), Undecodable> {
        let len = len.map_err(|malformed| Undecodable { layer, malformed })?;
        self.trim(len);
        Ok(())
    }

    /// Calls what is not inlined on a copy: a value whose address is given away
    /// has to live in memory from then on, also for those who never call.
    #[inline]
    pub(super) fn apart<T>(&mut self, decode: impl FnOnce(&mut Self) -> T) -> T {
        let mut copy = *self;
        let outcome = decode(&mut copy);
        *self = copy;
        outcome
    }

    /// Why these do not decode, where a header of `layer` was looked for. Of a
    /// header that ends too early the capture may be the cause.
    #[cold]
    pub(super) fn undecodable(self, layer: Layer, malformed: Malformed) -> Undecodable {
        let cut = self.bytes.len() < self.wire_len;
        let malformed = match malformed {
            Malformed::Truncated | Malformed::BeyondEnd if cut => Malformed::Cut,
            other => other,
        };
        Undecodable { layer, malformed }
    }
}
