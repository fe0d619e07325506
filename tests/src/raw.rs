//! Frames as they are on the wire: sent and received through a packet socket.
//!
//! The kernel takes the outermost VLAN tag out of every frame before a packet
//! socket sees it, whatever `ethtool -K rxvlan` says, and hands it over beside
//! the bytes (`PACKET_AUXDATA`). [`RawSocket::receive`] puts it back, so that
//! what comes out is what was on the wire.
#![expect(unsafe_code, reason = "packet sockets are system calls that std does not offer")]

use std::ffi::{CStr, CString, c_int, c_void};
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use crate::netns::Namespace;

/// Larger than any frame the lab sends, a jumbo included.
const FRAME_MAX: usize = 16 * 1024;

/// Room for the control message with the VLAN tag (36 bytes), and to spare.
const CONTROL_MAX: usize = 128;

/// A packet socket on one device: all frames that come in, and none of those
/// that go out.
#[derive(Debug)]
pub struct RawSocket {
    /// A packet socket in truth: std's type is used for the calls that all
    /// datagram sockets share (send, time-out), and closes it.
    socket: UdpSocket,
}

impl RawSocket {
    /// Opens a socket on a device of a namespace.
    pub fn open(namespace: &Namespace, device: &str) -> Self {
        namespace
            .run(|| open_on(device))
            .unwrap_or_else(|error| panic!("cannot open a packet socket on {device}: {error}"))
    }

    /// Sends one frame, its Ethernet header included.
    pub fn send(&self, frame: &[u8]) {
        self.try_send(frame).unwrap_or_else(|error| panic!("cannot send a frame: {error}"));
    }

    /// Sends one frame where the device takes it: it may be down or gone.
    pub fn try_send(&self, frame: &[u8]) -> io::Result<()> {
        let sent = self.socket.send(frame)?;
        assert_eq!(sent, frame.len());
        Ok(())
    }

    /// The next frame that comes in; `None` when none does within `within`.
    pub fn receive(&self, within: Duration) -> Option<Vec<u8>> {
        self.set_patience(within);
        let mut frame = Vec::new();
        match self.receive_into(&mut frame) {
            Ok(()) => Some(frame),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => panic!("cannot receive a frame: {error}"),
        }
    }

    /// How long [`RawSocket::receive_into`] waits from now on; a millisecond at
    /// least.
    pub fn set_patience(&self, within: Duration) {
        // A time-out of zero would mean: wait for ever.
        let within = within.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(within)).expect("a time-out above zero is valid");
    }

    /// Puts the next frame that comes in into `frame`, in the place of what was
    /// there; an error of the kind `WouldBlock` when none comes in time.
    pub fn receive_into(&self, frame: &mut Vec<u8>) -> io::Result<()> {
        receive_from(&self.socket, frame)
    }

    /// Makes room for so many bytes of frames that wait to be received, their
    /// overhead in the kernel included: what finds none is lost.
    pub fn make_room(&self, bytes: u32) {
        let bytes = c_int::try_from(bytes).expect("less than two gibibytes");
        set_option(&self.socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes)
            .unwrap_or_else(|error| panic!("no room for {bytes} bytes of frames: {error}"));
    }

    /// Frames that were lost for want of room since this was last asked.
    pub fn take_overruns(&self) -> u64 {
        overruns(&self.socket)
            .unwrap_or_else(|error| panic!("a packet socket does not count: {error}"))
            .into()
    }

    /// Receives until `last` has come in, and gives all frames that `wanted`
    /// picks, in order, `last` excluded; panics when `last` does not come
    /// within `within`.
    pub fn receive_until(
        &self,
        last: &[u8],
        within: Duration,
        mut wanted: impl FnMut(&[u8]) -> bool,
    ) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + within;
        let mut picked = Vec::new();
        loop {
            let Some(frame) = self.receive(deadline.saturating_duration_since(Instant::now())) else {
                panic!("the last frame did not come within {within:?}; before it came {picked:02x?}");
            };
            if frame == last {
                return picked;
            }
            if wanted(&frame) {
                picked.push(frame);
            }
        }
    }
}

fn open_on(device: &str) -> io::Result<RawSocket> {
    let name = CString::new(device)?;
    let index = device_index(&name)?;
    // With protocol 0 it receives nothing until it is bound to its one device.
    // SAFETY: takes three integers and no memory of ours.
    let raw = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given us this descriptor, and nobody else has it.
    let owned = unsafe { OwnedFd::from_raw_fd(raw) };
    let socket = UdpSocket::from(owned);
    set_flag(&socket, libc::PACKET_AUXDATA)?;
    set_flag(&socket, libc::PACKET_IGNORE_OUTGOING)?;
    bind(&socket, index)?;
    Ok(RawSocket { socket })
}

fn device_index(name: &CStr) -> io::Result<c_int> {
    // SAFETY: the name ends in a zero byte and outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if index == 0 {
        return Err(io::Error::last_os_error());
    }
    c_int::try_from(index).map_err(io::Error::other)
}

fn set_flag(socket: &UdpSocket, option: c_int) -> io::Result<()> {
    set_option(socket, libc::SOL_PACKET, option, 1)
}

fn set_option(socket: &UdpSocket, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the options that are set here are ints, and pointer and length
    // are of one that outlives the call.
    let set = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), len_of::<c_int>())
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What `PACKET_STATISTICS` says was dropped; asking sets it back to zero.
fn overruns(socket: &UdpSocket) -> io::Result<u32> {
    let mut stats = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut len = len_of::<libc::tpacket_stats>();
    // SAFETY: the option is a `tpacket_stats`, and pointer and length are of
    // one that outlives the call and is borrowed by nobody else.
    let got = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            (&raw mut stats).cast(),
            &raw mut len,
        )
    };
    if got == 0 { Ok(stats.tp_drops) } else { Err(io::Error::last_os_error()) }
}

fn bind(socket: &UdpSocket, index: c_int) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: half(libc::AF_PACKET),
        sll_protocol: half(libc::ETH_P_ALL).to_be(),
        sll_ifindex: index,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: pointer and length are of an address that outlives the call.
    let bound =
        unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len_of::<libc::sockaddr_ll>()) };
    if bound == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A constant of the kernel in the field that is meant for it.
fn half(constant: c_int) -> u16 {
    u16::try_from(constant).expect("constants of packet sockets have 16 bits")
}

fn len_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("addresses and options are short")
}

fn receive_from(socket: &UdpSocket, frame: &mut Vec<u8>) -> io::Result<()> {
    frame.resize(FRAME_MAX, 0);
    let mut control = [0_u64; CONTROL_MAX / 8];
    let mut part = libc::iovec { iov_base: frame.as_mut_ptr().cast::<c_void>(), iov_len: frame.len() };
    // SAFETY: a message header is integers and pointers, for which zero is valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast::<c_void>();
    message.msg_controllen = CONTROL_MAX;
    // SAFETY: every pointer in the header is to memory above, of the length
    // beside it, that outlives the call and is borrowed by nobody else.
    let len = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    frame.truncate(len);
    let mut message_bytes = [0; CONTROL_MAX];
    for (place, word) in message_bytes.chunks_exact_mut(8).zip(control) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    let control = message_bytes.get(..message.msg_controllen).unwrap_or_default();
    if let Some(tag) = stripped_tag(control) {
        frame.splice(12..12, tag);
    }
    Ok(())
}

/// The VLAN tag that the kernel took out of a frame, as it was on the wire:
/// from the one control message that a packet socket gets, a `cmsghdr` followed
/// by a `tpacket_auxdata` (`linux/if_packet.h`), both in host byte order.
fn stripped_tag(control: &[u8]) -> Option<[u8; 4]> {
    const HEADER_LEN: usize = size_of::<libc::cmsghdr>();
    const STATUS_AT: usize = HEADER_LEN;
    const TCI_AT: usize = HEADER_LEN + 16;
    const TPID_AT: usize = HEADER_LEN + 18;
    let half = |at: usize| Some(u16::from_ne_bytes(control.get(at..at + 2)?.try_into().ok()?));
    let status = u32::from_ne_bytes(control.get(STATUS_AT..STATUS_AT + 4)?.try_into().ok()?);
    if status & libc::TP_STATUS_VLAN_VALID == 0 {
        return None;
    }
    let [tpid_high, tpid_low] = half(TPID_AT)?.to_be_bytes();
    let [tci_high, tci_low] = half(TCI_AT)?.to_be_bytes();
    Some([tpid_high, tpid_low, tci_high, tci_low])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(status: u32, tci: u16, tpid: u16) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<libc::cmsghdr>()];
        bytes.extend(status.to_ne_bytes());
        bytes.extend([0; 12]);
        bytes.extend(tci.to_ne_bytes());
        bytes.extend(tpid.to_ne_bytes());
        bytes
    }

    #[test]
    fn puts_the_stripped_tag_back_as_it_was() {
        let valid = libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID;
        assert_eq!(stripped_tag(&control(valid, 0x2064, 0x88a8)), Some([0x88, 0xa8, 0x20, 0x64]));
    }

    #[test]
    fn invents_no_tag() {
        assert_eq!(stripped_tag(&control(0, 0, 0)), None);
        assert_eq!(stripped_tag(&[]), None);
    }
}
