//! From nothing to a bound socket with mapped rings.

#![expect(unsafe_code, reason = "a ring's memory is claimed for one producer or consumer")]

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::mapped::Mapped;
use super::ring::{Consumer, Producer};
use super::socket::Mode;
use super::sys;
use super::{Interface, Umem, XskError, XskOptions, ZeroCopy};

/// A socket that registered a [`Umem`], or shares one.
pub(super) struct Registration {
    socket: Weak<OwnedFd>,
    mode: Mode,
    /// What all sockets that share a registration have in common.
    flags: u16,
}

/// What binding makes.
pub(super) struct Bound {
    pub(super) socket: Arc<OwnedFd>,
    pub(super) rx: Consumer<Mapped<libc::xdp_desc>>,
    pub(super) tx: Producer<Mapped<libc::xdp_desc>>,
    pub(super) fill: Producer<Mapped<u64>>,
    pub(super) completion: Consumer<Mapped<u64>>,
    pub(super) mode: Mode,
}

/// The kernel's own room before a packet, before any that is asked for.
const XDP_PACKET_HEADROOM: u32 = 256;

/// Of `SOL_XDP`, in recent kernels only: packets that one `sendto` sends in copy mode.
const XDP_MAX_TX_SKB_BUDGET: libc::c_int = 9;

#[expect(clippy::cast_possible_truncation, reason = "44, in an int in one place and a u16 in the other")]
const FAMILY: u16 = libc::AF_XDP as u16;

/// Binds a new socket to this queue.
pub(super) fn bind(
    interface: &Interface,
    queue: u32,
    umem: &Umem,
    options: &XskOptions,
) -> Result<Bound, XskError> {
    check(interface, queue, umem, options)?;
    let attempt = Attempt { interface, queue, umem, options };
    // One queue is bound after the other, so the list cannot change below us.
    let mut registered = umem.registered();
    registered.retain(|registration| registration.socket.strong_count() > 0);
    let shared = |mode| {
        registered
            .iter()
            .find(|other| other.mode == mode && other.flags == options.flags())
            .and_then(|other| other.socket.upgrade())
    };
    let (zero_copy, copy) = (shared(Mode::ZeroCopy), shared(Mode::Copy));
    let bound = match (options.zero_copy, zero_copy, copy) {
        (ZeroCopy::On, Some(other), _) => attempt.share(&other, Mode::ZeroCopy)?,
        (ZeroCopy::On, None, _) => attempt.register(&[Mode::ZeroCopy])?,
        (ZeroCopy::Off, _, Some(other)) | (ZeroCopy::Auto, None, Some(other)) => {
            attempt.share(&other, Mode::Copy)?
        }
        (ZeroCopy::Off, _, None) => attempt.register(&[Mode::Copy])?,
        (ZeroCopy::Auto, None, None) => attempt.register(&[Mode::ZeroCopy, Mode::Copy])?,
        // Two devices, of which only the first can do without copying: the same
        // memory is then registered twice, once for each mode.
        (ZeroCopy::Auto, Some(other), copy) => match (attempt.share(&other, Mode::ZeroCopy), copy) {
            (Err(error), _) if !is_about_mode(&error) => return Err(error),
            (Err(_), Some(other)) => attempt.share(&other, Mode::Copy)?,
            (Err(_), None) => attempt.register(&[Mode::Copy])?,
            (Ok(bound), _) => bound,
        },
    };
    registered.push(Registration {
        socket: Arc::downgrade(&bound.socket),
        mode: bound.mode,
        flags: options.flags(),
    });
    Ok(bound)
}

/// Refuses what the kernel would refuse with less to say, or would lose
/// packets over in silence.
fn check(interface: &Interface, queue: u32, umem: &Umem, options: &XskOptions) -> Result<(), XskError> {
    options.rings.check()?;
    let layout = umem.layout();
    let room = layout.chunk_size.saturating_sub(layout.headroom.max(XDP_PACKET_HEADROOM));
    if !matches!(layout.chunk_size, 2048 | 4096) || room == 0 {
        return Err(XskError::ChunkSize { chunk_size: layout.chunk_size });
    }
    match interface.rx_queues()? {
        Some(queues) if queue >= queues => {
            Err(XskError::NoSuchQueue { interface: interface.name().to_owned(), queue, queues })
        }
        _ => Ok(()),
    }
}

/// Whether another mode may help. Drivers refuse zero-copy with many errors;
/// these say that no mode would do.
fn is_about_mode(error: &XskError) -> bool {
    let XskError::Bind { source, .. } = error else { return false };
    !matches!(
        source.raw_os_error(),
        Some(libc::EBUSY | libc::EPERM | libc::EACCES | libc::ENODEV | libc::ENETDOWN)
    )
}

/// One call of [`bind`].
struct Attempt<'a> {
    interface: &'a Interface,
    queue: u32,
    umem: &'a Umem,
    options: &'a XskOptions,
}

impl Attempt<'_> {
    /// With a registration of our own, in the first of these modes that the
    /// driver can do.
    fn register(&self, modes: &[Mode]) -> Result<Bound, XskError> {
        let socket = sys::xdp_socket().map_err(|source| XskError::Open { source })?;
        let layout = self.umem.layout();
        let bytes = self.umem.area().len();
        let registration = libc::xdp_umem_reg {
            addr: self.umem.area().base().as_ptr() as u64,
            len: bytes as u64,
            chunk_size: layout.chunk_size,
            headroom: layout.headroom.saturating_sub(XDP_PACKET_HEADROOM),
            flags: 0,
            tx_metadata_len: 0,
        };
        sys::set_option(socket.as_fd(), libc::SOL_XDP, libc::XDP_UMEM_REG, &registration)
            .map_err(|source| XskError::Register { bytes, source })?;
        self.prepare(&socket)?;
        let mut refused = None;
        for &mode in modes {
            let flags = self.options.flags()
                | match mode {
                    Mode::ZeroCopy => libc::XDP_ZEROCOPY,
                    Mode::Copy => libc::XDP_COPY,
                };
            match self.bind_patiently(&socket, flags, None, mode) {
                Ok(()) => return self.finish(socket),
                Err(error) if !is_about_mode(&error) => return Err(error),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| self.failed("bind in no mode", io::ErrorKind::InvalidInput.into())))
    }

    /// With the registration of another socket, whose mode and flags are ours too.
    fn share(&self, other: &OwnedFd, mode: Mode) -> Result<Bound, XskError> {
        let socket = sys::xdp_socket().map_err(|source| XskError::Open { source })?;
        self.prepare(&socket)?;
        self.bind_patiently(&socket, libc::XDP_SHARED_UMEM, Some(other), mode)?;
        self.finish(socket)
    }

    /// Makes the four rings.
    fn prepare(&self, socket: &OwnedFd) -> Result<(), XskError> {
        let rings = &self.options.rings;
        for (option, entries, step) in [
            (libc::XDP_UMEM_FILL_RING, rings.fill, "make the FILL ring"),
            (libc::XDP_UMEM_COMPLETION_RING, rings.completion, "make the COMPLETION ring"),
            (libc::XDP_RX_RING, rings.rx, "make the RX ring"),
            (libc::XDP_TX_RING, rings.tx, "make the TX ring"),
        ] {
            sys::set_option(socket.as_fd(), libc::SOL_XDP, option, &entries)
                .map_err(|source| self.failed(step, source))?;
        }
        // As much as TX holds, so that one call drains it. Kernels that do not
        // know the option are called repeatedly instead.
        let _ = sys::set_option(socket.as_fd(), libc::SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &rings.tx);
        Ok(())
    }

    /// Binds, and waits for a queue that its last socket has not left entirely:
    /// the kernel takes 12 to 43 ms to clean up after a close.
    fn bind_patiently(
        &self,
        socket: &OwnedFd,
        flags: u16,
        shared: Option<&OwnedFd>,
        mode: Mode,
    ) -> Result<(), XskError> {
        /// 4, 8, ... 512 ms: a second in all.
        const LONGEST: Duration = Duration::from_millis(512);
        let descriptor = shared.map_or(Ok(0), |other| u32::try_from(other.as_raw_fd()));
        let address = libc::sockaddr_xdp {
            sxdp_family: FAMILY,
            sxdp_flags: flags,
            sxdp_ifindex: self.interface.index(),
            sxdp_queue_id: self.queue,
            sxdp_shared_umem_fd: descriptor.unwrap_or_default(),
        };
        let mut pause = Duration::from_millis(4);
        loop {
            let Err(source) = sys::bind(socket.as_fd(), &address) else { return Ok(()) };
            if source.raw_os_error() != Some(libc::EBUSY) || pause > LONGEST {
                let interface = self.interface.name().to_owned();
                return Err(XskError::Bind { interface, queue: self.queue, mode, source });
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
    }

    /// Maps the rings of a bound socket and asks what mode it is in.
    fn finish(&self, socket: OwnedFd) -> Result<Bound, XskError> {
        let fd = socket.as_fd();
        let offsets: libc::xdp_mmap_offsets = sys::option(fd, libc::SOL_XDP, libc::XDP_MMAP_OFFSETS)
            .map_err(|source| self.failed("read the layout of the rings", source))?;
        let rings = &self.options.rings;
        let unmapped = |source| self.failed("map the rings", source);
        let page = |offset: u64| libc::off_t::try_from(offset).unwrap_or(libc::off_t::MAX);
        let rx = Mapped::new(fd, libc::XDP_PGOFF_RX_RING, &offsets.rx, rings.rx).map_err(unmapped)?;
        let tx = Mapped::new(fd, libc::XDP_PGOFF_TX_RING, &offsets.tx, rings.tx).map_err(unmapped)?;
        let fill_at = page(libc::XDP_UMEM_PGOFF_FILL_RING);
        let fill = Mapped::new(fd, fill_at, &offsets.fr, rings.fill).map_err(unmapped)?;
        let completion_at = page(libc::XDP_UMEM_PGOFF_COMPLETION_RING);
        let completion = Mapped::new(fd, completion_at, &offsets.cr, rings.completion).map_err(unmapped)?;
        let kernel: libc::xdp_options = sys::option(fd, libc::SOL_XDP, libc::XDP_OPTIONS)
            .map_err(|source| self.failed("read its mode", source))?;
        let mode = if kernel.flags & libc::XDP_OPTIONS_ZEROCOPY == 0 { Mode::Copy } else { Mode::ZeroCopy };
        Ok(Bound {
            // SAFETY: a fresh socket's ring, mapped once; the kernel is the other side.
            rx: unsafe { Consumer::new(rx) },
            // SAFETY: as above.
            tx: unsafe { Producer::new(tx) },
            // SAFETY: as above.
            fill: unsafe { Producer::new(fill) },
            // SAFETY: as above.
            completion: unsafe { Consumer::new(completion) },
            socket: Arc::new(socket),
            mode,
        })
    }

    fn failed(&self, step: &'static str, source: io::Error) -> XskError {
        XskError::Setup { interface: self.interface.name().to_owned(), queue: self.queue, step, source }
    }
}
