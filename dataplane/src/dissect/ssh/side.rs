//! One direction of a connection: its banner, then packets until they are
//! encrypted.

use super::CLEAR_MAX;
use super::banner::{Banner, Line, Lines};
use super::host_key::{self, HostKey};
use super::kex::KexInit;
use super::packets::{Packet, Packets, number};
use crate::anomaly::Anomaly;
use crate::flow::Direction;

/// How far a direction has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Lines, of which one is its banner.
    #[default]
    Banner,
    /// Packets in the clear.
    Packets,
    /// Nothing more is to be learnt of it: as a rule it is encrypted.
    Ended,
    /// It is not, or no longer, SSH.
    Failed,
}

/// What has become known of a direction; the thing itself is in [`Side`].
#[derive(Debug)]
pub(super) enum Told {
    /// [`Side::banner`] is there.
    Banner,
    /// [`Side::kex`] is there.
    Kex,
    /// The server has shown its key.
    HostKey(HostKey),
    /// What follows the banner are no packets.
    NoPackets,
    /// Something odd, which it goes on after or not.
    Odd(Anomaly),
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    stage: Stage,
    lines: Lines,
    packets: Packets,
    /// How it has named itself.
    pub(super) banner: Option<Banner>,
    /// What it has offered.
    pub(super) kex: Option<Box<KexInit>>,
    /// How many bytes have come in the clear after the banner.
    clear: u64,
    /// How many bytes were passed over because nothing is to be learnt of them.
    pub(super) passed_over: u64,
}

impl Side {
    /// Takes bytes up to what there is to tell, and gives back those after it.
    pub(super) fn feed<'b>(&mut self, direction: Direction, bytes: &'b [u8]) -> (&'b [u8], Option<Told>) {
        match self.stage {
            Stage::Banner => {
                let (rest, line) = self.lines.feed(direction, bytes);
                (rest, line.map(|line| self.take_line(line)))
            }
            Stage::Packets => {
                let wants_kex = self.kex.is_none();
                let keeps = |number| match number {
                    number::KEXINIT => wants_kex,
                    _ => direction == Direction::Down && host_key::MESSAGES.contains(&number),
                };
                let (rest, packet) = self.packets.feed(bytes, keeps);
                self.clear = self.clear.saturating_add((bytes.len() - rest.len()) as u64);
                let told = packet.and_then(|packet| self.take_packet(direction, packet));
                if self.clear > CLEAR_MAX {
                    self.end();
                }
                (rest, told)
            }
            Stage::Ended | Stage::Failed => {
                self.passed_over = self.passed_over.saturating_add(bytes.len() as u64);
                (&[], None)
            }
        }
    }

    fn take_line(&mut self, line: Line) -> Told {
        match line {
            Line::Banner(banner) => {
                self.stage = Stage::Packets;
                self.lines = Lines::default();
                self.banner = Some(banner);
                Told::Banner
            }
            Line::Long => Told::Odd(Anomaly::SshLongBanner),
            Line::Invalid(anomaly) => {
                self.fail();
                Told::Odd(anomaly)
            }
        }
    }

    fn take_packet(&mut self, direction: Direction, packet: Packet) -> Option<Told> {
        match packet {
            Packet::Whole(number::KEXINIT, payload) => {
                self.kex = KexInit::decode(&payload, direction).map(Box::new);
                Some(if self.kex.is_some() { Told::Kex } else { Told::Odd(Anomaly::SshInvalidRecord) })
            }
            Packet::Whole(_, payload) => HostKey::find(&payload).map(Told::HostKey),
            Packet::TooLong(number::KEXINIT) => Some(Told::Odd(Anomaly::SshLongKexRecord)),
            Packet::Skipped(number::NEWKEYS | number::DISCONNECT) => {
                self.end();
                None
            }
            Packet::TooLong(_) | Packet::Skipped(_) => None,
            Packet::Invalid => Some(Told::NoPackets),
        }
    }

    /// Nothing more is to be learnt of it.
    pub(super) fn end(&mut self) {
        if self.stage != Stage::Failed {
            self.stage = Stage::Ended;
        }
        self.lines = Lines::default();
        self.packets = Packets::default();
    }

    /// As the other speaks SSH 1, there are no packets that could be read.
    pub(super) fn end_after_banner(&mut self) {
        if self.stage == Stage::Packets {
            self.end();
        }
    }

    /// It is not, or no longer, SSH.
    pub(super) fn fail(&mut self) {
        self.end();
        self.stage = Stage::Failed;
    }

    /// Whether it speaks SSH 1 and nothing else.
    pub(super) fn is_ssh1(&self) -> bool {
        self.banner.as_ref().is_some_and(Banner::is_ssh1)
    }

    /// Whether it speaks SSH 1 and 2.
    pub(super) fn speaks_both(&self) -> bool {
        self.banner.as_ref().is_some_and(|banner| banner.protocol == "1.99")
    }

    /// Whether nothing is to be learnt of it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ended | Stage::Failed)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.stage == Stage::Failed
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        let banner = self.banner.as_ref().map_or(0, Banner::held);
        let kex = self.kex.as_ref().map_or(0, |kex| size_of::<KexInit>() + kex.held());
        self.lines.held() + self.packets.held() + banner + kex
    }
}
