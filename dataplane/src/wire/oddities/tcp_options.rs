//! Options of the TCP header (RFC 9293 section 3.2, and those that came later).

use super::Found;
use crate::anomaly::Anomaly;
use crate::wire::options::{END, NO_OPERATION};

/// Kinds whose length is known, and their lengths, kind and length counted.
const MAXIMUM_SEGMENT_SIZE: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
/// RFC 2385.
const MD5: u8 = 19;
/// RFC 5925.
const AUTHENTICATION: u8 = 29;
/// RFC 7413.
const FAST_OPEN: u8 = 34;
/// RFC 4727: told apart by what RFC 6994 puts after the length.
const EXPERIMENTS: [u8; 2] = [253, 254];
/// What fast open wrote there before it had a kind of its own.
const EXPERIMENT_FAST_OPEN: [u8; 2] = [0xf9, 0x89];

/// In the part of the header beyond its first 20 bytes.
pub(super) fn find(options: &[u8], found: Found<'_>) {
    let mut rest = options;
    let mut met = 0_u64;
    loop {
        let (kind, body) = match *rest {
            [] | [_] | [END, ..] => return,
            [NO_OPERATION, ref after @ ..] => {
                rest = after;
                continue;
            }
            [kind, len, ref after @ ..] => {
                let option = usize::from(len).checked_sub(2).and_then(|len| after.split_at_checked(len));
                let Some((body, after)) = option else { return found(Anomaly::TcpOptInvalidLen) };
                rest = after;
                (kind, body)
            }
        };
        let sound = has_sound_length(kind, body.len());
        let kind = match body.first_chunk() {
            Some(&EXPERIMENT_FAST_OPEN) if EXPERIMENTS.contains(&kind) => FAST_OPEN,
            _ => kind,
        };
        if !sound {
            found(Anomaly::TcpOptInvalidLen);
        } else if may_stand_once(kind, body) {
            if met >> kind & 1 == 1 {
                found(Anomaly::TcpOptDuplicate);
            }
            met |= 1 << kind;
        }
    }
}

/// Whether a body of this length is one that this kind can have. Of a kind that
/// is not known, and of experiments (Suricata lets these have 2 or 10 bytes
/// alone, which RFC 6994 does not say), any.
const fn has_sound_length(kind: u8, len: usize) -> bool {
    match kind {
        MAXIMUM_SEGMENT_SIZE => len == 2,
        WINDOW_SCALE => len == 1,
        SACK_PERMITTED => len == 0,
        // Without a block it says nothing, and is met often.
        SACK => len <= 32 && len.is_multiple_of(8),
        TIMESTAMPS => len == 8,
        MD5 => len == 16,
        AUTHENTICATION => len >= 2,
        FAST_OPEN => len <= 16 && len.is_multiple_of(2),
        _ => true,
    }
}

/// Whether a second one of the kind has no meaning.
const fn may_stand_once(kind: u8, body: &[u8]) -> bool {
    match kind {
        MAXIMUM_SEGMENT_SIZE | WINDOW_SCALE | SACK_PERMITTED | TIMESTAMPS | FAST_OPEN => true,
        SACK => !body.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;
    use Anomaly::{TcpOptDuplicate, TcpOptInvalidLen};

    fn of(options: &[u8]) -> Vec<Anomaly> {
        all(|found| find(options, found))
    }

    #[test]
    fn options_as_their_documents_have_them_are_not_odd() {
        for options in [
            &[][..],
            &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7],
            &[1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2],
            &[5, 2, 5, 2],
            &[34, 2, 1, 1],
            &[34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1],
            &[254, 4, 0xf9, 0x89],
            &[254, 6, 1, 2, 3, 4, 253, 4, 1, 2],
            &[19, 18, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5],
            &[29, 4, 1, 2, 29, 4, 1, 2],
            &[99, 2, 99, 2],
            &[1, 1, 1, 99],
            &[0, 2, 9, 9],
        ] {
            assert_eq!(of(options), [], "{options:?}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_ends_the_walk() {
        for options in [[2, 0, 2, 3], [99, 1, 4, 3], [99, 5, 0, 0]] {
            assert_eq!(of(&options), [TcpOptInvalidLen], "{options:?}");
        }
    }

    #[test]
    fn a_length_that_is_not_the_options_own_is_invalid() {
        for options in [
            &[2, 3, 0][..],
            &[3, 2],
            &[4, 3, 0],
            &[5, 6, 0, 0, 0, 0],
            &[8, 4, 0, 0],
            &[19, 4, 0, 0],
            &[29, 3, 0],
            &[34, 3, 0],
            &[34, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(of(options), [TcpOptInvalidLen], "{options:?}");
        }
        let five_blocks = [&[5, 42][..], &[0; 40]].concat();
        assert_eq!(of(&five_blocks), [TcpOptInvalidLen]);
    }

    #[test]
    fn the_same_option_twice_is_a_duplicate() {
        for options in [
            &[2, 4, 5, 0xb4, 2, 4, 5, 0xb4][..],
            &[3, 3, 7, 3, 3, 7],
            &[4, 2, 4, 2],
            &[8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
            &[5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2],
            &[34, 2, 34, 2],
            &[34, 2, 254, 4, 0xf9, 0x89],
        ] {
            assert_eq!(of(options), [TcpOptDuplicate], "{options:?}");
        }
    }
}
