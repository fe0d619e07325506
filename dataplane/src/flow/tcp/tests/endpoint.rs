//! A small honest TCP: it sends what it has, keeps to the window it is told,
//! repeats what is not acknowledged, and takes what fits.
//!
//! Positions in a stream are counted from 0, which is the SYN; data follows, and
//! the FIN after it. What is on the wire is 2^32 less, as always.

use std::collections::BTreeSet;

use super::{TcpSeen, TcpSeenOptions};
use crate::wire::tcp::Flags;

/// What an end is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    pub(super) isn: u32,
    /// Bytes that it has to say.
    pub(super) bytes: u32,
    /// Of its window.
    pub(super) capacity: u32,
    pub(super) scale: Option<u8>,
    pub(super) timestamps: bool,
    /// The most bytes in a segment.
    pub(super) mss: u32,
    /// Where its clock begins.
    pub(super) clock: u32,
}

pub(super) struct Endpoint {
    nature: Nature,
    /// Whether it opens the connection of its own accord.
    active: bool,
    una: u32,
    nxt: u32,
    /// Up to here the other lets it send.
    edge: u32,
    /// The last window it was told.
    told: u32,
    peer_isn: Option<u32>,
    received: u32,
    /// What came out of order.
    ahead: BTreeSet<(u32, u32)>,
    peer_fin: Option<u32>,
    /// How far the application has read.
    read: u32,
    /// The furthest edge that it has told.
    offered: u32,
    peer_scale: Option<u8>,
    peer_timestamps: bool,
    /// Whether to let go of an ACK.
    owes_ack: bool,
}

impl Endpoint {
    pub(super) fn new(nature: Nature, active: bool) -> Self {
        Self {
            nature,
            active,
            una: 0,
            nxt: 0,
            edge: 0,
            told: 0,
            peer_isn: None,
            received: 0,
            ahead: BTreeSet::new(),
            peer_fin: None,
            read: 0,
            offered: 0,
            peer_scale: None,
            peer_timestamps: false,
            owes_ack: false,
        }
    }

    fn fin_at(&self) -> u32 {
        self.nature.bytes + 1
    }

    /// Whether both FINs are acknowledged, as it knows.
    pub(super) fn is_done(&self) -> bool {
        self.una > self.fin_at() && self.peer_fin.is_some_and(|fin| self.received > fin)
    }

    fn has_answer(&self) -> bool {
        self.peer_isn.is_some()
    }

    fn scaled(&self) -> bool {
        self.nature.scale.is_some() && self.peer_scale.is_some()
    }

    fn window(&mut self, syn: bool) -> u16 {
        let free = self.nature.capacity.saturating_sub(self.received.saturating_sub(self.read));
        let scale = if syn || !self.scaled() { 0 } else { self.nature.scale.unwrap_or(0).min(14) };
        // What it has offered once, it does not take back.
        let least = self.offered.saturating_sub(self.received);
        let window = free.max(least).div_ceil(1 << scale).min(0xffff);
        self.offered = self.offered.max(self.received + (window << scale));
        u16::try_from(window).unwrap_or(u16::MAX)
    }

    fn segment(&mut self, at: u32, payload_len: u32, flags: Flags, now: u32) -> TcpSeen {
        let syn = flags.contains(Flags::SYN);
        let (ack, flags) = match self.peer_isn {
            Some(isn) => (isn.wrapping_add(self.received), flags | Flags::ACK),
            None => (0, flags),
        };
        self.owes_ack = false;
        let stamps = self.nature.timestamps && (self.peer_isn.is_none() || self.peer_timestamps);
        let options = TcpSeenOptions {
            timestamp: stamps.then(|| self.nature.clock.wrapping_add(now)),
            window_scale: self
                .nature
                .scale
                .filter(|_| syn && (self.peer_isn.is_none() || self.peer_scale.is_some())),
        };
        self.nxt = self.nxt.max(at + payload_len + u32::from(syn) + u32::from(flags.contains(Flags::FIN)));
        let window = self.window(syn);
        TcpSeen { seq: self.nature.isn.wrapping_add(at), ack, window, flags, payload_len, options }
    }

    /// The application takes some of what has come.
    pub(super) fn consume(&mut self, share: u32) {
        let unread = self.received.saturating_sub(self.read);
        let taken = unread * (share % 5) / 4;
        if taken > 0 && self.has_answer() {
            self.owes_ack |= self.received.saturating_sub(self.read) >= self.nature.capacity;
            self.read += taken;
            self.owes_ack = true;
        }
    }

    /// Says something, if it has anything to say.
    pub(super) fn speak(&mut self, how: u32, now: u32) -> Option<TcpSeen> {
        if !self.has_answer() && !self.active {
            return None;
        }
        if self.una == 0 {
            // The SYN, with ACK if the other's has come.
            return Some(self.segment(0, 0, Flags::SYN, now));
        }
        if !self.has_answer() {
            return None;
        }
        match how % 8 {
            0 if self.una < self.nxt => Some(self.repeat(how, now)),
            1 if self.una == self.nxt && self.una.max(self.received) > 1 => {
                // A keep-alive.
                let garbage = u32::from(how % 16 == 1 && self.una > 1 && self.una <= self.fin_at());
                Some(self.segment(self.una - 1, garbage, Flags::ACK, now))
            }
            2 if self.owes_ack => Some(self.segment(self.nxt, 0, Flags::ACK, now)),
            _ => self.go_on(how, now),
        }
    }

    fn repeat(&mut self, how: u32, now: u32) -> TcpSeen {
        let fin_at = self.fin_at();
        if self.una == fin_at {
            return self.segment(fin_at, 0, Flags::FIN, now);
        }
        // Perhaps cut otherwise than before.
        let len = (how / 8 % self.nature.mss + 1).min(self.nxt.min(fin_at) - self.una);
        self.segment(self.una, len, Flags::PSH, now)
    }

    fn go_on(&mut self, how: u32, now: u32) -> Option<TcpSeen> {
        let fin_at = self.fin_at();
        if self.nxt > fin_at {
            return if self.owes_ack { Some(self.segment(self.nxt, 0, Flags::ACK, now)) } else { None };
        }
        let room = self.edge.saturating_sub(self.nxt);
        let left = fin_at - self.nxt;
        if left == 0 {
            return Some(self.segment(fin_at, 0, Flags::FIN, now));
        }
        let len = (how / 8 % self.nature.mss + 1).min(room).min(left);
        if len == 0 {
            // A window of zero is probed with one byte, which does not count
            // as sent before it is acknowledged.
            if self.told == 0 && self.una == self.nxt && how % 8 == 7 {
                let nxt = self.nxt;
                let probe = self.segment(nxt, 1, Flags::PSH, now);
                self.nxt = nxt;
                return Some(probe);
            }
            return if self.owes_ack { Some(self.segment(self.nxt, 0, Flags::ACK, now)) } else { None };
        }
        let last = len == left && how % 16 > 8 && room > len;
        Some(self.segment(self.nxt, len, if last { Flags::FIN | Flags::PSH } else { Flags::PSH }, now))
    }

    /// Takes a segment; some are answered at once.
    pub(super) fn hear(&mut self, seen: &TcpSeen, now: u32) -> Option<TcpSeen> {
        let (syn, ack) = (seen.flags.contains(Flags::SYN), seen.flags.contains(Flags::ACK));
        let Some(peer_isn) = self.peer_isn else {
            if !syn || (ack && !self.hears_ack(seen)) {
                return None;
            }
            self.peer_isn = Some(seen.seq);
            self.received = 1;
            self.read = 1;
            self.peer_scale = seen.options.window_scale;
            self.peer_timestamps = seen.options.timestamp.is_some();
            self.take_window(seen, true);
            return if ack {
                Some(self.segment(self.nxt, 0, Flags::ACK, now))
            } else {
                Some(self.segment(0, 0, Flags::SYN, now))
            };
        };
        if syn {
            if ack && seen.seq == peer_isn {
                self.hears_ack(seen);
                self.take_window(seen, true);
            }
            // Also what RFC 5961 section 4 asks for.
            return Some(self.segment(
                if self.una == 0 { 0 } else { self.nxt },
                0,
                if self.una == 0 { Flags::SYN } else { Flags::ACK },
                now,
            ));
        }
        if !ack || (self.una == 0 && !self.hears_ack(seen)) {
            return None;
        }
        self.take(peer_isn, seen);
        let behind = seen.seq.wrapping_sub(peer_isn.wrapping_add(self.received)).cast_signed() < 0;
        if behind && seen.payload_len <= 1 && !self.owes_ack {
            // A keep-alive is answered.
            return Some(self.segment(self.nxt, 0, Flags::ACK, now));
        }
        None
    }

    fn take(&mut self, peer_isn: u32, seen: &TcpSeen) {
        self.hears_ack(seen);
        let ahead = seen.seq.wrapping_sub(peer_isn.wrapping_add(self.received)).cast_signed();
        let end = seen.end().wrapping_sub(peer_isn.wrapping_add(self.received)).cast_signed();
        let fits = end <= self.offered.saturating_sub(self.received).cast_signed() + 1;
        if !seen.is_empty() {
            self.owes_ack = true;
        }
        if fits && ahead + 100_000 > 0 {
            self.take_window(seen, false);
        }
        if seen.is_empty() || end <= 0 || !fits {
            return;
        }
        let at = |distance: i32| self.received.saturating_add_signed(distance);
        // A probe beyond the window is refused.
        if self.offered <= self.received && !seen.flags.contains(Flags::FIN) {
            return;
        }
        let (from, to) = (at(ahead.max(0)), at(end));
        if seen.flags.contains(Flags::FIN) {
            self.peer_fin = Some(to - 1);
        }
        self.ahead.insert((from, to));
        while let Some(&(from, to)) = self.ahead.iter().find(|(from, _)| *from <= self.received) {
            self.ahead.remove(&(from, to));
            self.received = self.received.max(to);
        }
    }

    /// Takes the acknowledgement; whether it is one of what was sent.
    fn hears_ack(&mut self, seen: &TcpSeen) -> bool {
        let at = seen.ack.wrapping_sub(self.nature.isn);
        // A probe's byte may be acknowledged although it is not counted.
        let highest = if at == self.nxt + 1 && self.nxt <= self.nature.bytes { at } else { self.nxt };
        if at == 0 || at > highest {
            return false;
        }
        self.nxt = highest;
        self.una = self.una.max(at);
        true
    }

    fn take_window(&mut self, seen: &TcpSeen, syn: bool) {
        if !seen.flags.contains(Flags::ACK) {
            self.edge = 1 + u32::from(seen.window);
            return;
        }
        let scale = if syn || !self.scaled() { 0 } else { self.peer_scale.unwrap_or(0).min(14) };
        let at = seen.ack.wrapping_sub(self.nature.isn);
        let told = u32::from(seen.window) << scale;
        if at <= self.nxt && at + told >= self.edge {
            (self.edge, self.told) = (at + told, told);
        }
    }
}
