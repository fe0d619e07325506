//! `PostgreSQL`: a client asks for TLS or GSSAPI before all else, and the server
//! answers with a letter (Frontend/Backend Protocol, "Message Flow", SSL and
//! GSSAPI session encryption).

use super::{Protocol, start_tls};
use crate::app_proto::AppProto;
use crate::dissect::{Listener, Progress};
use crate::flow::Direction;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// A start-up packet is shorter than this (`MAX_STARTUP_PACKET_LENGTH`).
const START_UP_MAX: u32 = 10_000;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    Tls,
    Gss,
}

#[derive(Default)]
pub(super) struct Pgsql {
    asked: Asked,
}

impl Protocol for Pgsql {
    fn len(&self, direction: Direction, begun: &[u8]) -> Option<usize> {
        if direction == Direction::Down {
            return Some(1);
        }
        let Some(len) = begun.first_chunk() else { return Some(4) };
        let len = u32::from_be_bytes(*len);
        (8..=START_UP_MAX).contains(&len).then_some(len as usize)
    }

    fn message(&mut self, direction: Direction, message: &[u8], listener: &mut dyn Listener) -> Progress {
        if direction == Direction::Down {
            return match (std::mem::take(&mut self.asked), message) {
                (Asked::Tls, [b'S']) => start_tls(direction, AppProto::Pgsql, 0, listener),
                // Refused: it may ask for the other, or go on in the clear.
                (Asked::Tls | Asked::Gss, [b'N']) => Progress::More,
                _ => Progress::Done,
            };
        }
        let request = message.get(4..).and_then(<[u8]>::first_chunk).copied().map(u32::from_be_bytes);
        self.asked = match request {
            Some(SSL_REQUEST) => Asked::Tls,
            Some(GSS_REQUEST) => Asked::Gss,
            _ => return Progress::Done,
        };
        Progress::More
    }
}
