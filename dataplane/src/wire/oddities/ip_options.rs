//! Options of the IPv4 header (RFC 791 section 3.1, and those that came later).

use super::Found;
use crate::anomaly::Anomaly;
use crate::wire::options::{END, NO_OPERATION};

/// RFC 791.
const RECORD_ROUTE: u8 = 7;
/// RFC 4782.
const QUICK_START: u8 = 25;
/// RFC 791.
const TIMESTAMP: u8 = 68;
/// RFC 1108.
const SECURITY: u8 = 130;
/// RFC 791.
const LOOSE_ROUTE: u8 = 131;
/// RFC 1108.
const EXTENDED_SECURITY: u8 = 133;
/// draft-ietf-cipso-ipsecurity-01, FIPS 188.
const COMMERCIAL_SECURITY: u8 = 134;
/// RFC 791.
const STREAM_ID: u8 = 136;
/// RFC 791.
const STRICT_ROUTE: u8 = 137;
/// RFC 2113.
const ROUTER_ALERT: u8 = 148;

/// Those that are known; each may stand in a header once.
const KNOWN: [u8; 10] = [
    RECORD_ROUTE,
    QUICK_START,
    TIMESTAMP,
    SECURITY,
    LOOSE_ROUTE,
    EXTENDED_SECURITY,
    COMMERCIAL_SECURITY,
    STREAM_ID,
    STRICT_ROUTE,
    ROUTER_ALERT,
];

/// Suricata asks for options to fill eight bytes; RFC 791 for four, which the
/// header's length cannot but do. It is told as Suricata tells it: the router
/// alert of IGMP has it.
const ALIGNMENT: usize = 8;

/// In the part of the header beyond its first 20 bytes.
pub(super) fn find(options: &[u8], found: Found<'_>) {
    if !options.len().is_multiple_of(ALIGNMENT) {
        found(Anomaly::Ipv4OptPadRequired);
    }
    let mut rest = options;
    let mut met = 0_u16;
    loop {
        let (kind, body) = match *rest {
            [] | [END, ..] => return,
            [NO_OPERATION, ref after @ ..] => {
                rest = after;
                continue;
            }
            [_] => return found(Anomaly::Ipv4OptEolRequired),
            [kind, len, ref after @ ..] => {
                let option = usize::from(len).checked_sub(2).and_then(|len| after.split_at_checked(len));
                let Some((body, after)) = option else { return found(Anomaly::Ipv4OptInvalidLen) };
                rest = after;
                (kind, body)
            }
        };
        let Some(place) = KNOWN.iter().position(|&known| known == kind) else {
            found(Anomaly::Ipv4OptInvalid);
            continue;
        };
        if met >> place & 1 == 1 {
            found(Anomaly::Ipv4OptDuplicate);
        } else if let Err(anomaly) = check(kind, body) {
            found(anomaly);
        } else {
            met |= 1 << place;
        }
    }
}

/// Whether an option of a known kind is as its RFC has it; `body` is what
/// follows kind and length.
fn check(kind: u8, body: &[u8]) -> Result<(), Anomaly> {
    let long_enough = match kind {
        RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE => return check_route(body),
        TIMESTAMP => return check_timestamp(body),
        COMMERCIAL_SECURITY => return check_commercial_security(body),
        QUICK_START => body.len() >= 6,
        SECURITY | EXTENDED_SECURITY => !body.is_empty(),
        STREAM_ID | ROUTER_ALERT => body.len() == 2,
        _ => true,
    };
    if long_enough { Ok(()) } else { Err(Anomaly::Ipv4OptInvalidLen) }
}

/// The pointer counts from 1, from the option's kind on.
fn is_within(pointer: u8, body: &[u8]) -> bool {
    usize::from(pointer) <= body.len() + 2 + 1
}

/// A pointer, and addresses of four bytes.
fn check_route(body: &[u8]) -> Result<(), Anomaly> {
    let &[pointer, ..] = body else { return Err(Anomaly::Ipv4OptInvalidLen) };
    let sound = pointer >= 4 && pointer.is_multiple_of(4) && is_within(pointer, body);
    if sound { Ok(()) } else { Err(Anomaly::Ipv4OptMalformed) }
}

/// A pointer, overflow and flag, and records of time, or of address and time.
fn check_timestamp(body: &[u8]) -> Result<(), Anomaly> {
    let &[pointer, flag, _, ..] = body else { return Err(Anomaly::Ipv4OptInvalidLen) };
    let record_len = if matches!(flag & 0x0f, 1 | 3) { 8 } else { 4 };
    let sound = pointer.checked_sub(5).is_some_and(|past| past.is_multiple_of(record_len))
        && is_within(pointer, body);
    if sound { Ok(()) } else { Err(Anomaly::Ipv4OptMalformed) }
}

/// A domain of interpretation, and tags with a length each, which counts all of
/// the tag.
fn check_commercial_security(body: &[u8]) -> Result<(), Anomaly> {
    let Some((_, mut tags)) = body.split_first_chunk::<4>().filter(|(_, tags)| tags.len() >= 4) else {
        return Err(Anomaly::Ipv4OptInvalidLen);
    };
    while !tags.is_empty() {
        let sound = match *tags {
            // The third byte aligns, and is 0; tag 7 has none.
            [1 | 2 | 5 | 6, len, 0, ..] | [7, len, ..] if len >= 4 => tags.split_at_checked(len.into()),
            _ => None,
        };
        let Some((_, rest)) = sound else { return Err(Anomaly::Ipv4OptMalformed) };
        tags = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;
    use Anomaly::{
        Ipv4OptDuplicate as Duplicate, Ipv4OptEolRequired as EolRequired, Ipv4OptInvalid as Invalid,
        Ipv4OptInvalidLen as InvalidLen, Ipv4OptMalformed as Malformed, Ipv4OptPadRequired as PadRequired,
    };

    /// The options, filled up to eight bytes.
    fn of(options: &[u8]) -> Vec<Anomaly> {
        let mut padded = options.to_vec();
        padded.resize(options.len().next_multiple_of(ALIGNMENT), END);
        all(|found| find(&padded, found))
    }

    #[test]
    fn options_as_their_documents_have_them_are_not_odd() {
        for options in [
            &[][..],
            &[NO_OPERATION, NO_OPERATION],
            &[RECORD_ROUTE, 7, 4, 0, 0, 0, 0],
            &[LOOSE_ROUTE, 7, 8, 192, 0, 2, 1, END],
            &[STRICT_ROUTE, 11, 8, 192, 0, 2, 1, 192, 0, 2, 2],
            &[TIMESTAMP, 12, 13, 0, 0, 0, 0, 1, 0, 0, 0, 2],
            &[TIMESTAMP, 12, 5, 1, 192, 0, 2, 1, 0, 0, 0, 2],
            &[QUICK_START, 8, 0, 0, 0, 0, 0, 0],
            &[SECURITY, 3, 0xab],
            &[COMMERCIAL_SECURITY, 10, 0, 0, 0, 1, 1, 4, 0, 5],
            &[COMMERCIAL_SECURITY, 14, 0, 0, 0, 1, 7, 4, 9, 5, 2, 4, 0, 5],
            &[STREAM_ID, 4, 0, 9],
            &[ROUTER_ALERT, 4, 0, 0],
        ] {
            assert_eq!(of(options), [], "{options:?}");
        }
    }

    #[test]
    fn four_bytes_of_options_want_padding() {
        assert_eq!(all(|found| find(&[ROUTER_ALERT, 4, 0, 0], found)), [PadRequired]);
    }

    #[test]
    fn a_last_byte_that_is_no_option_wants_an_end() {
        assert_eq!(of(&[1, 1, 1, 1, 1, 1, 1, ROUTER_ALERT]), [EolRequired]);
    }

    #[test]
    fn a_length_that_cannot_be_ends_the_walk() {
        for options in [[ROUTER_ALERT, 0, 0, 0], [99, 1, 99, 2], [ROUTER_ALERT, 9, 0, 0]] {
            assert_eq!(of(&options), [InvalidLen], "{options:?}");
        }
    }

    #[test]
    fn a_length_that_is_not_the_options_own_is_invalid() {
        for options in [
            &[ROUTER_ALERT, 3, 0][..],
            &[STREAM_ID, 5, 0, 0, 0],
            &[SECURITY, 2],
            &[QUICK_START, 7, 0, 0, 0, 0, 0],
            &[RECORD_ROUTE, 2],
            &[TIMESTAMP, 4, 5, 0],
            &[COMMERCIAL_SECURITY, 9, 0, 0, 0, 1, 1, 3, 0],
        ] {
            assert_eq!(of(options), [InvalidLen], "{options:?}");
        }
    }

    #[test]
    fn contents_that_contradict_themselves_are_malformed() {
        for options in [
            &[RECORD_ROUTE, 7, 3, 0, 0, 0, 0][..],
            &[RECORD_ROUTE, 7, 5, 0, 0, 0, 0],
            &[LOOSE_ROUTE, 7, 12, 0, 0, 0, 0],
            &[TIMESTAMP, 8, 4, 0, 0, 0, 0, 0],
            &[TIMESTAMP, 8, 6, 0, 0, 0, 0, 0],
            &[TIMESTAMP, 12, 9, 1, 192, 0, 2, 1, 0, 0, 0, 2],
            &[TIMESTAMP, 8, 13, 0, 0, 0, 0, 0],
            &[COMMERCIAL_SECURITY, 10, 0, 0, 0, 1, 0, 4, 0, 5],
            &[COMMERCIAL_SECURITY, 10, 0, 0, 0, 1, 1, 4, 9, 5],
            &[COMMERCIAL_SECURITY, 10, 0, 0, 0, 1, 1, 5, 0, 5],
            &[COMMERCIAL_SECURITY, 11, 0, 0, 0, 1, 1, 4, 0, 5, 1],
        ] {
            assert_eq!(of(options), [Malformed], "{options:?}");
        }
    }

    #[test]
    fn the_same_option_twice_and_one_that_nobody_knows() {
        assert_eq!(of(&[ROUTER_ALERT, 4, 0, 0, ROUTER_ALERT, 4, 0, 0]), [Duplicate]);
        assert_eq!(of(&[99, 4, 0, 0]), [Invalid]);
    }
}
