//! RFB, the protocol of VNC, over ordered bytes (RFC 6143 section 7): its
//! handshake, as far as both sides keep to it.
//!
//! What does not fit is told as an anomaly; there is no event of its own. With
//! the server's description of its screen it is done.

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests;

use super::{Dissector, Listener, Progress};
use crate::anomaly::Anomaly;
use crate::flow::Direction;

/// The longest message that is put together: a server's choice of 255 kinds of
/// security. Names and reasons are passed over.
const MESSAGE_MAX: usize = 256;

const NO_SECURITY: u8 = 1;
const VNC_AUTHENTICATION: u8 = 2;

/// What is expected next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    ServerVersion,
    ClientVersion,
    /// The kind of security that a server of version 3.3 decides on.
    SecurityDecided,
    /// The kinds that it offers since.
    SecurityOffered,
    SecurityChosen,
    Challenge,
    Response,
    SecurityResult,
    ClientInit,
    ServerInit,
}

/// What follows a message that was understood.
enum Next {
    Stage(Stage),
    Done,
    Odd(Anomaly),
}

/// One connection.
#[derive(Debug, Default)]
pub struct Rfb {
    stage: Stage,
    /// The client's version: 3 of 3.3, 7 of 3.7, 8 of 3.8.
    minor: u16,
    message: Vec<u8>,
}

impl Stage {
    /// Who sends it.
    const fn sender(self) -> Direction {
        match self {
            Self::ClientVersion | Self::SecurityChosen | Self::Response | Self::ClientInit => Direction::Up,
            _ => Direction::Down,
        }
    }

    /// How long it is, as far as its first bytes say.
    fn len(self, message: &[u8]) -> usize {
        match self {
            Self::ServerVersion | Self::ClientVersion => 12,
            Self::SecurityDecided | Self::SecurityResult => 4,
            Self::SecurityOffered => message.first().map_or(1, |count| 1 + usize::from(*count)),
            Self::SecurityChosen | Self::ClientInit => 1,
            Self::Challenge | Self::Response => 16,
            // The name behind it says nothing that is wanted.
            Self::ServerInit => 24,
        }
    }
}

impl Rfb {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn understand(&mut self) -> Next {
        let message = std::mem::take(&mut self.message);
        Next::Stage(match (self.stage, &message[..]) {
            (Stage::ServerVersion, version) if minor(version).is_some() => Stage::ClientVersion,
            (Stage::ClientVersion, version) => match minor(version) {
                Some(minor) => {
                    self.minor = minor;
                    if minor < 7 { Stage::SecurityDecided } else { Stage::SecurityOffered }
                }
                None => return Next::Odd(Anomaly::RfbMalformedMessage),
            },
            (Stage::SecurityDecided, [0, 0, 0, kind]) | (Stage::SecurityChosen, [kind]) => match *kind {
                // Refused; why, says the rest.
                0 => return Next::Done,
                VNC_AUTHENTICATION => Stage::Challenge,
                // Version 3.8 has a result even where nothing was asked.
                NO_SECURITY if self.minor >= 8 => Stage::SecurityResult,
                NO_SECURITY => Stage::ClientInit,
                _ => return Next::Odd(Anomaly::RfbUnimplementedSecurityType),
            },
            (Stage::SecurityDecided, _) => return Next::Odd(Anomaly::RfbUnimplementedSecurityType),
            // Refused, perhaps for having tried too often; or all is said.
            (Stage::SecurityOffered, [0])
            | (Stage::SecurityResult, [0, 0, 0, 1 | 2])
            | (Stage::ServerInit, _) => return Next::Done,
            (Stage::SecurityOffered, _) => Stage::SecurityChosen,
            (Stage::Challenge, _) => Stage::Response,
            (Stage::Response, _) => Stage::SecurityResult,
            (Stage::SecurityResult, [0, 0, 0, 0]) => Stage::ClientInit,
            (Stage::SecurityResult, _) => return Next::Odd(Anomaly::RfbUnknownSecurityResult),
            (Stage::ClientInit, _) => Stage::ServerInit,
            _ => return Next::Odd(Anomaly::RfbMalformedMessage),
        })
    }
}

/// The second number of a version: 8 of `RFB 003.008`.
fn minor(version: &[u8]) -> Option<u16> {
    let number = version.strip_prefix(b"RFB 003.")?.strip_suffix(b"\n")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

impl Dissector for Rfb {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            if direction != self.stage.sender() {
                listener.anomaly(direction, Anomaly::RfbConfusedState);
                return Progress::Malformed;
            }
            let missing = self.stage.len(&self.message).saturating_sub(self.message.len());
            let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
            self.message.extend_from_slice(taken);
            bytes = rest;
            debug_assert!(self.message.len() <= MESSAGE_MAX, "a message is bounded by its stage");
            if self.message.len() < self.stage.len(&self.message) {
                continue;
            }
            match self.understand() {
                Next::Stage(stage) => self.stage = stage,
                Next::Done => return Progress::Done,
                Next::Odd(anomaly) => {
                    listener.anomaly(direction, anomaly);
                    return Progress::Malformed;
                }
            }
        }
        Progress::More
    }

    fn held(&self) -> usize {
        self.message.capacity()
    }
}
