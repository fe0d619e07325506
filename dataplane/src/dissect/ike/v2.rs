//! IKE version 2 (RFC 7296): payloads in the clear, which are those of the first
//! exchange.

use super::message::{Header, PAYLOAD_HEADER_LEN, Payloads};
use super::registry::{Transform, v2_notification, v2_payload};
use super::{LIST_MAX, Odd};
use crate::anomaly::Anomaly;
use crate::flow::Direction;
use crate::wire::Malformed;
use crate::wire::reader::Reader;

/// The sender has begun the association (RFC 7296 section 3.1).
const INITIATOR: u8 = 0x08;

const SECURITY_ASSOCIATION: u8 = 33;
const NOTIFY: u8 = 41;
const ENCRYPTED: u8 = 46;
const ENCRYPTED_FRAGMENT: u8 = 53;

/// A proposal for AH, which encrypts nothing.
const PROTOCOL_AH: u8 = 2;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V2 {
    /// Whether the one who began sends it.
    pub is_initiator: bool,
    /// The kinds of its payloads in their order; the last says that none follows,
    /// or what is encrypted.
    pub payloads: Vec<u8>,
    /// What it notifies of.
    pub notifications: Vec<u16>,
    /// How many of these are errors.
    pub errors: u32,
    /// What the responder has chosen so far.
    pub chosen: Chosen,
}

/// The transforms that a responder has chosen, by their numbers (RFC 7296 section
/// 3.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// How it is encrypted.
    pub encryption: u16,
    /// How keys are derived.
    pub prf: u16,
    /// How it is kept from changes.
    pub integrity: u16,
    /// How keys are agreed on.
    pub group: u16,
    /// Whether sequence numbers are extended.
    pub esn: u16,
}

impl Default for Chosen {
    /// Nothing yet: encryption that does none (11), no others.
    fn default() -> Self {
        Self { encryption: 11, prf: 0, integrity: 0, group: 0, esn: 0 }
    }
}

impl V2 {
    /// The names of its payloads.
    pub fn payload_names(&self) -> impl Iterator<Item = String> {
        self.payloads.iter().map(|kind| v2_payload(*kind))
    }

    /// The names of what it notifies of.
    pub fn notification_names(&self) -> impl Iterator<Item = String> {
        self.notifications.iter().map(|kind| v2_notification(*kind))
    }
}

/// Reads a message; what a responder chooses is remembered in `chosen`.
pub(super) fn message(
    direction: Direction,
    header: &Header,
    body: &[u8],
    chosen: &mut Chosen,
    odd: &mut Odd,
) -> V2 {
    let mut said = V2 {
        is_initiator: header.flags & INITIATOR != 0,
        payloads: vec![header.next_payload],
        notifications: Vec::new(),
        errors: 0,
        chosen: *chosen,
    };
    let mut payloads = Payloads::new(header.next_payload, body);
    loop {
        let payload = match payloads.read() {
            Ok(Some(payload)) => payload,
            Ok(None) => break,
            Err(_) => {
                odd.raise(Anomaly::IkeMalformedData);
                break;
            }
        };
        if said.payloads.len() < LIST_MAX {
            said.payloads.push(payload.next);
        }
        match payload.kind {
            SECURITY_ASSOCIATION if proposals(direction, payload.body, chosen, odd).is_err() => {
                odd.raise(Anomaly::IkeMalformedData);
            }
            NOTIFY => said.notify(payload.body),
            // It is the last; what it says of the next is about what is in it.
            ENCRYPTED | ENCRYPTED_FRAGMENT => break,
            _ => {}
        }
    }
    said.chosen = *chosen;
    said
}

impl V2 {
    fn notify(&mut self, body: &[u8]) {
        let Some(&[_protocol, _spi_len, k0, k1]) = body.first_chunk() else { return };
        let kind = u16::from_be_bytes([k0, k1]);
        // Up to 16,383 they are errors (RFC 7296 section 3.10.1).
        self.errors += u32::from(kind < 16_384);
        if self.notifications.len() < LIST_MAX {
            self.notifications.push(kind);
        }
    }
}

/// Proposals, each with transforms (RFC 7296 section 3.3): what is offered, or one
/// that is chosen.
fn proposals(direction: Direction, body: &[u8], chosen: &mut Chosen, odd: &mut Odd) -> Result<(), Malformed> {
    let mut reader = Reader::new(body);
    while !reader.is_empty() {
        let &[_last, _, l0, l1] = reader.array::<PAYLOAD_HEADER_LEN>()?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let body = reader.take(len.checked_sub(PAYLOAD_HEADER_LEN).ok_or(Malformed::BadLength)?)?;
        let mut proposal = Reader::new(body);
        let &[_number, protocol, spi_len, _count] = proposal.array()?;
        proposal.take(spi_len.into())?;
        let transforms = transforms(&mut proposal)?;
        if protocol == PROTOCOL_AH {
            odd.raise(Anomaly::IkeNoEncryption);
        }
        judge(&transforms, odd);
        if direction == Direction::Down {
            for transform in transforms {
                let slot = match transform.kind {
                    1 => &mut chosen.encryption,
                    2 => &mut chosen.prf,
                    3 => &mut chosen.integrity,
                    4 => &mut chosen.group,
                    5 => &mut chosen.esn,
                    _ => continue,
                };
                *slot = transform.id;
            }
        }
    }
    Ok(())
}

fn transforms(reader: &mut Reader<'_>) -> Result<Vec<Transform>, Malformed> {
    let mut transforms = Vec::new();
    while !reader.is_empty() {
        let &[_last, _, l0, l1] = reader.array::<PAYLOAD_HEADER_LEN>()?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let body = reader.take(len.checked_sub(PAYLOAD_HEADER_LEN).ok_or(Malformed::BadLength)?)?;
        let &[kind, _, i0, i1] = body.first_chunk().ok_or(Malformed::Truncated)?;
        if transforms.len() < LIST_MAX {
            transforms.push(Transform { kind, id: u16::from_be_bytes([i0, i1]) });
        }
    }
    Ok(transforms)
}

/// Raises what should not be offered or chosen (RFC 8247).
fn judge(transforms: &[Transform], odd: &mut Odd) {
    for transform in transforms {
        let anomaly = match (transform.kind, transform.id) {
            (1, 1..=9 | 11) => Anomaly::IkeWeakCryptoEnc,
            (2 | 4, 0) => Anomaly::IkeInvalidProposal,
            (2, 1 | 2) => Anomaly::IkeWeakCryptoPrf,
            (3, 1..=7) => Anomaly::IkeWeakCryptoAuth,
            (4, 1 | 2 | 5 | 22) => Anomaly::IkeWeakCryptoDh,
            (0 | 6.., _) => Anomaly::IkeUnknownProposal,
            _ => continue,
        };
        odd.raise(anomaly);
    }
    if !transforms.iter().any(|transform| transform.kind == 4) {
        odd.raise(Anomaly::IkeWeakCryptoNoDh);
    }
    let has_integrity = transforms.iter().any(|transform| transform.kind == 3 && transform.id != 0);
    if !has_integrity && !transforms.iter().any(|transform| transform.is_aead()) {
        odd.raise(Anomaly::IkeWeakCryptoNoAuth);
    }
}
