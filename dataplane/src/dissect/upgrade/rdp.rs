//! RDP: what the client offers to be secured with in its connection request, and
//! what the server chooses in its confirm (MS-RDPBCGR sections 2.2.1.1, 2.2.1.2).
//! All but RDP's own encryption begin with TLS.

use super::{Protocol, login, start_tls};
use crate::app_proto::AppProto;
use crate::dissect::{Listener, Progress};
use crate::flow::Direction;

/// TPKT's header (RFC 1006 section 6).
const HEADER_LEN: usize = 4;

const CONNECTION_REQUEST: u8 = 0xe0;
const CONNECTION_CONFIRM: u8 = 0xd0;
/// `TYPE_RDP_NEG_RSP`
const CHOICE: u8 = 2;

pub(super) struct Rdp;

impl Protocol for Rdp {
    fn len(&self, _: Direction, begun: &[u8]) -> Option<usize> {
        match begun {
            [3, 0, l0, l1, ..] => {
                Some(usize::from(u16::from_be_bytes([*l0, *l1]))).filter(|len| *len > HEADER_LEN)
            }
            [] | [3] | [3, 0] | [3, 0, _] => Some(HEADER_LEN),
            _ => None,
        }
    }

    fn message(&mut self, direction: Direction, message: &[u8], listener: &mut dyn Listener) -> Progress {
        match message.get(HEADER_LEN..).unwrap_or_default() {
            // References, and a class.
            [_, CONNECTION_REQUEST, _, _, _, _, _, rest @ ..] => {
                let line = rest.split(|byte| *byte == b'\r').next().unwrap_or_default();
                if let Some(user) = line.strip_prefix(b"Cookie: mstshash=") {
                    login(direction, AppProto::Rdp, user, false, listener);
                }
                Progress::More
            }
            [_, CONNECTION_CONFIRM, _, _, _, _, _, CHOICE, _, 8, 0, p0, p1, p2, p3, ..] => {
                match u32::from_le_bytes([*p0, *p1, *p2, *p3]) {
                    0 => Progress::Done,
                    _ => start_tls(direction, AppProto::Rdp, 0, listener),
                }
            }
            _ => Progress::Done,
        }
    }
}
