//! Messages of ICMP (RFC 792) and ICMPv6 (RFC 4443), by the types and codes
//! that IANA has given out.
//!
//! Suricata's tables end before the latest of these, and leave out router
//! solicitation; what is assigned is not odd here.

use super::Found;
use crate::anomaly::Anomaly;
use crate::wire::icmp::HEADER_LEN;
use crate::wire::packet::Icmp;
use crate::wire::{ipv4, ipv6};

/// In a message of ICMP; `message` begins with its type.
pub(super) fn find_v4(header: Icmp, message: &[u8], is_cut: bool, found: Found<'_>) {
    let Some(code_max) = v4_code_max(header.kind) else { return found(Anomaly::Icmpv4UnknownType) };
    if header.code > code_max && !(header.kind == 9 && header.code == 16) {
        found(Anomaly::Icmpv4UnknownCode);
        return;
    }
    let len_min = match header.kind {
        3 | 4 | 5 | 11 | 12 => return find_quoted_v4(message, is_cut, found),
        // Times of sending, receiving and answering.
        13 | 14 => HEADER_LEN + 12,
        // As many routers as are said, each of as many words as are said.
        9 => match *message {
            [_, _, _, _, routers, words, ..] => HEADER_LEN + usize::from(routers) * usize::from(words) * 4,
            _ => HEADER_LEN,
        },
        _ => HEADER_LEN,
    };
    if message.len() < len_min && !is_cut {
        found(Anomaly::Icmpv4Ipv4TruncPkt);
    }
}

/// The highest code of a type; `None` of a type that is not assigned, or is no
/// longer used (RFC 6918), apart from those that Suricata knows.
const fn v4_code_max(kind: u8) -> Option<u8> {
    Some(match kind {
        // 42: RFC 8335.
        0 | 4 | 8 | 9 | 10 | 13..=18 | 42 => 0,
        3 => 15,
        5 => 3,
        11 => 1,
        // RFC 1108: an option is missing; RFC 792: a bad length.
        12 => 2,
        // RFC 4065.
        41 => u8::MAX,
        // RFC 8335.
        43 => 4,
        _ => return None,
    })
}

/// In the packet that an error quotes. A message that quotes nothing at all is
/// let be.
fn find_quoted_v4(message: &[u8], is_cut: bool, found: Found<'_>) {
    match message.get(HEADER_LEN..) {
        None | Some([]) => {}
        Some(quoted) if quoted.len() < ipv4::HEADER_LEN && is_cut => {}
        Some(quoted) if quoted.len() < ipv4::HEADER_LEN => found(Anomaly::Icmpv4Ipv4TruncPkt),
        Some([version, ..]) if version >> 4 == 4 => {}
        Some(_) => found(Anomaly::Icmpv4Ipv4UnknownVer),
    }
}

/// In a message of ICMPv6; `message` begins with its type.
pub(super) fn find_v6(header: Icmp, hop_limit: u8, message: &[u8], is_cut: bool, found: Found<'_>) {
    let code_max = match v6_code_max(header.kind) {
        Ok(code_max) => code_max,
        Err(anomaly) => return found(anomaly),
    };
    let special = match header.kind {
        // Renumbering: the sequence number is reset (RFC 2894).
        138 => header.code == 255,
        // RPL: the secured messages (RFC 6550).
        155 => (128..=132).contains(&header.code) || header.code == 138,
        _ => false,
    };
    if header.code > code_max && !special {
        found(Anomaly::Icmpv6UnknownCode);
        return;
    }
    match header.kind {
        1..=4 => find_quoted_v6(message, is_cut, found),
        // Multicast listener discovery stays on its link (RFC 2710, RFC 3810).
        130..=132 | 143 if hop_limit != 1 => found(Anomaly::Icmpv6MldMessageWithInvalidHl),
        _ => {}
    }
}

/// The highest code of a type, or what is odd about the type.
const fn v6_code_max(kind: u8) -> Result<u8, Anomaly> {
    Ok(match kind {
        // 155: RPL, of which the secured messages are told apart.
        1 | 155 => 8,
        4 => 10,
        // 138: renumbering, but for the reset of its sequence number.
        3 | 138 => 1,
        2 | 128..=137 | 141..=149 | 154 | 156..=160 => 0,
        139 | 140 => 2,
        // RFC 4065, RFC 4286.
        150..=153 => u8::MAX,
        161 => 4,
        100 | 101 | 200 | 201 => return Err(Anomaly::Icmpv6ExperimentationType),
        // Reserved: for more types, and never to be sent.
        0 | 127 | 255 => return Err(Anomaly::Icmpv6UnknownType),
        5..=99 | 102..=126 | 162..=199 | 202..=254 => return Err(Anomaly::Icmpv6UnassignedType),
    })
}

/// In the packet that an error quotes: as much of it as fits (RFC 4443 section
/// 2.4), so at least its header.
fn find_quoted_v6(message: &[u8], is_cut: bool, found: Found<'_>) {
    match message.get(HEADER_LEN..) {
        Some(quoted @ [version, ..]) if quoted.len() >= ipv6::HEADER_LEN && version >> 4 != 6 => {
            found(Anomaly::Icmpv6Ipv6UnknownVersion);
        }
        Some(quoted) if quoted.len() >= ipv6::HEADER_LEN => {}
        _ if !is_cut => found(Anomaly::Icmpv6Ipv6TruncPkt),
        _ => {}
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::tests::all;
    use super::*;

    fn v4(kind: u8, code: u8, rest: &[u8]) -> Vec<Anomaly> {
        let message = [&[kind, code, 0, 0][..], rest].concat();
        all(|found| find_v4(Icmp { kind, code, id: 0, seq: 0 }, &message, false, found))
    }

    fn v6(kind: u8, code: u8, hop_limit: u8, rest: &[u8]) -> Vec<Anomaly> {
        let message = [&[kind, code, 0, 0][..], rest].concat();
        all(|found| find_v6(Icmp { kind, code, id: 0, seq: 0 }, hop_limit, &message, false, found))
    }

    /// Four bytes of the message's own, and a quoted header.
    fn quoting(version: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; 4 + len];
        if let Some(first) = bytes.get_mut(4) {
            *first = version << 4;
        }
        bytes
    }

    #[test]
    fn messages_that_are_assigned_are_not_odd() {
        for kind in [0, 8, 10, 15, 16, 17, 18, 42] {
            assert_eq!(v4(kind, 0, &[0; 4]), [], "{kind}");
        }
        for (kind, code) in [(3, 15), (4, 0), (5, 3), (11, 1), (12, 2)] {
            assert_eq!(v4(kind, code, &quoting(4, 20)), [], "{kind}");
            assert_eq!(v4(kind, code, &[0; 4]), [], "{kind} that quotes nothing");
        }
        assert_eq!(v4(9, 16, &[1, 2, 0, 0, 192, 0, 2, 1, 0, 0, 0, 0]), []);
        for kind in [13, 14] {
            assert_eq!(v4(kind, 0, &[0; 16]), []);
        }
        for kind in (128..=129).chain(133..=142).chain(144..=161) {
            assert_eq!(v6(kind, 0, 255, &[0; 4]), [], "{kind}");
        }
        for (kind, code) in [(1, 8), (2, 0), (3, 1), (4, 10)] {
            assert_eq!(v6(kind, code, 64, &quoting(6, 40)), [], "{kind}");
        }
        for kind in [130, 131, 132, 143] {
            assert_eq!(v6(kind, 0, 1, &[0; 20]), [], "{kind}");
        }
        assert_eq!(v6(138, 255, 64, &[0; 4]), []);
        assert_eq!(v6(155, 132, 64, &[0; 4]), []);
    }

    #[test]
    fn types_and_codes_that_nobody_has_given_out() {
        for kind in [1, 2, 7, 19, 40, 44, 255] {
            assert_eq!(v4(kind, 0, &[0; 4]), [Anomaly::Icmpv4UnknownType], "{kind}");
        }
        for (kind, code) in
            [(0, 1), (3, 16), (4, 1), (5, 4), (8, 1), (9, 1), (11, 2), (12, 3), (13, 1), (18, 1)]
        {
            assert_eq!(v4(kind, code, &[0; 16]), [Anomaly::Icmpv4UnknownCode], "{kind}/{code}");
        }
        for kind in [0, 127, 255] {
            assert_eq!(v6(kind, 0, 1, &[0; 4]), [Anomaly::Icmpv6UnknownType], "{kind}");
        }
        for kind in [5, 99, 102, 126, 162, 199, 202, 254] {
            assert_eq!(v6(kind, 0, 1, &[0; 4]), [Anomaly::Icmpv6UnassignedType], "{kind}");
        }
        for kind in [100, 101, 200, 201] {
            assert_eq!(v6(kind, 0, 1, &[0; 4]), [Anomaly::Icmpv6ExperimentationType], "{kind}");
        }
        for (kind, code) in
            [(1, 9), (2, 1), (3, 2), (4, 11), (128, 1), (135, 1), (138, 2), (139, 3), (155, 9)]
        {
            assert_eq!(v6(kind, code, 1, &[0; 44]), [Anomaly::Icmpv6UnknownCode], "{kind}/{code}");
        }
    }

    #[test]
    fn a_quoted_packet_is_of_its_own_version_and_has_a_header() {
        assert_eq!(v4(3, 1, &quoting(6, 40)), [Anomaly::Icmpv4Ipv4UnknownVer]);
        assert_eq!(v4(11, 0, &quoting(4, 19)), [Anomaly::Icmpv4Ipv4TruncPkt]);
        assert_eq!(v6(1, 4, 64, &quoting(4, 40)), [Anomaly::Icmpv6Ipv6UnknownVersion]);
        assert_eq!(v6(3, 0, 64, &quoting(6, 39)), [Anomaly::Icmpv6Ipv6TruncPkt]);
        assert_eq!(v6(2, 0, 64, &[0; 4]), [Anomaly::Icmpv6Ipv6TruncPkt]);
    }

    #[test]
    fn a_message_shorter_than_what_it_says_is_truncated() {
        assert_eq!(v4(13, 0, &[0; 15]), [Anomaly::Icmpv4Ipv4TruncPkt]);
        assert_eq!(v4(9, 0, &[2, 2, 0, 0, 192, 0, 2, 1, 0, 0, 0, 0]), [Anomaly::Icmpv4Ipv4TruncPkt]);
    }

    #[test]
    fn what_the_capture_has_cut_off_is_not_held_against_the_sender() {
        let header = |kind| Icmp { kind, code: 0, id: 0, seq: 0 };
        for kind in [3, 9, 11, 13] {
            let message = [kind, 0, 0, 0, 9, 9, 0, 0, 0x45];
            assert_eq!(all(|found| find_v4(header(kind), &message, true, found)), [], "{kind}");
        }
        for len in [8, 9, 40] {
            assert_eq!(all(|found| find_v6(header(1), 64, &[1; 48][..len], true, found)), []);
        }
    }

    #[test]
    fn multicast_listeners_are_not_heard_from_afar() {
        for kind in [130, 131, 132, 143] {
            assert_eq!(v6(kind, 0, 2, &[0; 20]), [Anomaly::Icmpv6MldMessageWithInvalidHl], "{kind}");
        }
    }
}
