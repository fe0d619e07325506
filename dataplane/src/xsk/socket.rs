//! An AF_XDP socket: one queue of one device, and the four rings to it.
//!
//! Frames go in and come out as values; descriptors never leave this folder. The
//! first socket registers the [`Umem`]; all others share it, each with FILL and
//! COMPLETION rings of its own, since every queue of every device needs them.
//!
//! What always holds: a chunk that went to the kernel is counted here until it
//! comes back, so [`Xsk::held`] is exact; the kernel never has more than FILL's
//! size for reception and TX's size for sending.

#![expect(unsafe_code, reason = "a chunk that the kernel gives back becomes a frame again")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::frame::{Frame, Piece};
use super::mapped::Mapped;
use super::ring::{Consumer, Producer};
use super::sys;
use super::{Interface, Pool, Umem, XskError, XskOptions, bind};

pub(super) use super::bind::Registration;

/// How packets get between the device and the [`Umem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The NIC writes and reads the memory itself.
    ZeroCopy,
    /// The kernel copies.
    Copy,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::ZeroCopy => "zero-copy",
            Self::Copy => "copy",
        })
    }
}

/// What the kernel counts for a socket (`XDP_STATISTICS`).
///
/// A packet that was steered to a socket of another queue is in none of these;
/// only the driver's own counters show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets dropped for lack of a chunk or of room, and other reasons.
    pub rx_dropped: u64,
    /// Packets dropped because RX was full.
    pub rx_ring_full: u64,
    /// Times a packet came and FILL was empty.
    pub fill_empty: u64,
    /// Descriptors on FILL that the kernel refused.
    pub rx_invalid: u64,
    /// Descriptors on TX that the kernel refused.
    pub tx_invalid: u64,
}

/// Whether the device behind a socket can carry packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// It can.
    Up,
    /// It is down; the socket works again when it comes up.
    Down,
    /// It has gone, and the socket will never work again.
    Gone,
}

/// The most pieces that the kernel takes for one packet: `MAX_SKB_FRAGS` and a head.
const PIECES_MAX: usize = 18;

/// A socket on one queue of one device.
pub struct Xsk<'u> {
    umem: &'u Umem,
    socket: Arc<OwnedFd>,
    rx: Consumer<Mapped<libc::xdp_desc>>,
    tx: Producer<Mapped<libc::xdp_desc>>,
    fill: Producer<Mapped<u64>>,
    completion: Consumer<Mapped<u64>>,
    options: XskOptions,
    mode: Mode,
    chunk_shift: u32,
    /// Chunks with the kernel for reception: on FILL, in its hands, or on RX.
    receiving: u32,
    /// Chunks with the kernel for sending: on TX, on their way, or on COMPLETION.
    sending: u32,
    /// The beginning of a jumbo packet whose end is not on RX yet.
    partial: Option<Frame<'u>>,
    /// Chunks that were sent, taken back while no pool was at hand.
    sent: Vec<u32>,
}

impl<'u> Xsk<'u> {
    /// Opens a socket on this queue.
    ///
    /// All sockets of a gateway share one `Umem`. Where `options` leave the mode
    /// open, zero-copy is tried first; [`mode`](Self::mode) says what came of
    /// it. A queue that another socket has only just left is waited for, up to
    /// a second.
    ///
    /// Packets come in once an XDP program redirects them here: put the socket
    /// ([`AsFd`]) into its map at the queue's own number.
    pub fn bind(
        interface: &Interface,
        queue: u32,
        umem: &'u Umem,
        options: &XskOptions,
    ) -> Result<Self, XskError> {
        let bound = bind::bind(interface, queue, umem, options)?;
        let sent = Vec::with_capacity(options.rings.tx as usize);
        let bind::Bound { socket, rx, tx, fill, completion, mode } = bound;
        let chunk_shift = umem.layout().chunk_size.ilog2();
        let options = *options;
        let (receiving, sending, partial) = (0, 0, None);
        Ok(Self {
            umem,
            socket,
            rx,
            tx,
            fill,
            completion,
            options,
            mode,
            chunk_shift,
            receiving,
            sending,
            partial,
            sent,
        })
    }

    /// What the kernel agreed to.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Its memory.
    pub fn umem(&self) -> &'u Umem {
        self.umem
    }

    /// Chunks in the hands of this socket and of the kernel behind it.
    pub fn held(&self) -> usize {
        let partial = self.partial.as_ref().map_or(0, Frame::chunk_count);
        self.receiving as usize + self.sending as usize + self.sent.len() + partial
    }

    /// The next packet that has come in. Its room on RX is given back by
    /// [`release`](Self::release).
    pub fn receive(&mut self) -> Option<Frame<'u>> {
        loop {
            let descriptor = self.rx.pop()?;
            let piece = self.take_in(descriptor);
            let ends = descriptor.options & libc::XDP_PKT_CONTD == 0;
            let Some(mut packet) = self.partial.take() else {
                if ends {
                    return Some(piece);
                }
                self.partial = Some(piece);
                continue;
            };
            packet.append(piece);
            if ends {
                return Some(packet);
            }
            self.partial = Some(packet);
        }
    }

    /// Gives the kernel back the room on RX of what was received.
    pub fn release(&mut self) {
        self.rx.release();
    }

    /// Hands the kernel free chunks to receive into, up to FILL's size, but
    /// leaves `reserve` in the pool. Wakes the kernel if it asks.
    ///
    /// # Panics
    /// When the pool is of another `Umem`.
    pub fn refill(&mut self, pool: &mut Pool<'u>, reserve: usize) {
        /// Chunks are handed over by the cache line of FILL: eight of them, twice.
        const BATCH: u32 = 16;
        assert!(std::ptr::eq(pool.umem(), self.umem), "a socket is fed from its own Umem");
        let missing = self.options.rings.fill - self.receiving;
        if missing >= BATCH {
            let spare = u32::try_from(pool.free_len().saturating_sub(reserve)).unwrap_or(u32::MAX);
            for _ in 0..missing.min(spare).min(self.fill.room(missing)) {
                let Some(chunk) = pool.take_chunk() else { break };
                let pushed = self.fill.push(u64::from(chunk) << self.chunk_shift);
                assert!(pushed, "there was room on FILL");
                self.receiving += 1;
            }
            self.fill.publish();
        }
        if self.options.need_wakeup && self.fill.needs_wakeup() {
            // Nothing depends on it: while the flag stays, the next call asks again.
            let _ = sys::wake_fill(self.socket.as_fd());
        }
    }

    /// Whether the kernel would take this packet at all, room apart.
    pub fn accepts(&self, frame: &Frame<'u>) -> bool {
        if frame.is_contiguous() {
            return !frame.is_empty();
        }
        // A descriptor of no bytes is refused, and its chunk would be lost.
        self.options.scatter_gather
            && frame.chunk_count() <= PIECES_MAX
            && frame.parts().all(|part| !part.is_empty())
    }

    /// Puts a packet on TX, where nobody sees it before
    /// [`transmit`](Self::transmit); gives it back when there is no room.
    ///
    /// # Panics
    /// When the packet is of another `Umem`, or is not one that the socket
    /// [`accepts`](Self::accepts).
    pub fn queue(&mut self, frame: Frame<'u>) -> Result<(), Frame<'u>> {
        assert!(frame.is_of(self.umem), "a packet is sent from its own Umem");
        assert!(self.accepts(&frame), "no packet that the kernel would refuse");
        let pieces = if frame.is_contiguous() { 1 } else { frame.chunk_count() };
        #[expect(clippy::cast_possible_truncation, reason = "no more than PIECES_MAX, as just asserted")]
        let pieces = pieces as u32;
        let allowed = self.options.rings.tx.saturating_sub(self.sending);
        if pieces > allowed || pieces > self.tx.room(pieces) {
            return Err(frame);
        }
        let mut left = pieces;
        for Piece { chunk, offset, len } in frame.into_pieces() {
            left -= 1;
            let addr = (u64::from(chunk) << self.chunk_shift) + u64::from(offset);
            let options = if left == 0 { 0 } else { libc::XDP_PKT_CONTD };
            let pushed = self.tx.push(libc::xdp_desc { addr, len, options });
            assert!(pushed, "there was room on TX");
        }
        self.sending += pieces;
        Ok(())
    }

    /// Shows the kernel what was queued, and makes it look if it asks for that.
    ///
    /// In copy mode the kernel sends within this call, and only so many packets
    /// at a time: it is called until it makes no more progress. What is left then
    /// goes out at the next call; so call this after each burst, queued or not.
    pub fn transmit(&mut self) {
        self.tx.publish();
        loop {
            let before = self.tx.unconsumed();
            if before == 0 || (self.options.need_wakeup && !self.tx.needs_wakeup()) {
                return;
            }
            // EAGAIN: it has sent its fill of packets and wants to be called
            // again. EBUSY, ENOBUFS: the device, or the socket's send buffer, is
            // full for now. ENETDOWN, ENXIO: see `device`. What the ring says is
            // the same in all cases, and it is what counts.
            let _ = sys::wake_tx(self.socket.as_fd());
            if self.mode == Mode::ZeroCopy || self.tx.unconsumed() == before {
                return;
            }
        }
    }

    /// Takes back the chunks that have been sent.
    ///
    /// # Panics
    /// When the pool is of another `Umem`.
    pub fn reap(&mut self, pool: &mut Pool<'u>) {
        assert!(std::ptr::eq(pool.umem(), self.umem), "chunks go back to their own Umem");
        for chunk in self.sent.drain(..) {
            pool.put_chunk(chunk);
        }
        while let Some(chunk) = self.completed() {
            pool.put_chunk(chunk);
        }
        self.completion.release();
    }

    /// Takes back what has been sent while no pool is at hand, so that there is
    /// room to queue more.
    pub fn reap_aside(&mut self) {
        // As large as TX, so that it never grows.
        while self.sent.len() < self.sent.capacity() {
            let Some(chunk) = self.completed() else { break };
            self.sent.push(chunk);
        }
        self.completion.release();
    }

    /// What the kernel has counted.
    pub fn statistics(&self) -> io::Result<Statistics> {
        let kernel: libc::xdp_statistics =
            sys::option(self.socket.as_fd(), libc::SOL_XDP, libc::XDP_STATISTICS)?;
        Ok(Statistics {
            rx_dropped: kernel.rx_dropped,
            rx_ring_full: kernel.rx_ring_full,
            fill_empty: kernel.rx_fill_ring_empty_descs,
            rx_invalid: kernel.rx_invalid_descs,
            tx_invalid: kernel.tx_invalid_descs,
        })
    }

    /// Whether its device still carries packets: a system call, for now and then.
    pub fn device(&self) -> DeviceState {
        match sys::wake_fill(self.socket.as_fd()).map_err(|error| error.raw_os_error()) {
            Err(Some(libc::ENXIO | libc::ENODEV)) => DeviceState::Gone,
            Err(Some(libc::ENETDOWN)) => DeviceState::Down,
            _ => DeviceState::Up,
        }
    }

    /// The frame for a descriptor off RX.
    fn take_in(&mut self, descriptor: libc::xdp_desc) -> Frame<'u> {
        let piece = self.piece(descriptor.addr, descriptor.len);
        assert!(self.receiving > 0, "the kernel returns no more chunks than it got");
        self.receiving -= 1;
        // SAFETY: the kernel gives a chunk back once, after we gave it up to it,
        // and `piece` has checked that it lies within the memory.
        unsafe { Frame::from_piece(self.umem, piece) }
    }

    /// The next chunk off COMPLETION.
    fn completed(&mut self) -> Option<u32> {
        let addr = self.completion.pop()?;
        assert!(self.sending > 0, "the kernel returns no more chunks than it got");
        self.sending -= 1;
        Some(self.piece(addr, 0).chunk)
    }

    /// Where the kernel says that bytes lie.
    fn piece(&self, addr: u64, len: u32) -> Piece {
        let chunk_size = self.umem.layout().chunk_size;
        let offset = addr & u64::from(chunk_size - 1);
        let chunk = addr >> self.chunk_shift;
        assert!(
            chunk < u64::from(self.umem.layout().chunks) && offset + u64::from(len) <= u64::from(chunk_size),
            "the kernel returns what it got, not {len} bytes at {addr:#x}"
        );
        #[expect(clippy::cast_possible_truncation, reason = "just checked against two u32")]
        Piece { chunk: chunk as u32, offset: offset as u32, len }
    }
}

impl AsFd for Xsk<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Xsk<'_> {
    fn drop(&mut self) {
        for chunk in self.sent.drain(..) {
            self.umem.give_back(chunk);
        }
        // The kernel, or a NIC, may use the others for a while after the socket
        // is closed, and nothing tells when it has stopped: nobody else may have
        // them. (It cannot hurt another: the kernel holds the pages themselves.)
        self.umem.write_off(self.receiving as usize + self.sending as usize);
    }
}

impl std::fmt::Debug for Xsk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Xsk")
            .field("mode", &self.mode)
            .field("receiving", &self.receiving)
            .field("sending", &self.sending)
            .finish_non_exhaustive()
    }
}
