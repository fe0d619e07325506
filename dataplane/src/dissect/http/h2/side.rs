//! One direction of a connection: from bytes to what its frames say.

use super::super::head::Fields;
use super::frame::{self, Block, HEADER_LEN, Head, Kind};
use super::hpack::{Table, Unreadable};
use super::{BLOCK_MAX, CONTINUATIONS_MAX, FRAME_MAX, hpack};
use crate::anomaly::Anomaly;

/// What a client says first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The most memory that a side holds, in bytes.
pub(super) const HELD_MAX: usize = 2 * (FRAME_MAX + HEADER_LEN) + 2 * BLOCK_MAX + hpack::HELD_MAX;

/// What a frame says.
#[derive(Debug)]
pub(super) enum Said<'a> {
    /// Fields on a stream: a head, or what follows a body.
    Fields {
        stream: u32,
        fields: Fields,
        weight: Option<u8>,
        /// The stream that a server is going to answer without being asked.
        promised: Option<u32>,
        is_last: bool,
    },
    /// Bytes of a body.
    Data {
        stream: u32,
        bytes: &'a [u8],
    },
    /// So many of them were not seen.
    Gap {
        stream: u32,
        len: u64,
    },
    /// A frame of a body is over, and with it the body or not.
    DataEnd {
        stream: u32,
        is_last: bool,
    },
    /// The settings in a payload.
    Settings(&'a [u8]),
    /// The connection ends, for this reason.
    GoAway(u32),
    /// A stream ends early, for this reason.
    Reset {
        stream: u32,
        code: u32,
    },
    /// The weight of a stream, less one.
    Priority {
        stream: u32,
        weight: u8,
    },
    Odd(Anomaly),
}

/// Who is told.
type Told<'a> = dyn FnMut(Said<'_>) + 'a;

/// The payload of a frame that is not kept.
#[derive(Clone, Copy, Debug)]
struct Passing {
    /// The stream whose body it is; `None` if it is passed over.
    stream: Option<u32>,
    /// Bytes still to come, without the padding.
    left: usize,
    padding: usize,
    is_last: bool,
}

/// A block of fields that is not complete.
#[derive(Debug)]
struct Open {
    head: Head,
    weight: Option<u8>,
    promised: Option<u32>,
    fragments: Vec<u8>,
    continuations: usize,
}

/// Where a side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// In what a client says first, so many bytes of it.
    Preface(usize),
    Frames,
    /// Bytes were lost where they were needed, or do not read: nothing more is
    /// known of this side.
    Lost,
}

#[derive(Debug)]
pub(super) struct Side {
    pub(super) stage: Stage,
    /// The frame that is not complete, from its head on.
    kept: Vec<u8>,
    passing: Option<Passing>,
    open: Option<Open>,
    table: Table,
}

impl Side {
    /// A client's.
    pub(super) fn client() -> Self {
        Self { stage: Stage::Preface(0), ..Self::server() }
    }

    /// A server's.
    pub(super) fn server() -> Self {
        Self { stage: Stage::Frames, kept: Vec::new(), passing: None, open: None, table: Table::default() }
    }

    /// Takes the bytes that follow.
    pub(super) fn feed(&mut self, mut bytes: &[u8], told: &mut Told<'_>) {
        while !bytes.is_empty() {
            bytes = match self.stage {
                Stage::Lost => return,
                Stage::Preface(at) => self.preface(at, bytes, told),
                Stage::Frames if self.passing.is_some() => self.pass(bytes, told),
                Stage::Frames => self.keep(bytes, told),
            };
        }
    }

    /// So many bytes were not seen. Within a body that is bearable.
    pub(super) fn gap(&mut self, len: u64, told: &mut Told<'_>) {
        let within = self.passing.as_mut().and_then(|passing| {
            let len = usize::try_from(len).ok()?;
            passing.left = passing.left.checked_sub(len)?;
            Some(passing.stream)
        });
        match within {
            Some(Some(stream)) => {
                told(Said::Gap { stream, len });
                self.pass(&[], told);
            }
            Some(None) => {}
            None => self.lose(),
        }
    }

    /// Nothing more is known of this side; its memory is freed.
    pub(super) fn lose(&mut self) {
        *self = Self { stage: Stage::Lost, ..Self::server() };
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| open.fragments.capacity());
        self.kept.capacity() + open + self.table.held()
    }

    fn preface<'a>(&mut self, at: usize, bytes: &'a [u8], told: &mut Told<'_>) -> &'a [u8] {
        let expected = PREFACE.get(at..).unwrap_or_default();
        let (piece, rest) = bytes.split_at_checked(expected.len()).unwrap_or((bytes, &[]));
        if !expected.starts_with(piece) {
            self.fail(Anomaly::Http2InvalidClientMagic, told);
            return &[];
        }
        let at = at + piece.len();
        self.stage = if at == PREFACE.len() { Stage::Frames } else { Stage::Preface(at) };
        rest
    }

    /// This side does not read, from here on.
    fn fail(&mut self, anomaly: Anomaly, told: &mut Told<'_>) {
        told(Said::Odd(anomaly));
        self.lose();
    }

    /// Hands on a payload that is not kept.
    fn pass<'a>(&mut self, bytes: &'a [u8], told: &mut Told<'_>) -> &'a [u8] {
        let Some(passing) = &mut self.passing else { return bytes };
        let (piece, rest) = bytes.split_at_checked(passing.left).unwrap_or((bytes, &[]));
        passing.left -= piece.len();
        if let Some(stream) = passing.stream.filter(|_| !piece.is_empty()) {
            told(Said::Data { stream, bytes: piece });
        }
        if passing.left > 0 {
            return rest;
        }
        let Passing { stream, padding, is_last, .. } = *passing;
        // Padding is passed over, like what is of no interest.
        self.passing =
            (padding > 0).then_some(Passing { stream: None, left: padding, padding: 0, is_last: false });
        if let Some(stream) = stream {
            told(Said::DataEnd { stream, is_last });
        }
        rest
    }

    /// Takes bytes of a frame that is kept until it is complete.
    fn keep<'a>(&mut self, bytes: &'a [u8], told: &mut Told<'_>) -> &'a [u8] {
        let head = self.kept.first_chunk().map(Head::decode);
        let needed = match head {
            None => HEADER_LEN,
            // The length of the padding stands first.
            Some(head) if head.kind == Kind::Data => HEADER_LEN + 1,
            Some(head) => HEADER_LEN + head.len,
        };
        let missing = needed.saturating_sub(self.kept.len());
        let (piece, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        self.kept.extend_from_slice(piece);
        if piece.len() < missing {
            return rest;
        }
        match head {
            None => self.begin(told),
            Some(head) => {
                let kept = std::mem::take(&mut self.kept);
                self.payload(head, kept.get(HEADER_LEN..).unwrap_or_default(), told);
            }
        }
        rest
    }

    /// The head of a frame is complete: decides what becomes of its payload.
    fn begin(&mut self, told: &mut Told<'_>) {
        let Some(head) = self.kept.first_chunk().map(Head::decode) else { return };
        if head.len >= FRAME_MAX {
            told(Said::Odd(Anomaly::Http2LongFrameData));
        }
        if !head.is_placed() {
            told(Said::Odd(Anomaly::Http2InvalidFrameHeader));
        } else if !head.is_measured() {
            told(Said::Odd(Anomaly::Http2InvalidFrameLength));
        }
        let is_block = matches!(head.kind, Kind::Headers | Kind::PushPromise | Kind::Continuation);
        let continues = head.kind == Kind::Continuation;
        let belongs =
            self.open.as_ref().map_or(!continues, |open| continues && open.head.stream == head.stream);
        // Nothing may stand within a block; and one that is not read leaves its
        // sender's table unknown.
        if !belongs {
            self.fail(Anomaly::Http2InvalidFrameData, told);
        } else if is_block && (head.len >= FRAME_MAX || !head.is_placed()) {
            self.lose();
        } else if !head.is_placed() || !head.is_measured() {
            self.pass_over(head, None);
        } else {
            match head.kind {
                Kind::Data if head.is_padded() && head.len > 0 => {}
                Kind::Data => self.pass_over(head, Some(head.stream)),
                Kind::Other | Kind::Ping | Kind::WindowUpdate => self.pass_over(head, None),
                _ if head.len >= FRAME_MAX => self.pass_over(head, None),
                // Without a payload it is complete.
                _ if head.len == 0 => {
                    self.kept.clear();
                    self.payload(head, &[], told);
                }
                _ => {}
            }
        }
        // A body's frame may be empty, and its last.
        self.pass_if_empty(told);
    }

    fn pass_over(&mut self, head: Head, stream: Option<u32>) {
        self.kept.clear();
        let is_last = head.has(frame::END_STREAM);
        self.passing = Some(Passing { stream, left: head.len, padding: 0, is_last });
    }

    fn pass_if_empty(&mut self, told: &mut Told<'_>) {
        if self.passing.is_some_and(|passing| passing.left == 0) {
            self.pass(&[], told);
        }
    }

    /// The payload of a frame is complete; of DATA, the length of its padding.
    fn payload(&mut self, head: Head, payload: &[u8], told: &mut Told<'_>) {
        match (head.kind, payload) {
            (Kind::Data, &[padding, ..]) => {
                let padding = usize::from(padding);
                if let Some(left) = (head.len - 1).checked_sub(padding) {
                    let is_last = head.has(frame::END_STREAM);
                    self.passing = Some(Passing { stream: Some(head.stream), left, padding, is_last });
                } else {
                    told(Said::Odd(Anomaly::Http2InvalidFrameData));
                    let left = head.len - 1;
                    self.passing = Some(Passing { stream: None, left, padding: 0, is_last: false });
                }
                self.pass_if_empty(told);
            }
            (Kind::Headers | Kind::PushPromise, _) => match Block::decode(head, payload) {
                Some(Block { weight, promised, fragment }) => {
                    let fragments = fragment.to_vec();
                    self.block(Open { head, weight, promised, fragments, continuations: 0 }, head, told);
                }
                None => self.fail(Anomaly::Http2InvalidFrameData, told),
            },
            (Kind::Continuation, _) => {
                let Some(mut open) = self.open.take() else { return };
                open.fragments.extend_from_slice(payload);
                open.continuations += 1;
                self.block(open, head, told);
            }
            (Kind::Settings, _) if !head.has(frame::ACK) && !payload.is_empty() => {
                told(Said::Settings(payload));
            }
            (Kind::GoAway, &[_, _, _, _, c0, c1, c2, c3, ..]) => {
                told(Said::GoAway(u32::from_be_bytes([c0, c1, c2, c3])));
            }
            (Kind::RstStream, &[c0, c1, c2, c3]) => {
                told(Said::Reset { stream: head.stream, code: u32::from_be_bytes([c0, c1, c2, c3]) });
            }
            (Kind::Priority, &[.., weight]) => told(Said::Priority { stream: head.stream, weight }),
            _ => {}
        }
    }

    /// A block of fields goes on, or is complete.
    fn block(&mut self, open: Open, last: Head, told: &mut Told<'_>) {
        if open.fragments.len() > BLOCK_MAX || open.continuations > CONTINUATIONS_MAX {
            return self.fail(Anomaly::Http2ReassemblyLimitReached, told);
        }
        if !last.has(frame::END_HEADERS) {
            self.open = Some(open);
            return;
        }
        let Open { head, weight, promised, fragments, .. } = open;
        match self.table.decode(&fragments) {
            Ok(fields) => {
                if self.table.is_cut {
                    told(Said::Odd(Anomaly::Http2ReassemblyLimitReached));
                }
                let is_last = head.kind == Kind::Headers && head.has(frame::END_STREAM);
                told(Said::Fields { stream: head.stream, fields, weight, promised, is_last });
            }
            Err(Unreadable::Field) => self.fail(Anomaly::Http2InvalidHeader, told),
            Err(Unreadable::Number) => self.fail(Anomaly::Http2HeaderIntegerOverflow, told),
        }
    }
}
