//! Frames: their heads, and what stands in the short ones (RFC 9113, sections 4
//! and 6).

/// Length, type, flags and stream.
pub(super) const HEADER_LEN: usize = 9;

/// The flag of DATA and HEADERS: the sender has said all on this stream.
pub(super) const END_STREAM: u8 = 0x01;
/// The flag of SETTINGS: the peer's were read.
pub(super) const ACK: u8 = 0x01;
/// The flag of frames with fields: the block is complete.
pub(super) const END_HEADERS: u8 = 0x04;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// The kind of a frame, as far as one is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    Other,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) len: usize,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    pub(super) fn decode(&[l0, l1, l2, kind, flags, s0, s1, s2, s3]: &[u8; HEADER_LEN]) -> Self {
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            2 => Kind::Priority,
            3 => Kind::RstStream,
            4 => Kind::Settings,
            5 => Kind::PushPromise,
            6 => Kind::Ping,
            7 => Kind::GoAway,
            8 => Kind::WindowUpdate,
            9 => Kind::Continuation,
            _ => Kind::Other,
        };
        let len = usize::try_from(u32::from_be_bytes([0, l0, l1, l2])).unwrap_or(usize::MAX);
        Self { len, kind, flags, stream: stream_of([s0, s1, s2, s3]) }
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn is_padded(self) -> bool {
        self.has(PADDED) && matches!(self.kind, Kind::Data | Kind::Headers | Kind::PushPromise)
    }

    /// Whether a frame of this kind may be on this stream: some are about the
    /// connection, which is stream 0, and some are not.
    pub(super) fn is_placed(self) -> bool {
        match self.kind {
            Kind::Settings | Kind::Ping | Kind::GoAway => self.stream == 0,
            Kind::WindowUpdate | Kind::Other => true,
            _ => self.stream != 0,
        }
    }

    /// Whether a frame of this kind may be so long.
    pub(super) fn is_measured(self) -> bool {
        match self.kind {
            Kind::Priority => self.len == 5,
            Kind::RstStream | Kind::WindowUpdate => self.len == 4,
            Kind::Settings => self.len.is_multiple_of(6) && (self.len == 0 || !self.has(ACK)),
            Kind::Ping => self.len == 8,
            Kind::GoAway => self.len >= 8,
            _ => true,
        }
    }
}

/// The payload of a frame that begins a block of fields, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// The weight of the stream, less one.
    pub(super) weight: Option<u8>,
    /// The stream that is announced.
    pub(super) promised: Option<u32>,
    /// The fields, or their beginning.
    pub(super) fragment: &'a [u8],
}

impl<'a> Block<'a> {
    /// `None` if there is less than its flags announce.
    pub(super) fn decode(head: Head, payload: &'a [u8]) -> Option<Self> {
        let mut rest = payload;
        if head.is_padded() {
            let (padding, behind) = rest.split_first()?;
            rest = behind.get(..behind.len().checked_sub(usize::from(*padding))?)?;
        }
        let (mut weight, mut promised) = (None, None);
        if head.kind == Kind::PushPromise {
            let (stream, behind) = rest.split_first_chunk::<4>()?;
            promised = Some(stream_of(*stream));
            rest = behind;
        } else if head.has(PRIORITY) {
            let (&[.., last], behind) = rest.split_first_chunk::<5>()?;
            weight = Some(last);
            rest = behind;
        }
        Some(Self { weight, promised, fragment: rest })
    }
}

/// The settings in a payload: numbers and values.
pub(super) fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    let (settings, _) = payload.as_chunks::<6>();
    settings
        .iter()
        .map(|&[i0, i1, v0, v1, v2, v3]| (u16::from_be_bytes([i0, i1]), u32::from_be_bytes([v0, v1, v2, v3])))
}

/// A stream's number; the bit above it is reserved.
fn stream_of(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes) & 0x7fff_ffff
}
