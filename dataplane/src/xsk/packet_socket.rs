//! Packet sockets (packet(7)): a copy of every packet of an interface, while the
//! interface's own traffic goes on untouched.
//!
//! Packets are received straight into the chunks of frames, many with one call.
//! The kernel takes the outermost VLAN tag out of a frame and hands it over
//! beside the bytes; it is put back here, so that a frame is what was on the
//! wire.

#![expect(unsafe_code, reason = "packet sockets have no safe binding")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "constants of kernel headers, sizes of small structures"
)]

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use super::{Frame, Interface, XskError, sys};

/// Packets received with one call.
pub const RECEIVE_MAX: usize = 64;

/// What the kernel is asked to queue for us. It doubles this, and charges about
/// 2.3 KiB for a full-size packet: some 14,000 of them, 17 ms of a 10 Gbit/s line.
const KERNEL_QUEUE_BYTES: c_int = 16 << 20;

/// The two Ethernet addresses, before the place of a VLAN tag.
const TAG_AT: usize = 12;

/// What 802.1Q and 802.1ad put into a frame.
const TAG_LEN: usize = 4;

/// Room for one control message with a `tpacket_auxdata` (36 bytes), in units
/// that align it.
type Control = [u64; 5];

const _: () = assert!(size_of::<libc::cmsghdr>() == 16, "a control message as 64-bit kernels lay it out");

/// A socket that sees every packet of one interface, in both directions.
#[derive(Debug)]
pub struct PacketSocket {
    socket: OwnedFd,
    interface: Interface,
    hardware: u16,
    /// Drops that the kernel has told of so far.
    dropped: Cell<u64>,
}

/// What is known of a received packet beside its frame's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// How long it was, a tag that was put back included.
    pub wire_len: u32,
}

/// Which packets of an interface a socket gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All.
    All,
    /// Its part of the flows, in a new group that others can join.
    Found,
    /// Its part of the flows, in the group with this number.
    Join(u16),
}

impl PacketSocket {
    /// Opens a socket on an interface, which is in promiscuous mode as long as
    /// the socket lives. Needs `CAP_NET_RAW`.
    pub fn open(interface: &str, share: Share) -> Result<Self, XskError> {
        let interface = Interface::by_name(interface)?;
        let refused = |what, source| XskError::Watch { interface: interface.name().to_owned(), what, source };
        let socket = sys::packet_socket()
            .map_err(|source| refused("open a packet socket (needs CAP_NET_RAW)", source))?;
        prepare(socket.as_fd(), &interface, share).map_err(|(what, source)| refused(what, source))?;
        let address: libc::sockaddr_ll =
            sys::bound_to(socket.as_fd()).map_err(|source| refused("ask for its hardware type", source))?;
        Ok(Self { socket, interface, hardware: address.sll_hatype, dropped: Cell::new(0) })
    }

    /// The interface, by the name that it had when it was opened.
    pub fn interface(&self) -> &str {
        self.interface.name()
    }

    /// Its hardware type: `ARPHRD_` in `linux/if_arp.h`.
    pub fn hardware(&self) -> u16 {
        self.hardware
    }

    /// Whether the interface is still there, whatever it is called by now: the
    /// kernel unbinds a socket from an interface that leaves its network
    /// namespace. No matter which namespace the caller is in.
    pub fn is_attached(&self) -> bool {
        let bound: io::Result<libc::sockaddr_ll> = sys::bound_to(self.socket.as_fd());
        bound.is_ok_and(|address| address.sll_ifindex == self.interface.index().cast_signed())
    }

    /// The number of the group that this socket shares an interface with.
    pub fn group(&self) -> io::Result<u16> {
        let group: c_uint = sys::option(self.socket.as_fd(), libc::SOL_PACKET, libc::PACKET_FANOUT)?;
        Ok((group & 0xffff) as u16)
    }

    /// Packets that the kernel dropped, ever, because we did not take them in
    /// time.
    pub fn dropped(&self) -> u64 {
        let since: io::Result<libc::tpacket_stats> =
            sys::option(self.socket.as_fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS);
        // The kernel starts over at zero with each question.
        if let Ok(since) = since {
            self.dropped.set(self.dropped.get() + u64::from(since.tp_drops));
        }
        self.dropped.get()
    }

    /// Receives what there is into `frames`, up to [`RECEIVE_MAX`], and sets
    /// their lengths; gives how many were used. The others keep their chunks,
    /// but not their bytes. Zero when nothing has come in.
    ///
    /// Of a packet longer than its frame the beginning is there, and `received`
    /// tells how long it was.
    pub fn receive(
        &mut self,
        frames: &mut [Frame<'_>],
        received: &mut [Received; RECEIVE_MAX],
    ) -> io::Result<usize> {
        let mut controls: [Control; RECEIVE_MAX] = [[0; 5]; RECEIVE_MAX];
        let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; RECEIVE_MAX];
        // SAFETY: message headers are integers and pointers, for which zero is valid.
        let mut messages: [libc::mmsghdr; RECEIVE_MAX] = unsafe { std::mem::zeroed() };
        let mut asked = 0;
        let places = messages.iter_mut().zip(&mut parts).zip(&mut controls);
        for (frame, ((message, part), control)) in frames.iter_mut().zip(places) {
            frame.set_len(frame.capacity());
            let bytes = frame.bytes_mut();
            *part = libc::iovec { iov_base: bytes.as_mut_ptr().cast::<c_void>(), iov_len: bytes.len() };
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_control = control.as_mut_ptr().cast::<c_void>();
            message.msg_hdr.msg_controllen = size_of::<Control>();
            asked += 1;
        }
        // SAFETY: the first `asked` headers point to parts, controls and the bytes
        // of frames, each of the length beside it; all outlive the call, and
        // nobody else looks at them while it runs.
        let count = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                messages.as_mut_ptr(),
                asked,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let Ok(count) = usize::try_from(count) else {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::WouldBlock { Ok(0) } else { Err(error) };
        };
        let seen = messages.iter().zip(&controls).zip(received);
        for (frame, ((message, control), received)) in frames.iter_mut().zip(seen).take(count) {
            let len = message.msg_len as usize;
            frame.set_len(len.min(frame.capacity()));
            let beside = if message.msg_hdr.msg_controllen > 0 { Auxiliary::read(control) } else { None };
            let Auxiliary { wire_len, tag } =
                beside.unwrap_or(Auxiliary { wire_len: message.msg_len, tag: None });
            let tagged = tag.is_some_and(|tag| put_back(frame, tag));
            received.wire_len = wire_len + if tagged { TAG_LEN as u32 } else { 0 };
        }
        Ok(count)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What the kernel tells beside a packet's bytes.
#[derive(Debug, PartialEq, Eq)]
struct Auxiliary {
    wire_len: u32,
    /// The tag that it took out, as it was on the wire.
    tag: Option<[u8; TAG_LEN]>,
}

impl Auxiliary {
    /// Reads the one control message that a packet socket gets with
    /// `PACKET_AUXDATA`: a `cmsghdr` (16 bytes), then a `tpacket_auxdata`
    /// (`linux/if_packet.h`), all in host byte order.
    fn read(control: &Control) -> Option<Self> {
        let &[len, level_and_kind, status_and_len, _, tag] = control;
        let [l0, l1, l2, l3, k0, k1, k2, k3] = level_and_kind.to_ne_bytes();
        let level = i32::from_ne_bytes([l0, l1, l2, l3]);
        let kind = i32::from_ne_bytes([k0, k1, k2, k3]);
        if len < 36 || (level, kind) != (libc::SOL_PACKET, libc::PACKET_AUXDATA) {
            return None;
        }
        let [s0, s1, s2, s3, w0, w1, w2, w3] = status_and_len.to_ne_bytes();
        let status = u32::from_ne_bytes([s0, s1, s2, s3]);
        let wire_len = u32::from_ne_bytes([w0, w1, w2, w3]);
        let [t0, t1, p0, p1, ..] = tag.to_ne_bytes();
        if status & libc::TP_STATUS_VLAN_VALID == 0 {
            return Some(Self { wire_len, tag: None });
        }
        // Kernels before 3.14 do not say which kind of tag it was.
        let known = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
        let protocol = if known { u16::from_ne_bytes([p0, p1]) } else { libc::ETH_P_8021Q as u16 };
        let [p0, p1] = protocol.to_be_bytes();
        let [t0, t1] = u16::from_ne_bytes([t0, t1]).to_be_bytes();
        Some(Self { wire_len, tag: Some([p0, p1, t0, t1]) })
    }
}

/// Puts a VLAN tag back after the addresses; what then is beyond the frame's end
/// is cut. `false` when there are no two addresses to put it after.
fn put_back(frame: &mut Frame<'_>, tag: [u8; TAG_LEN]) -> bool {
    let len = frame.len();
    if len < TAG_AT {
        return false;
    }
    frame.set_len((len + TAG_LEN).min(frame.capacity()));
    let kept = frame.len();
    let bytes = frame.bytes_mut();
    if kept >= TAG_AT + TAG_LEN {
        bytes.copy_within(TAG_AT..kept - TAG_LEN, TAG_AT + TAG_LEN);
    }
    if let Some(place) = bytes.get_mut(TAG_AT..TAG_AT + TAG_LEN) {
        place.copy_from_slice(&tag);
    }
    true
}

/// Sets the options, binds, and joins the group; only then packets come.
fn prepare(
    socket: BorrowedFd<'_>,
    interface: &Interface,
    share: Share,
) -> Result<(), (&'static str, io::Error)> {
    let on: c_int = 1;
    sys::set_option(socket, libc::SOL_PACKET, libc::PACKET_AUXDATA, &on)
        .map_err(|error| ("ask for VLAN tags", error))?;
    // Beyond the system's limit only with CAP_NET_ADMIN; else as much as is allowed.
    if sys::set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &KERNEL_QUEUE_BYTES).is_err() {
        let _ = sys::set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, &KERNEL_QUEUE_BYTES);
    }
    let index = interface.index().cast_signed();
    let promiscuous = libc::packet_mreq {
        mr_ifindex: index,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    sys::set_option(socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &promiscuous)
        .map_err(|error| ("make it promiscuous", error))?;
    let every_packet = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: index,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let bind = || sys::bind(socket, &every_packet).map_err(|error| ("bind to it", error));
    let group = match share {
        Share::All => return bind(),
        Share::Found => libc::PACKET_FANOUT_FLAG_UNIQUEID << 16,
        Share::Join(group) => c_uint::from(group),
    };
    // Only a bound socket can join: until it has, a filter that takes nothing
    // keeps the flows of the others out.
    sys::shut_out(socket).map_err(|error| ("attach a filter", error))?;
    bind()?;
    let fanout = group | libc::PACKET_FANOUT_HASH << 16;
    sys::set_option(socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &fanout)
        .map_err(|error| ("share it among workers", error))?;
    sys::set_option(socket, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &on)
        .map_err(|error| ("detach a filter", error))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::xsk::{Layout, Umem};

    fn control(status: u32, wire_len: u32, tci: u16, protocol: u16) -> Control {
        let mut bytes = Vec::new();
        bytes.extend(36_u64.to_ne_bytes());
        bytes.extend(libc::SOL_PACKET.to_ne_bytes());
        bytes.extend(libc::PACKET_AUXDATA.to_ne_bytes());
        bytes.extend(status.to_ne_bytes());
        bytes.extend(wire_len.to_ne_bytes());
        bytes.extend([0xee; 8]); // The length that was kept, and two offsets.
        bytes.extend(tci.to_ne_bytes());
        bytes.extend(protocol.to_ne_bytes());
        bytes.extend([0; 4]);
        let mut words = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap()));
        std::array::from_fn(|_| words.next().unwrap())
    }

    #[test]
    fn reads_the_tag_that_the_kernel_took_out() {
        let (tag, kind) = (libc::TP_STATUS_VLAN_VALID, libc::TP_STATUS_VLAN_TPID_VALID);
        for (control, wire_len, tag) in [
            (control(0, 60, 1, 2), 60, None),
            (control(tag | kind, 61, 0x2064, 0x88a8), 61, Some([0x88, 0xa8, 0x20, 0x64])),
            (control(tag, 62, 0x0005, 0), 62, Some([0x81, 0x00, 0x00, 0x05])),
        ] {
            assert_eq!(Auxiliary::read(&control), Some(Auxiliary { wire_len, tag }));
        }
        assert_eq!(Auxiliary::read(&[0; 5]), None);
    }

    #[test]
    fn puts_a_tag_back_where_it_was() {
        let mut umem = Umem::new(Layout { chunks: 1, chunk_size: 84, headroom: 64 }).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let mut frame = pool.take().unwrap();
        for (before, after) in [
            (&b"ddddddssssssTTp"[..], &b"ddddddssssss1234TTp"[..]),
            (b"ddddddssssss", b"ddddddssssss1234"),
            (b"ddddddssssssTTpayload", b"ddddddssssss1234TTpa"),
        ] {
            let fits = before.get(..20).unwrap_or(before);
            assert!(frame.fill(fits));
            assert!(put_back(&mut frame, *b"1234"));
            assert_eq!(frame.bytes(), after);
        }
        assert!(frame.fill(b"no ethernet"));
        assert!(!put_back(&mut frame, *b"1234"));
        assert_eq!(frame.bytes(), b"no ethernet");
    }

    #[test]
    fn says_which_interface_is_not_there() {
        for name in ["no-such-if0", "a-name-longer-than-any-interface", "nul\0"] {
            let error = PacketSocket::open(name, Share::All).unwrap_err().to_string();
            assert!(error.starts_with(&format!("no interface {name} in this network namespace")), "{error}");
        }
    }
}
