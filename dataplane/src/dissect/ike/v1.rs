//! IKE version 1 (RFC 2408, RFC 2409): what is in the clear of it.

use super::message::{Header, Payloads};
use super::registry::{v1_attribute, v1_attribute_value, v1_payload};
use super::{KEY_MAX, LIST_MAX, Odd};
use crate::anomaly::Anomaly;
use crate::dissect::digest::hex;
use crate::flow::Direction;
use crate::wire::Malformed;
use crate::wire::reader::Reader;

/// What follows the header is encrypted (RFC 2408 section 3.1).
const ENCRYPTED: u8 = 0x01;
/// The domain of interpretation of `IPsec`.
const DOI_IPSEC: u32 = 1;

const SECURITY_ASSOCIATION: u8 = 1;
const PROPOSAL: u8 = 2;
const TRANSFORM: u8 = 3;
const KEY_EXCHANGE: u8 = 4;
const NONCE: u8 = 10;
const VENDOR_ID: u8 = 13;

/// What a message says, and what is known of both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct V1 {
    /// Which meaning numbers have; 1 is that of `IPsec`.
    pub doi: Option<u32>,
    /// Whether its payloads are encrypted.
    pub is_encrypted: bool,
    /// The kinds of its payloads, each once, also those within others.
    pub payloads: Vec<u8>,
    /// What it proposes, each with its attributes.
    pub transforms: Vec<Vec<Attribute>>,
    /// What the responder has chosen so far.
    pub chosen: Vec<Attribute>,
    /// What the initiator has sent.
    pub client: V1Side,
    /// What the responder has sent.
    pub server: V1Side,
    /// Who made the sender, in hexadecimal.
    pub vendor_ids: Vec<String>,
}

/// What a side has sent, in hexadecimal; empty where it has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct V1Side {
    /// Its part of the key exchange.
    pub key_exchange: String,
    /// Its nonce.
    pub nonce: String,
}

/// An attribute of a transform (RFC 2408 section 3.3, RFC 2409 appendix A).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Which.
    pub kind: u16,
    /// Its value.
    pub value: Value,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of two bytes or four.
    Number(u32),
    /// Of any other length, in hexadecimal.
    Bytes(String),
}

impl Attribute {
    /// The name of what it is: `alg_enc`.
    pub const fn name(&self) -> &'static str {
        v1_attribute(self.kind)
    }

    /// The name of its value, where there is one: `EncAesCbc`.
    pub const fn value_name(&self) -> &'static str {
        match self.value {
            Value::Number(number) => v1_attribute_value(self.kind, number),
            Value::Bytes(_) => "Unknown",
        }
    }
}

impl V1 {
    /// The names of its payloads that have one.
    pub fn payload_names(&self) -> impl Iterator<Item = &'static str> {
        self.payloads.iter().filter_map(|kind| v1_payload(*kind))
    }
}

/// What is remembered of a flow.
#[derive(Debug, Default)]
pub(super) struct State {
    doi: Option<u32>,
    client: V1Side,
    server: V1Side,
    chosen: Vec<Attribute>,
    has_chosen: bool,
}

impl State {
    /// Reads a message.
    pub(super) fn message(
        &mut self,
        direction: Direction,
        header: &Header,
        body: &[u8],
        odd: &mut Odd,
    ) -> V1 {
        let is_encrypted = header.flags & ENCRYPTED != 0;
        let mut said = V1 { is_encrypted, payloads: vec![header.next_payload], ..V1::default() };
        let mut side = V1Side::default();
        if !is_encrypted {
            let mut payloads = Payloads::new(header.next_payload, body);
            if self.payloads(&mut payloads, &mut said, &mut side).is_err() {
                odd.raise(Anomaly::IkeMalformedData);
            } else if payloads.has_more() {
                odd.raise(Anomaly::IkePayloadExtraData);
            }
            self.remember(direction, &said, side, odd);
        }
        said.doi = self.doi;
        said.chosen.clone_from(&self.chosen);
        if !is_encrypted {
            said.client = self.client.clone();
            said.server = self.server.clone();
        }
        said
    }

    /// What a side has sent is remembered; a new association forgets the old.
    fn remember(&mut self, direction: Direction, said: &V1, side: V1Side, odd: &mut Odd) {
        if direction == Direction::Up {
            self.client = side;
            return;
        }
        self.server = side;
        if said.payloads.contains(&SECURITY_ASSOCIATION) {
            self.chosen.clear();
            self.has_chosen = false;
        }
        // A responder chooses one.
        if said.transforms.len() + usize::from(self.has_chosen) > 1 {
            odd.raise(Anomaly::IkeMultipleServerProposal);
        }
        if let Some(first) = said.transforms.first().filter(|_| !self.has_chosen) {
            self.chosen.clone_from(first);
            self.has_chosen = true;
        }
    }

    fn payloads(
        &mut self,
        payloads: &mut Payloads<'_>,
        said: &mut V1,
        side: &mut V1Side,
    ) -> Result<(), Malformed> {
        while let Some(payload) = payloads.read()? {
            said.note(payload.kind);
            match payload.kind {
                SECURITY_ASSOCIATION => self.association(payload.body, said)?,
                KEY_EXCHANGE => side.key_exchange = hex(first(payload.body, KEY_MAX)),
                NONCE => side.nonce = hex(first(payload.body, KEY_MAX)),
                VENDOR_ID if said.vendor_ids.len() < LIST_MAX => {
                    said.vendor_ids.push(hex(first(payload.body, KEY_MAX)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// An association: a domain, a situation, proposals, in them transforms.
    fn association(&mut self, body: &[u8], said: &mut V1) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        let doi = reader.u32()?;
        self.doi = Some(doi);
        if doi != DOI_IPSEC {
            return Ok(());
        }
        reader.u32()?;
        let mut proposals = Payloads::new(PROPOSAL, reader.rest());
        while let Some(proposal) = proposals.read()? {
            said.note(PROPOSAL);
            let mut reader = Reader::new(proposal.body);
            let &[_number, _protocol, spi_len, _count] = reader.array()?;
            reader.take(spi_len.into())?;
            let mut transforms = Payloads::new(TRANSFORM, reader.rest());
            while let Some(transform) = transforms.read()? {
                said.note(TRANSFORM);
                let (_head, attributes) =
                    transform.body.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
                if said.transforms.len() < LIST_MAX {
                    said.transforms.push(attributes_of(attributes)?);
                }
            }
        }
        Ok(())
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        let sides = [&self.client, &self.server];
        let texts: usize = sides.iter().map(|side| side.key_exchange.len() + side.nonce.len()).sum();
        let chosen = self.chosen.iter().map(|attribute| match &attribute.value {
            Value::Number(_) => size_of::<Attribute>(),
            Value::Bytes(text) => size_of::<Attribute>() + text.len(),
        });
        texts + chosen.sum::<usize>()
    }
}

impl V1 {
    fn note(&mut self, kind: u8) {
        if !self.payloads.contains(&kind) {
            self.payloads.push(kind);
        }
    }
}

/// The attributes of a transform: a type and a value of two bytes, or a type, a
/// length, and so many bytes.
fn attributes_of(bytes: &[u8]) -> Result<Vec<Attribute>, Malformed> {
    const SHORT: u16 = 0x8000;
    /// Longer values are cut, in bytes.
    const VALUE_MAX: usize = 256;
    let (mut reader, mut attributes) = (Reader::new(bytes), Vec::new());
    while !reader.is_empty() {
        let (kind, number) = (reader.u16()?, reader.u16()?);
        let value = if kind & SHORT != 0 {
            Value::Number(number.into())
        } else {
            let bytes = reader.take(number.into())?;
            match bytes {
                &[b0, b1, b2, b3] => Value::Number(u32::from_be_bytes([b0, b1, b2, b3])),
                _ => Value::Bytes(hex(first(bytes, VALUE_MAX))),
            }
        };
        if attributes.len() < LIST_MAX {
            attributes.push(Attribute { kind: kind & !SHORT, value });
        }
    }
    Ok(attributes)
}

/// The first so many bytes.
fn first(bytes: &[u8], max: usize) -> &[u8] {
    bytes.get(..max).unwrap_or(bytes)
}
