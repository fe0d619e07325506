//! Messages of IGMP (RFC 2236, RFC 3376), which nothing else here reads.

use super::Found;
use crate::anomaly::Anomaly;

/// Length of a message of versions 1 and 2, and the least of version 3.
const LEN_MIN: usize = 8;
/// A query; of version 3 if it is longer than [`LEN_MIN`].
const QUERY: u8 = 0x11;

const REPORT_V3: u8 = 0x22;
/// More than fit a frame of 1,500 bytes (RFC 3376 section 4.1.8).
const SOURCES_MAX: u16 = 366;

/// In a message of IGMP.
pub(super) fn find(message: &[u8], is_cut: bool, found: Found<'_>) {
    if is_cut {
        return;
    }
    match *message {
        [QUERY, _, _, _, _, _, _, _, _, _, n0, n1, ref sources @ ..] => {
            let count = u16::from_be_bytes([n0, n1]);
            if count > SOURCES_MAX {
                found(Anomaly::IgmpMalformed);
            } else if sources.len() < usize::from(count) * 4 {
                found(Anomaly::IgmpV3PktTooSmall);
            }
        }
        [REPORT_V3, _, _, _, _, _, n0, n1, ref records @ ..] => {
            find_records(u16::from_be_bytes([n0, n1]), records, found);
        }
        _ if message.len() < LEN_MIN => found(Anomaly::IgmpPktTooSmall),
        _ => {}
    }
}

/// In the group records of a report.
fn find_records(count: u16, mut records: &[u8], found: Found<'_>) {
    for _ in 0..count {
        let Some((&[_, auxiliary_words, n0, n1, ..], rest)) = records.split_first_chunk::<8>() else {
            return found(Anomaly::IgmpV3PktTooSmall);
        };
        let words = usize::from(u16::from_be_bytes([n0, n1])) + usize::from(auxiliary_words);
        let Some(rest) = rest.get(words * 4..) else { return found(Anomaly::IgmpMalformed) };
        records = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;

    fn of(message: &[u8]) -> Vec<Anomaly> {
        all(|found| find(message, false, found))
    }

    /// A report of two groups; the second from one source, with four bytes more.
    const REPORT: [u8; 32] = [
        0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 224, 0, 0, 251, 5, 1, 0, 1, 239, 1, 2, 3, 192, 0, 2, 1, 0, 0,
        0, 0,
    ];

    #[test]
    fn messages_as_their_documents_have_them_are_not_odd() {
        assert_eq!(of(&[0x16, 0, 0, 0, 224, 0, 0, 251]), []);
        assert_eq!(of(&[QUERY, 100, 0, 0, 0, 0, 0, 0]), []);
        assert_eq!(of(&[QUERY, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 1, 192, 0, 2, 1]), []);
        assert_eq!(of(&REPORT), []);
    }

    #[test]
    fn a_message_shorter_than_the_shortest_is_too_small() {
        assert_eq!(of(&[0x16, 0, 0, 0, 224, 0, 0]), [Anomaly::IgmpPktTooSmall]);
        assert_eq!(of(&REPORT[..7]), [Anomaly::IgmpPktTooSmall]);
        assert_eq!(of(&[]), [Anomaly::IgmpPktTooSmall]);
    }

    #[test]
    fn sources_and_groups_that_are_not_there() {
        assert_eq!(
            of(&[QUERY, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 2, 192, 0, 2, 1]),
            [Anomaly::IgmpV3PktTooSmall]
        );
        assert_eq!(of(&[QUERY, 100, 0, 0, 0, 0, 0, 0, 2, 125, 2, 0]), [Anomaly::IgmpMalformed]);
        assert_eq!(of(&REPORT[..20]), [Anomaly::IgmpV3PktTooSmall]);
        assert_eq!(of(&REPORT[..31]), [Anomaly::IgmpMalformed]);
        assert_eq!(all(|found| find(&REPORT[..31], true, found)), [], "cut by the capture");
    }
}
