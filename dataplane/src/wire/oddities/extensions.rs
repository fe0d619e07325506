//! Extension headers of IPv6 (RFC 8200 section 4) and the options in them.

use super::Found;
use crate::anomaly::Anomaly;
use crate::wire::ipv6::{AUTHENTICATION, DESTINATION, Extension, Extensions, FRAGMENT, HOP_BY_HOP, ROUTING};

/// One byte of padding, without a length.
const PAD_1: u8 = 0;
const PAD_N: u8 = 1;
/// RFC 2711.
const ROUTER_ALERT: u8 = 5;
/// RFC 2675.
const JUMBO_PAYLOAD: u8 = 0xc2;
/// RFC 6275.
const HOME_ADDRESS: u8 = 0xc9;

/// In the headers after the fixed one, of which `protocol` is the first.
pub(super) fn find(protocol: u8, payload: &[u8], found: Found<'_>) {
    let mut seen = Seen::default();
    for extension in Extensions::new(protocol, payload).flatten() {
        match extension.protocol {
            HOP_BY_HOP if seen.again(HOP_BY_HOP) => found(Anomaly::Ipv6ExthdrDuplHh),
            ROUTING if seen.again(ROUTING) => found(Anomaly::Ipv6ExthdrDuplRh),
            // Twice is as it should be: before and after a routing header.
            DESTINATION if seen.destinations == 2 => found(Anomaly::Ipv6ExthdrDuplDh),
            DESTINATION => {
                seen.destinations += 1;
                find_options(&extension, found);
            }
            HOP_BY_HOP => find_options(&extension, found),
            ROUTING => find_routing(&extension, found),
            FRAGMENT => find_fragment(&extension, &mut seen, found),
            AUTHENTICATION => find_authentication(&extension, &mut seen, found),
            _ => {}
        }
    }
}

/// Which have been met.
#[derive(Default)]
struct Seen {
    /// By number of protocol.
    kinds: u64,
    destinations: u8,
}

impl Seen {
    /// Whether this kind has been met before; from now on it has.
    fn again(&mut self, kind: u8) -> bool {
        let bit = 1 << (kind & 63);
        let again = self.kinds & bit != 0;
        self.kinds |= bit;
        again
    }
}

fn find_routing(extension: &Extension<'_>, found: Found<'_>) {
    // Type 0 lets a packet go in circles (RFC 5095).
    if let [_, _, 0, ..] = extension.bytes {
        found(Anomaly::Ipv6RhType0);
    }
}

fn find_fragment(extension: &Extension<'_>, seen: &mut Seen, found: Found<'_>) {
    if let [_, reserved, ..] = *extension.bytes
        && reserved != 0
    {
        found(Anomaly::Ipv6FhNonZeroReservedField);
    }
    if seen.again(FRAGMENT) {
        found(Anomaly::Ipv6ExthdrDuplFh);
    } else if extension.fragment.is_some_and(|fragment| fragment.is_atomic()) {
        found(Anomaly::Ipv6ExthdrUselessFh);
    }
}

fn find_authentication(extension: &Extension<'_>, seen: &mut Seen, found: Found<'_>) {
    if let [_, _, r0, r1, ..] = *extension.bytes
        && (r0, r1) != (0, 0)
    {
        found(Anomaly::Ipv6ExthdrAhResNotNull);
    }
    if seen.again(AUTHENTICATION) {
        found(Anomaly::Ipv6ExthdrDuplAh);
    }
}

/// In the options of a hop-by-hop or a destination header.
fn find_options(extension: &Extension<'_>, found: Found<'_>) {
    let (unknown, only_padding) = if extension.protocol == HOP_BY_HOP {
        (Anomaly::Ipv6HopoptsUnknownOpt, Anomaly::Ipv6HopoptsOnlyPadding)
    } else {
        (Anomaly::Ipv6DstoptsUnknownOpt, Anomaly::Ipv6DstoptsOnlyPadding)
    };
    let mut rest = extension.bytes.get(2..).unwrap_or_default();
    let mut said = false;
    while let [kind, ref after @ ..] = *rest {
        if kind == PAD_1 {
            rest = after;
            continue;
        }
        let option = after.split_first().and_then(|(&len, after)| after.split_at_checked(len.into()));
        let Some((body, after)) = option else { return found(Anomaly::Ipv6ExthdrInvalidOptlen) };
        let len_min = match kind {
            PAD_N => {
                if body.is_empty() {
                    found(Anomaly::Ipv6ZeroLenPadn);
                }
                rest = after;
                continue;
            }
            ROUTER_ALERT => 2,
            JUMBO_PAYLOAD => 4,
            HOME_ADDRESS => 16,
            _ => {
                found(unknown);
                0
            }
        };
        if body.len() < len_min {
            return found(Anomaly::Ipv6ExthdrInvalidOptlen);
        }
        said = true;
        rest = after;
    }
    if !said {
        found(only_padding);
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::tests::all;
    use super::*;
    use crate::wire::ipv6::{ICMP, NO_NEXT_HEADER};

    /// Headers one after the other; in each, the first byte is put right.
    fn of(headers: &[(u8, &[u8])]) -> Vec<Anomaly> {
        let nexts = headers.iter().skip(1).map(|(kind, _)| *kind).chain([NO_NEXT_HEADER]);
        let bytes: Vec<u8> =
            headers.iter().zip(nexts).flat_map(|((_, rest), next)| [&[next][..], rest].concat()).collect();
        all(|found| find(headers.first().map_or(ICMP, |(kind, _)| *kind), &bytes, found))
    }

    const ALERT: (u8, &[u8]) = (HOP_BY_HOP, &[0, 5, 2, 0, 0, 0, 0]);
    const HOME: (u8, &[u8]) =
        (DESTINATION, &[2, 1, 2, 0, 0, 0xc9, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const ROUTE: (u8, &[u8]) = (ROUTING, &[0, 4, 0, 0, 0, 0, 0]);
    const ATOMIC: (u8, &[u8]) = (FRAGMENT, &[0, 0, 0, 0, 0, 0, 1]);
    const SIGNED: (u8, &[u8]) =
        (AUTHENTICATION, &[4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    #[test]
    fn headers_as_their_documents_have_them_are_not_odd() {
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[ALERT, HOME, ROUTE, SIGNED, HOME]), []);
        assert_eq!(of(&[(FRAGMENT, &[0, 0, 1, 0, 0, 0, 1])]), [], "the rest of a fragment is not walked");
        assert_eq!(of(&[(HOP_BY_HOP, &[0, 0xc2, 4, 0, 1, 0, 0])]), [], "a jumbogram");
    }

    #[test]
    fn what_may_stand_once_stands_once() {
        assert_eq!(of(&[ALERT, ALERT]), [Anomaly::Ipv6ExthdrDuplHh]);
        assert_eq!(of(&[ROUTE, ROUTE]), [Anomaly::Ipv6ExthdrDuplRh]);
        assert_eq!(of(&[HOME, HOME, HOME]), [Anomaly::Ipv6ExthdrDuplDh]);
        assert_eq!(of(&[SIGNED, SIGNED]), [Anomaly::Ipv6ExthdrDuplAh]);
        assert_eq!(of(&[ATOMIC, ATOMIC]), [Anomaly::Ipv6ExthdrUselessFh, Anomaly::Ipv6ExthdrDuplFh]);
    }

    #[test]
    fn a_fragment_header_with_nothing_to_say_is_useless() {
        assert_eq!(of(&[ATOMIC]), [Anomaly::Ipv6ExthdrUselessFh]);
        assert_eq!(of(&[(FRAGMENT, &[9, 0, 1, 0, 0, 0, 1])]), [Anomaly::Ipv6FhNonZeroReservedField]);
    }

    #[test]
    fn reserved_fields_and_routes_that_nobody_should_use() {
        let mut signed = SIGNED.1.to_vec();
        signed[2] = 1;
        assert_eq!(of(&[(AUTHENTICATION, &signed)]), [Anomaly::Ipv6ExthdrAhResNotNull]);
        assert_eq!(of(&[(ROUTING, &[0, 0, 0, 0, 0, 0, 0])]), [Anomaly::Ipv6RhType0]);
    }

    #[test]
    fn options_that_say_nothing_or_nobody_knows() {
        for (kind, unknown, only_padding) in [
            (HOP_BY_HOP, Anomaly::Ipv6HopoptsUnknownOpt, Anomaly::Ipv6HopoptsOnlyPadding),
            (DESTINATION, Anomaly::Ipv6DstoptsUnknownOpt, Anomaly::Ipv6DstoptsOnlyPadding),
        ] {
            assert_eq!(of(&[(kind, &[0, 1, 4, 0, 0, 0, 0])]), [only_padding]);
            assert_eq!(of(&[(kind, &[0, 0, 0, 0, 0, 0, 0])]), [only_padding]);
            assert_eq!(of(&[(kind, &[0, 0x1e, 4, 0, 0, 0, 0])]), [unknown]);
            assert_eq!(of(&[(kind, &[0, 0x1e, 2, 0, 0, 1, 0])]), [unknown, Anomaly::Ipv6ZeroLenPadn]);
        }
    }

    #[test]
    fn lengths_of_options_that_cannot_be() {
        for options in [
            &[0, 1, 5, 0, 0, 0, 0][..],
            &[0, 1, 3, 0, 0, 0, 7],
            &[0, 5, 1, 0, 1, 1, 0],
            &[0, 0xc2, 2, 0, 0, 1, 0],
            &[0, 0xc9, 4, 0, 0, 0, 0],
        ] {
            assert_eq!(of(&[(HOP_BY_HOP, options)]), [Anomaly::Ipv6ExthdrInvalidOptlen], "{options:?}");
        }
    }
}
