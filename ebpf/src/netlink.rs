//! What rtnetlink says of a device, and the one thing this crate sets by it.
//!
//! One message tells index, flags and which XDP program is on a device in which
//! mode; sysfs tells none of the latter and shows the devices of the network
//! namespace that mounted it, which need not be that of this thread. Flags are
//! set with a mask, so that nobody else's change is undone.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use crate::steer::XdpMode;
use crate::sys;

const HEADER_LEN: usize = 16;
const INTERFACE_LEN: usize = 16;
/// `NAME_MAX` of a device and its closing zero.
const NAME_ROOM: usize = 16;

const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_PROG_ID: u16 = 4;
const IFLA_XDP_DRV_PROG_ID: u16 = 5;
const IFLA_XDP_SKB_PROG_ID: u16 = 6;
const IFLA_XDP_HW_PROG_ID: u16 = 7;
const XDP_ATTACHED_DRV: u8 = 1;
const XDP_ATTACHED_SKB: u8 = 2;
/// Leaves counters out of the answer, which may be long.
const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;
const NESTED_AND_ORDER_BITS: u16 = 0xc000;

/// A device, as the kernel describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Device {
    /// Its index in the network namespace of this thread.
    pub(crate) index: u32,
    /// `IFF_UP` and its like.
    pub(crate) flags: u32,
    /// The longest packet in bytes, its link header apart.
    pub(crate) mtu: u32,
    /// The XDP program on it.
    pub(crate) program: Option<Program>,
}

/// The XDP program on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its number in the kernel.
    pub(crate) id: u32,
    /// How it is attached; `None` where it runs on the NIC itself.
    pub(crate) mode: Option<XdpMode>,
}

/// Asks for a device by name. `NotFound` or `ENODEV` where there is none.
pub(crate) fn device(name: &str) -> io::Result<Device> {
    if name.is_empty() || name.len() >= NAME_ROOM {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    let mut body = interface_message(0, 0, 0);
    let mut text = name.as_bytes().to_vec();
    text.push(0);
    push_attribute(&mut body, libc::IFLA_IFNAME, &text);
    push_attribute(&mut body, libc::IFLA_EXT_MASK, &RTEXT_FILTER_SKIP_STATS.to_ne_bytes());
    let answer = exchange(libc::RTM_GETLINK, libc::NLM_F_REQUEST, &body)?;
    decode_device(&answer).ok_or_else(|| io::Error::other("rtnetlink's answer cannot be read"))
}

/// Sets the flags of `mask` to those in `flags`, and no others.
pub(crate) fn set_flags(index: u32, flags: u32, mask: u32) -> io::Result<()> {
    let body = interface_message(index, flags, mask);
    exchange(libc::RTM_SETLINK, libc::NLM_F_REQUEST | libc::NLM_F_ACK, &body).map(drop)
}

/// `struct ifinfomsg`: family, padding, type, index, flags, mask of flags.
fn interface_message(index: u32, flags: u32, mask: u32) -> Vec<u8> {
    let mut body = vec![0; 4];
    for field in [index, flags, mask] {
        body.extend_from_slice(&field.to_ne_bytes());
    }
    body
}

fn push_attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(value.len() + 4).expect("names and numbers are short");
    body.extend_from_slice(&len.to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// Sends one message and reads its answer, without the header; empty where it
/// was acknowledged only.
fn exchange(kind: u16, flags: i32, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut message = Vec::with_capacity(HEADER_LEN + body.len());
    let len = u32::try_from(HEADER_LEN + body.len()).map_err(io::Error::other)?;
    let flags = u16::try_from(flags).map_err(io::Error::other)?;
    message.extend_from_slice(&len.to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(&flags.to_ne_bytes());
    // Sequence and port: one question on a socket of its own needs neither.
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(body);

    let mut socket = File::from(sys::rtnetlink()?);
    socket.write_all(&message)?;
    // A description without statistics is about 2 KiB; a port with many virtual
    // functions tells of each.
    let mut answer = vec![0; 256 * 1024];
    let len = socket.read(&mut answer)?;
    answer.truncate(len);
    decode_answer(&answer)
}

fn decode_answer(answer: &[u8]) -> io::Result<Vec<u8>> {
    let garbled = || io::Error::other("rtnetlink's answer is cut short");
    let (header, body) = answer.split_first_chunk::<HEADER_LEN>().ok_or_else(garbled)?;
    let &[_, _, _, _, kind_0, kind_1, ..] = header;
    if i32::from(u16::from_ne_bytes([kind_0, kind_1])) != libc::NLMSG_ERROR {
        return Ok(body.to_vec());
    }
    let (code, _) = body.split_first_chunk::<4>().ok_or_else(garbled)?;
    match i32::from_ne_bytes(*code) {
        0 => Ok(Vec::new()),
        code => Err(io::Error::from_raw_os_error(-code)),
    }
}

fn decode_device(body: &[u8]) -> Option<Device> {
    let (header, attributes) = body.split_first_chunk::<INTERFACE_LEN>()?;
    let &[_, _, _, _, i0, i1, i2, i3, f0, f1, f2, f3, ..] = header;
    let mut device = Device {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        flags: u32::from_ne_bytes([f0, f1, f2, f3]),
        mtu: 0,
        program: None,
    };
    for (kind, value) in Attributes(attributes) {
        match kind {
            libc::IFLA_XDP => device.program = decode_program(value),
            libc::IFLA_MTU => device.mtu = value.first_chunk().map_or(0, |mtu| u32::from_ne_bytes(*mtu)),
            _ => {}
        }
    }
    Some(device)
}

fn decode_program(nest: &[u8]) -> Option<Program> {
    let (mut mode, mut id) = (None, None);
    for (kind, value) in Attributes(nest) {
        match (kind, value) {
            (IFLA_XDP_ATTACHED, &[XDP_ATTACHED_DRV]) => mode = Some(XdpMode::Native),
            (IFLA_XDP_ATTACHED, &[XDP_ATTACHED_SKB]) => mode = Some(XdpMode::Generic),
            // The first one told: several are there only with one on the NIC too.
            (
                IFLA_XDP_PROG_ID | IFLA_XDP_DRV_PROG_ID | IFLA_XDP_SKB_PROG_ID | IFLA_XDP_HW_PROG_ID,
                &[a, b, c, d],
            ) => id = id.or(Some(u32::from_ne_bytes([a, b, c, d])).filter(|id| *id != 0)),
            _ => {}
        }
    }
    id.map(|id| Program { id, mode })
}

/// Goes over attributes; ends where one lies about its length.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[l0, l1, k0, k1], rest) = self.0.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_ne_bytes([l0, l1])).checked_sub(4)?;
        let value = rest.get(..len)?;
        self.0 = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([k0, k1]) & !NESTED_AND_ORDER_BITS, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(attached: u8, ids: &[(u16, u32)]) -> Vec<u8> {
        let mut body = interface_message(7, 0x1003, 0);
        push_attribute(&mut body, libc::IFLA_IFNAME, b"g0\0");
        push_attribute(&mut body, libc::IFLA_MTU, &1500_u32.to_ne_bytes());
        let mut nest = Vec::new();
        push_attribute(&mut nest, IFLA_XDP_ATTACHED, &[attached]);
        for &(kind, id) in ids {
            push_attribute(&mut nest, kind, &id.to_ne_bytes());
        }
        push_attribute(&mut body, libc::IFLA_XDP | 0x8000, &nest);
        body
    }

    #[test]
    fn reads_index_flags_and_program() {
        let native = description(XDP_ATTACHED_DRV, &[(IFLA_XDP_DRV_PROG_ID, 41), (IFLA_XDP_PROG_ID, 41)]);
        let program = Some(Program { id: 41, mode: Some(XdpMode::Native) });
        assert_eq!(decode_device(&native), Some(Device { index: 7, flags: 0x1003, mtu: 1500, program }));
        let generic = description(XDP_ATTACHED_SKB, &[(IFLA_XDP_PROG_ID, 42)]);
        let program = decode_device(&generic).and_then(|device| device.program);
        assert_eq!(program, Some(Program { id: 42, mode: Some(XdpMode::Generic) }));
        assert_eq!(decode_device(&description(0, &[])).and_then(|device| device.program), None);
    }

    #[test]
    fn reads_any_truncation_without_panic() {
        let whole = description(XDP_ATTACHED_DRV, &[(IFLA_XDP_PROG_ID, 41)]);
        for len in 0..whole.len() {
            let part = whole.get(..len).unwrap_or_default();
            assert_ne!(decode_device(part), decode_device(&whole), "of {len} bytes");
        }
    }

    #[test]
    fn an_error_is_told_by_its_number() {
        let mut answer = vec![0; HEADER_LEN];
        answer[4..6].copy_from_slice(&2_u16.to_ne_bytes());
        answer.extend_from_slice(&(-libc::ENODEV).to_ne_bytes());
        let refused = decode_answer(&answer).expect_err("it is an error");
        assert_eq!(refused.raw_os_error(), Some(libc::ENODEV));
    }

    #[test]
    fn the_loopback_device_is_known() {
        let device = device("lo").expect("every network namespace has lo");
        assert_eq!(device.index, 1);
        assert_eq!(device.flags & libc::IFF_LOOPBACK.cast_unsigned(), libc::IFF_LOOPBACK.cast_unsigned());
    }
}
