//! `MySQL` and `MariaDB`: a client that wants TLS answers the greeting with the
//! beginning of its own answer alone, and goes on with a hello of TLS; the server
//! does not say anything to that.

use super::{Protocol, start_tls};
use crate::app_proto::AppProto;
use crate::dissect::{Listener, Progress};
use crate::flow::Direction;

/// The length of a packet in three bytes, and its number.
const HEADER_LEN: usize = 4;

/// `CLIENT_SSL` in the capabilities.
const SSL: u8 = 0x08;

pub(super) struct Mysql;

impl Protocol for Mysql {
    fn len(&self, _: Direction, begun: &[u8]) -> Option<usize> {
        let Some([l0, l1, l2, _]) = begun.first_chunk() else { return Some(HEADER_LEN) };
        Some(HEADER_LEN + u32::from_le_bytes([*l0, *l1, *l2, 0]) as usize)
    }

    fn message(&mut self, direction: Direction, packet: &[u8], listener: &mut dyn Listener) -> Progress {
        if direction == Direction::Down {
            return Progress::More;
        }
        // Capabilities, the longest packet, a character set, zeros; before 4.1
        // two bytes of capabilities and the longest packet.
        match packet.get(HEADER_LEN..) {
            Some(answer @ [_, flags, ..]) if flags & SSL != 0 && matches!(answer.len(), 32 | 5) => {
                start_tls(direction, AppProto::Mysql, 0, listener)
            }
            _ => Progress::Done,
        }
    }
}
