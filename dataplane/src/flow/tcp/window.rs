//! Whether a segment fits what both sides have said before.
//!
//! After Guido van Rooij, "Real Stateful TCP Packet Filtering in IP Filter"
//! (2000): what one side may send is bounded by what the other has acknowledged
//! and how much room it has told, and what it may acknowledge by what the other
//! has sent. Old segments pass as far back as one window, as repetitions do.
//! Acknowledgements are held to RFC 5961 section 5.2, time stamps to RFC 7323
//! section 5.
//!
//! What is not known does not bound: of a side that was never heard, or whose
//! beginning was not seen, anything within a quarter of the sequence space
//! fits.

use super::segment::TcpSeen;
use super::side::{Side, SideFlags, distance};
use crate::wire::tcp::Flags;

/// How far back a segment or an acknowledgement may be where the window is
/// smaller: as much as a window without a scale, and some segments, can be in
/// flight and out of order.
const BACK_MIN: u32 = 66_000;

/// How far numbers may be apart that nothing else bounds.
const APART_MAX: i32 = 1 << 30;

/// What is wrong with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is older than what was taken since, by its time stamp.
    Timestamp,
    /// It acknowledges what was not sent, or what was acknowledged long ago.
    Ack,
    /// It is of before the window.
    Before,
    /// It is of beyond the window, or after a FIN.
    Beyond,
}

/// How a segment fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fit {
    /// It acknowledges something that the other has sent unseen.
    pub(super) unseen: bool,
    /// It acknowledges the byte of a window probe.
    pub(super) probed: bool,
    /// It is one byte beyond a window of zero.
    pub(super) probe: bool,
}

/// Whether a segment that is neither SYN nor RST fits.
pub(super) fn check(sender: &Side, receiver: &Side, seen: &TcpSeen, stale: bool) -> Result<Fit, Fault> {
    if !stale && is_outdated(sender, seen) && brings_news(sender, seen) {
        return Err(Fault::Timestamp);
    }
    let (unseen, probed) = check_ack(sender, receiver, seen)?;
    let probe = check_seq(sender, receiver, seen)?;
    Ok(Fit { unseen, probed, probe })
}

/// Ticks by which a time stamp may be behind the latest that we saw in order.
///
/// We are not the receiver: what we saw may have been lost behind us, and then
/// the receiver's own latest stamp is older than ours, by the time of a
/// retransmission. Four seconds where a tick is a millisecond; a duplicate from
/// before the sequence numbers wrapped is older by far.
const STAMP_SLACK: i32 = 4096;

/// Whether its time stamp is older than that of the last segment in order.
pub(super) fn is_outdated(sender: &Side, seen: &TcpSeen) -> bool {
    let behind = |timestamp| distance(timestamp, sender.timestamp) < -STAMP_SLACK;
    sender.is(SideFlags::STAMPS) && seen.options.timestamp.is_some_and(behind)
}

/// Whether there is something in it that is not known yet. What is not news does
/// no harm: an old acknowledgement, or bytes that came before.
fn brings_news(sender: &Side, seen: &TcpSeen) -> bool {
    let is_ahead = |number, known| distance(number, known) > 0;
    let bytes = !sender.is(SideFlags::HEARD) || is_ahead(seen.end(), sender.end);
    let ack = !sender.is(SideFlags::ACKED) || is_ahead(seen.ack, sender.ack);
    if seen.is_empty() { ack } else { bytes }
}

/// Whether an acknowledgement number may be: (unseen, probed) of [`Fit`].
pub(super) fn check_ack(sender: &Side, receiver: &Side, seen: &TcpSeen) -> Result<(bool, bool), Fault> {
    let known = sender.is(SideFlags::ACKED);
    let ahead = distance(seen.ack, sender.ack);
    if !receiver.is(SideFlags::HEARD) {
        return if known && !is_near(ahead) { Err(Fault::Ack) } else { Ok((false, false)) };
    }
    let beyond = distance(seen.ack, receiver.end);
    if beyond <= 0 {
        // RFC 5961 section 5.2.
        let back = sender.reach().max(BACK_MIN).cast_signed();
        let fits = if known { ahead >= -back } else { beyond > -APART_MAX };
        return if fits { Ok((false, false)) } else { Err(Fault::Ack) };
    }
    if beyond == 1 && receiver.is(SideFlags::PROBED) {
        return Ok((false, true));
    }
    // A packet that we have missed; after a FIN there is none.
    let bounded = known && sender.is(SideFlags::SYN);
    let let_send = if bounded { distance(seen.ack, sender.edge()) <= 0 } else { beyond < APART_MAX };
    if let_send && !receiver.is(SideFlags::FIN) { Ok((true, false)) } else { Err(Fault::Ack) }
}

/// Whether its bytes may be: whether it is a window probe.
fn check_seq(sender: &Side, receiver: &Side, seen: &TcpSeen) -> Result<bool, Fault> {
    let bounded = receiver.is(SideFlags::ACKED);
    let after_payload = seen.seq.wrapping_add(seen.payload_len);
    if !sender.is(SideFlags::HEARD) {
        let near = !bounded || is_near(distance(seen.seq, receiver.ack));
        return if near { Ok(false) } else { Err(Fault::Beyond) };
    }
    let ahead = distance(seen.end(), sender.end);
    let back = if bounded { receiver.reach().max(BACK_MIN).cast_signed() } else { APART_MAX };
    if ahead < -back {
        return Err(Fault::Before);
    }
    if ahead > 0 && sender.is(SideFlags::FIN) {
        return Err(Fault::Beyond);
    }
    if !bounded {
        return if ahead < APART_MAX { Ok(false) } else { Err(Fault::Beyond) };
    }
    if seen.payload_len == 1
        && seen.seq == sender.end
        && receiver.window == 0
        && !seen.flags.contains(Flags::FIN)
    {
        return Ok(true);
    }
    // What brings nothing new was let through before: a FIN may stand right at
    // the edge, and what follows it is of one number more.
    if ahead > 0 && distance(after_payload, receiver.edge()) > 0 { Err(Fault::Beyond) } else { Ok(false) }
}

const fn is_near(distance: i32) -> bool {
    distance > -APART_MAX && distance < APART_MAX
}

/// Whether it shrinks the window by more than it acknowledges, and acknowledges
/// and follows what nobody has seen: made so that what comes next does not fit.
/// The margin is Suricata's: a receiver that has lost packets comes near.
pub(super) fn is_bad_window_update(sender: &Side, receiver: &Side, seen: &TcpSeen) -> bool {
    // Without the SYN the scale of its window is not known.
    let told = SideFlags::HEARD.union(SideFlags::ACKED).union(SideFlags::SYN);
    let heard = sender.is(told) && receiver.is(SideFlags::HEARD);
    let news = distance(seen.ack, sender.ack) > 0;
    let unseen = news && distance(seen.ack, receiver.end) > 0 && distance(seen.seq, sender.end) > 0;
    let (told, before) = (u32::from(seen.window) << sender.scale, u32::from(sender.window) << sender.scale);
    let shrunk = before.saturating_sub(told);
    let acknowledged = seen.ack.wrapping_sub(sender.ack);
    let margin = if told > 1_024 { 32 } else { 0 };
    heard && unseen && shrunk > seen.payload_len && shrunk > acknowledged.saturating_add(margin)
}
