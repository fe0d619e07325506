//! What a message says.

use std::net::Ipv4Addr;

use super::ber::{Unsound, Values, oid, tag};

/// So many variables of a message are told, at most; a datagram of 1,500 bytes
/// has room for some hundred.
pub const VARIABLES_MAX: usize = 1024;

/// Which operation (RFC 3416 section 3): the lower bits of its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PduType(pub u8);

impl PduType {
    const TRAP_1: Self = Self(4);
    const GET_BULK: Self = Self(5);

    /// The word for events; `None` for what is not assigned.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "get_request",
            1 => "get_next_request",
            2 => "response",
            3 => "set_request",
            4 => "trap_v1",
            5 => "get_bulk_request",
            6 => "inform_request",
            7 => "trap_v2",
            8 => "report",
            _ => return None,
        })
    }
}

/// What a trap of version 1 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Its number (RFC 1157 section 4.1.6).
    pub generic: i64,
    /// What kind of thing has sent it.
    pub enterprise: String,
    /// Which thing.
    pub address: Ipv4Addr,
}

impl Trap {
    /// The word for events; `None` for what is not assigned.
    pub const fn name(&self) -> Option<&'static str> {
        Some(match self.generic {
            0 => "ColdStart",
            1 => "WarmStart",
            2 => "LinkDown",
            3 => "LinkUp",
            4 => "AuthenticationFailure",
            5 => "EgpNeighborLoss",
            6 => "EnterpriseSpecific",
            _ => return None,
        })
    }
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnmpRecord {
    /// 1, 2 (2c) or 3.
    pub version: u8,
    /// Who may ask, up to version 2c: as good as a password.
    pub community: Option<String>,
    /// The user, of version 3.
    pub user: Option<String>,
    /// How version 3 is secured; 3 is by users.
    pub security_model: Option<i64>,
    /// Whether what is asked is encrypted.
    pub is_encrypted: bool,
    /// What is done, if that is in the clear.
    pub pdu: Option<PduType>,
    /// The error of a response; 0 for none.
    pub error: i64,
    /// What a trap of version 1 says.
    pub trap: Option<Trap>,
    /// The names of the variables, at most [`VARIABLES_MAX`].
    pub variables: Vec<String>,
}

impl SnmpRecord {
    /// Decodes a datagram.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unsound> {
        let mut message = Values(bytes).within(tag::SEQUENCE)?;
        let mut record = Self::default();
        match message.integer()? {
            number @ (0 | 1) => {
                record.version = if number == 0 { 1 } else { 2 };
                record.community = Some(text(message.content(tag::OCTETS)?));
                record.read_pdu(&mut message)?;
            }
            3 => {
                record.version = 3;
                record.read_secured(&mut message)?;
            }
            _ => return Err(Unsound),
        }
        Ok(record)
    }

    /// The error's name (RFC 3416 section 3), if there is one.
    pub fn error_name(&self) -> Option<&'static str> {
        const NAMES: [&str; 19] = [
            "NoError",
            "TooBig",
            "NoSuchName",
            "BadValue",
            "ReadOnly",
            "GenErr",
            "NoAccess",
            "WrongType",
            "WrongLength",
            "WrongEncoding",
            "WrongValue",
            "NoCreation",
            "InconsistentValue",
            "ResourceUnavailable",
            "CommitFailed",
            "UndoFailed",
            "AuthorizationError",
            "NotWritable",
            "InconsistentName",
        ];
        usize::try_from(self.error).ok().and_then(|place| NAMES.get(place)).copied()
    }

    /// Version 3, behind the version (RFC 3412 section 6).
    fn read_secured(&mut self, message: &mut Values<'_>) -> Result<(), Unsound> {
        let mut header = message.within(tag::SEQUENCE)?;
        // The message's number, and the longest answer.
        header.integer()?;
        header.integer()?;
        header.content(tag::OCTETS)?;
        let model = header.integer()?;
        self.security_model = Some(model);
        let mut security = message.within(tag::OCTETS)?;
        if model == super::USER_MODEL {
            let mut parameters = security.within(tag::SEQUENCE)?;
            // The engine, its boots and its time (RFC 3414 section 2.4).
            parameters.content(tag::OCTETS)?;
            parameters.integer()?;
            parameters.integer()?;
            self.user = Some(text(parameters.content(tag::OCTETS)?));
        }
        match message.next()? {
            (tag::OCTETS, _) => self.is_encrypted = true,
            (tag::SEQUENCE, scoped) => {
                let mut scoped = Values(scoped);
                // The engine and the context that it is about.
                scoped.content(tag::OCTETS)?;
                scoped.content(tag::OCTETS)?;
                self.read_pdu(&mut scoped)?;
            }
            _ => return Err(Unsound),
        }
        Ok(())
    }

    fn read_pdu(&mut self, values: &mut Values<'_>) -> Result<(), Unsound> {
        /// What the tags of operations have in common.
        const CONTEXT: u8 = 0xa0;
        let (found, content) = values.next()?;
        let kind = PduType(found & 0x1f);
        if found & 0xe0 != CONTEXT {
            return Err(Unsound);
        }
        let mut pdu = Values(content);
        if kind == PduType::TRAP_1 {
            let enterprise = oid(pdu.content(tag::OID)?)?;
            let address = pdu.content(tag::IP_ADDRESS)?.first_chunk::<4>().ok_or(Unsound)?;
            let generic = pdu.integer()?;
            self.trap = Some(Trap { generic, enterprise, address: Ipv4Addr::from(*address) });
            // Which of the enterprise's own, and when.
            pdu.integer()?;
            pdu.next()?;
        } else {
            // The request's number.
            pdu.integer()?;
            let error = pdu.integer()?;
            pdu.integer()?;
            // Of a bulk they say how much is wanted.
            self.error = if kind == PduType::GET_BULK { 0 } else { error };
        }
        let mut variables = pdu.within(tag::SEQUENCE)?;
        while !variables.is_empty() && self.variables.len() < VARIABLES_MAX {
            let mut variable = variables.within(tag::SEQUENCE)?;
            self.variables.push(oid(variable.content(tag::OID)?)?);
        }
        self.pdu = Some(kind);
        Ok(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
