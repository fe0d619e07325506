//! The short way: the next segment in order of an established connection.
//!
//! It takes what [`Connection::receive`](super::Connection::receive) would take
//! and says the same of it, or has no opinion; a test holds it to that.

use super::connection::took;
use super::segment::{Segment, SegmentClass, TcpSeen};
use super::side::{Side, SideFlags, distance};

/// The sender after a segment with an ACK, and without SYN, FIN and RST, that
/// stands exactly where the sender left off, in a connection that is established.
#[inline]
pub(in crate::flow) fn in_order(sender: &Side, receiver: &Side, seen: &TcpSeen) -> Option<(Side, Segment)> {
    const CALM: SideFlags = SideFlags::HEARD.union(SideFlags::ACKED);
    let both = sender.flags.intersection(receiver.flags);
    let either = sender.flags.union(receiver.flags);
    let calm = both.contains(CALM) && !either.contains(SideFlags::PROBED) && receiver.window != 0;
    // Modulo 2^32: what is behind is far ahead.
    let room = receiver.edge().wrapping_sub(seen.seq);
    let in_window = seen.seq == sender.end && room <= receiver.reach() && seen.payload_len <= room;
    let unacknowledged = receiver.end.wrapping_sub(sender.ack);
    let acknowledged = seen.ack.wrapping_sub(sender.ack);
    let known = unacknowledged.cast_signed() >= 0 && acknowledged <= unacknowledged;
    if !(calm && in_window && known) {
        return None;
    }
    let timestamp = match seen.options.timestamp {
        None => sender.timestamp,
        Some(timestamp) if sender.is(SideFlags::STAMPS) => {
            let later = distance(timestamp, sender.timestamp);
            if later < 0 {
                return None;
            }
            if seen.seq == receiver.ack { timestamp } else { sender.timestamp }
        }
        Some(_) if sender.is(SideFlags::SYN) => sender.timestamp,
        Some(_) => return None,
    };
    let class = if seen.payload_len == 0 { SegmentClass::Ack } else { SegmentClass::Data };
    let after = Side {
        end: seen.seq.wrapping_add(seen.payload_len),
        ack: seen.ack,
        timestamp,
        window: seen.window,
        window_max: sender.window_max.max(seen.window),
        ..*sender
    };
    Some((after, Segment { acknowledges: true, ..took(class, seen.seq) }))
}
