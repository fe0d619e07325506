//! EDNS: what stands in the place of class, time to live and data of an OPT
//! record (RFC 6891 section 6.1).

use super::super::Malformed;
use super::cursor::Cursor;
use super::registry::OptionCode;

/// The extension of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns<'a> {
    /// The longest datagram that its sender takes, in bytes.
    pub udp_size: u16,
    /// The upper 8 bits of the response code.
    pub extended_rcode: u8,
    /// 0.
    pub version: u8,
    /// Whether DNSSEC's records are wished for (`DO`, RFC 3225).
    pub dnssec_ok: bool,
    /// The options.
    pub options: Options<'a>,
}

impl<'a> Edns<'a> {
    pub(super) const fn new(class: u16, ttl: u32, options: Options<'a>) -> Self {
        let [extended_rcode, version, flags, _] = ttl.to_be_bytes();
        Self { udp_size: class, extended_rcode, version, dnssec_ok: flags & 0x80 != 0, options }
    }
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdnsOption<'a> {
    /// What it is.
    pub code: OptionCode,
    /// What it says.
    pub data: &'a [u8],
}

/// The options, checked when they were decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    pub(super) fn decode(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let options = Self(cursor.rest());
        let len: usize = options.iter().map(|option| option.data.len() + 4).sum();
        if len == options.0.len() { Ok(options) } else { Err(Malformed::BadOption) }
    }

    /// Each option.
    pub fn iter(&self) -> impl Iterator<Item = EdnsOption<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&[c0, c1, l0, l1], tail) = rest.split_first_chunk()?;
            let (data, tail) = tail.split_at_checked(u16::from_be_bytes([l0, l1]).into())?;
            rest = tail;
            Some(EdnsOption { code: OptionCode(u16::from_be_bytes([c0, c1])), data })
        })
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
