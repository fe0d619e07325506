//! Service bindings: SVCB and HTTPS (RFC 9460).

use super::super::Malformed;
use super::cursor::Cursor;
use super::name::Name;
use super::registry::ParamKey;

/// Where a service is, and how it wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Svcb<'a> {
    /// 0: an alias; else lower goes first.
    pub priority: u16,
    /// The host; the root stands for the record's own name.
    pub target: Name<'a>,
    params: &'a [u8],
}

/// One parameter of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Which.
    pub key: ParamKey,
    /// Its value as it is on the wire (RFC 9460 section 7).
    pub value: &'a [u8],
}

impl<'a> Svcb<'a> {
    pub(super) fn decode(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let binding = Self { priority: cursor.u16()?, target: cursor.name()?, params: cursor.rest() };
        let len: usize = binding.params().map(|param| param.value.len() + 4).sum();
        if len == binding.params.len() { Ok(binding) } else { Err(Malformed::BeyondEnd) }
    }

    /// Its parameters in their order.
    pub fn params(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let mut rest = self.params;
        std::iter::from_fn(move || {
            let (&[k0, k1, l0, l1], tail) = rest.split_first_chunk()?;
            let (value, tail) = tail.split_at_checked(u16::from_be_bytes([l0, l1]).into())?;
            rest = tail;
            Some(Param { key: ParamKey(u16::from_be_bytes([k0, k1])), value })
        })
    }
}
