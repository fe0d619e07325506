//! The loader: one device, its copy of the program, its maps.
//!
//! Loading and attaching are two steps, so that the sockets of a new process
//! stand in the new program's map before that program sees a frame. Until then a
//! predecessor's program, if there is one, runs on with its own maps and, its
//! sockets being gone, in its fail mode.
//!
//! Each load makes fresh maps, which spares every question of whether an older
//! version's maps have the right shape; the counters alone are carried on, where
//! theirs has it.

use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aya::maps::xdp::{DevMap, XskMap};
use aya::maps::{Array, Map, MapData, MapError, MapType, PerCpuArray};
use aya::pin::PinError;
use aya::programs::{TestRun as _, TestRunOptions, Xdp};
use aya::{Ebpf, EbpfError, EbpfLoader, VerifierLogLevel};

use crate::error::errno;
use crate::heartbeat::{Heartbeat, Heartbeats, monotonic_ns};
use crate::link::{self, Found, PROGRAM};
use crate::pin::{self, PinDirectory};
use crate::reason::{REASONS_MAX, Reason};
use crate::{SteerError, interface, sys};

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/steer.bpf.o"));

/// How many receive queues a device may have; as in `steer.bpf.c`.
pub const QUEUES_MAX: u32 = 1024;

/// How often loading is tried where a signal has stopped the verifier.
const LOAD_ATTEMPTS: usize = 20;

/// `struct settings` of `steer.bpf.c`: fail mode, heartbeat limit in ns, room.
type Settings = [u64; 8];
/// `struct counters` of `steer.bpf.c`.
type Counters = [u64; REASONS_MAX];

/// What happens to frames that no living worker takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailMode {
    /// They go to the peer device, unjudged.
    #[default]
    Open,
    /// They are dropped.
    Closed,
}

/// Which way of attaching is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModeChoice {
    /// Native, and generic where the driver refuses.
    #[default]
    Auto,
    /// Native or not at all.
    Native,
    /// Generic, whatever the driver could.
    Generic,
}

impl ModeChoice {
    fn admits(self, mode: XdpMode) -> bool {
        match self {
            Self::Auto => true,
            Self::Native => mode == XdpMode::Native,
            Self::Generic => mode == XdpMode::Generic,
        }
    }
}

/// Where the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver, before the kernel has spent anything on the frame.
    Native,
    /// In the stack, on frames already copied into socket buffers: works with
    /// every driver, at a fraction of the speed.
    Generic,
}

impl XdpMode {
    pub(crate) fn flags(self) -> u32 {
        match self {
            Self::Native => sys::XDP_FLAGS_DRV_MODE,
            Self::Generic => sys::XDP_FLAGS_SKB_MODE,
        }
    }
}

impl fmt::Display for XdpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Generic => "generic",
        })
    }
}

/// How a device is to be steered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachOptions {
    /// The device, by its name in the network namespace of this thread.
    pub interface: String,
    /// The other device of the pair: where frames go that fail open.
    pub peer: String,
    /// What happens to frames that no living worker takes.
    pub fail: FailMode,
    /// Native or generic.
    pub mode: ModeChoice,
    /// The directory for pins ([`crate::PIN_DIRECTORY`]); without one the program
    /// ends with this process.
    pub pin: Option<PathBuf>,
    /// For how long a worker may be silent before its queue fails; `None` for
    /// ever. The program's clock ticks in 1 to 10 ms.
    pub heartbeat_limit: Option<Duration>,
}

/// How a device came to be steered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Where the program runs.
    pub mode: XdpMode,
    /// Whether it replaced the one that an earlier process had left pinned.
    pub took_over: bool,
}

/// What the program decides about one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Dropped because of a defect of the program.
    Aborted,
    /// Dropped.
    Drop,
    /// Handed to the stack of this host.
    Pass,
    /// Sent back out of the device it came from.
    Transmit,
    /// Sent to a socket or to another device.
    Redirect,
}

/// The program of one device.
///
/// Dropping it takes the program off the device, unless it is pinned.
pub struct Steer {
    options: AttachOptions,
    ebpf: Ebpf,
    heartbeats: Arc<Heartbeats>,
    pins: Option<PinDirectory>,
    continues_counters: bool,
    attached: Option<(OwnedFd, Attached)>,
}

impl Steer {
    /// Loads the program and its maps for a device. The device goes on as it was.
    pub fn load(options: AttachOptions) -> Result<Self, SteerError> {
        let interface = options.interface.as_str();
        interface::index(interface)?;
        let peer = interface::index(&options.peer)?;
        let pins = match &options.pin {
            Some(root) => Some(PinDirectory::prepare(root, interface)?),
            None => None,
        };
        let mut counters = None;
        if let Some(pins) = &pins {
            // Whatever stands against taking over is better said before work begins.
            link::find(interface, pins)?;
            counters = Some(pins.path_of("counters")).filter(|path| counts_alike(path));
        }
        let mut ebpf =
            load_object(counters.as_deref()).map_err(|error| SteerError::load(interface, error))?;
        let devices = ebpf.map_mut("peer").expect("the object has this map");
        DevMap::try_from(devices)
            .map_err(|error| SteerError::map(interface, "read the peer map", error))?
            .set(0, peer, None, 0)
            .map_err(|error| SteerError::map(interface, "set the peer device", error))?;
        let heartbeats = map_heartbeats(&ebpf)
            .map_err(|error| SteerError::map(interface, "map the heartbeats into memory", error))?;
        let (fail, limit) = (options.fail, options.heartbeat_limit);
        let heartbeats = Arc::new(heartbeats);
        let continues_counters = counters.is_some();
        let mut steer = Self { options, ebpf, heartbeats, pins, continues_counters, attached: None };
        steer.configure(fail, limit)?;
        Ok(steer)
    }

    /// Makes the program steer the device, from one frame to the next.
    ///
    /// Where an earlier process has left its program pinned, this one replaces
    /// it with no moment without either.
    pub fn attach(&mut self) -> Result<Attached, SteerError> {
        assert!(self.attached.is_none(), "a device is attached once");
        let interface = self.options.interface.clone();
        let (link, attached) = match self.take_over()? {
            Some(taken) => taken,
            None => self.attach_anew()?,
        };
        if attached.took_over {
            log::info!("{interface}: took over the pinned XDP program, {} mode", attached.mode);
        }
        let pinned = self.pin(link.as_fd(), attached);
        if let (Err(_), false, Some(pins)) = (&pinned, attached.took_over, &self.pins) {
            // The device had no program before and shall have none now.
            let _ = sys::link_detach(link.as_fd());
            let _ = pins.remove();
        }
        pinned?;
        self.attached = Some((link, attached));
        Ok(attached)
    }

    /// Registers the AF_XDP socket that is bound to `queue` of this device.
    ///
    /// Counts as the queue's first heartbeat. The entry goes by itself when the
    /// socket is closed.
    pub fn set_socket(&mut self, queue: u32, socket: BorrowedFd<'_>) -> Result<(), SteerError> {
        self.heartbeat(queue)?.beat(monotonic_ns());
        let failed = |error: MapError| SteerError::map(&self.options.interface, "register a socket", error);
        let map = self.ebpf.map_mut("sockets").expect("the object has this map");
        XskMap::try_from(map).map_err(failed)?.set(queue, socket, 0).map_err(failed)
    }

    /// Takes the socket of `queue` out, so that its frames fail as configured.
    pub fn clear_socket(&mut self, queue: u32) -> Result<(), SteerError> {
        self.heartbeat(queue)?;
        let failed = |error: MapError| SteerError::map(&self.options.interface, "clear a socket", error);
        let map = self.ebpf.map_mut("sockets").expect("the object has this map");
        XskMap::try_from(map).map_err(failed)?.unset(queue).map_err(failed)
    }

    /// The heartbeat of `queue`, for its worker to keep.
    pub fn heartbeat(&self, queue: u32) -> Result<Heartbeat, SteerError> {
        Heartbeat::new(&self.heartbeats, queue)
            .ok_or_else(|| SteerError::QueueBeyond { interface: self.options.interface.clone(), queue })
    }

    /// Says that the worker of `queue` was alive at `now_ns` ([`monotonic_ns`]).
    pub fn beat(&self, queue: u32, now_ns: u64) -> Result<(), SteerError> {
        self.heartbeat(queue)?.beat(now_ns);
        Ok(())
    }

    /// Changes what happens to frames that no living worker takes.
    pub fn configure(&mut self, fail: FailMode, limit: Option<Duration>) -> Result<(), SteerError> {
        let mut settings = Settings::default();
        settings[0] = u64::from(fail == FailMode::Closed);
        // 0 is "not looked at" to the program; its clock is a signed difference.
        let nanos = |limit: Duration| i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX).max(1);
        settings[1] = limit.map_or(0, nanos).cast_unsigned();
        let failed = |error: MapError| SteerError::map(&self.options.interface, "write the settings", error);
        let map = self.ebpf.map_mut("settings").expect("the object has this map");
        Array::<_, Settings>::try_from(map).map_err(failed)?.set(0, settings, 0).map_err(failed)?;
        self.options.fail = fail;
        self.options.heartbeat_limit = limit;
        Ok(())
    }

    /// The program's counters, summed over the processors. With pins they go on
    /// from where an earlier process left them.
    pub fn counters(&self) -> Result<Vec<(Reason, u64)>, SteerError> {
        let failed = |error: MapError| SteerError::map(&self.options.interface, "read the counters", error);
        let map = self.ebpf.map("counters").expect("the object has this map");
        let shares = PerCpuArray::<_, Counters>::try_from(map).map_err(failed)?.get(&0, 0).map_err(failed)?;
        let sum = |reason: Reason| shares.iter().map(|share| share[reason as usize]).sum();
        Ok(Reason::ALL.into_iter().map(|reason| (reason, sum(reason))).collect())
    }

    /// Where the program runs; `None` before it is attached.
    pub fn mode(&self) -> Option<XdpMode> {
        self.attached.as_ref().map(|(_, attached)| attached.mode)
    }

    /// The options as they now hold.
    pub fn options(&self) -> &AttachOptions {
        &self.options
    }

    /// What the program would do with `frame`, of 14 bytes or more, received on
    /// queue 0. The frame goes nowhere, but it is counted.
    pub fn test_run(&self, frame: &[u8]) -> Result<Action, SteerError> {
        let options = TestRunOptions { data_in: Some(frame), ..TestRunOptions::new() };
        let ran = self.program().test_run(options);
        let ran = ran.map_err(|error| SteerError::map(&self.options.interface, "run the program", error))?;
        Ok(match ran.return_value {
            1 => Action::Drop,
            2 => Action::Pass,
            3 => Action::Transmit,
            4 => Action::Redirect,
            // The kernel takes every other value for an error of the program.
            _ => Action::Aborted,
        })
    }

    /// Takes the program off the device before this returns, and removes pins.
    ///
    /// Where another process has taken the device over, nothing is touched.
    pub fn detach(mut self) -> Result<(), SteerError> {
        let Some((link, _)) = self.attached.take() else { return Ok(()) };
        let interface = &self.options.interface;
        let failed = |source| SteerError::Interface {
            interface: interface.clone(),
            action: "detach the XDP program",
            source,
        };
        let running = sys::link_info(link.as_fd()).map_err(failed)?.map(|info| info.program);
        if running != Some(self.program_id().map_err(failed)?) {
            log::info!("{interface}: another process has taken the device over; it is left alone");
            return Ok(());
        }
        sys::link_detach(link.as_fd()).map_err(failed)?;
        if let Some(pins) = &self.pins {
            pins.remove()?;
        }
        log::info!("{interface}: XDP program detached");
        Ok(())
    }

    fn program(&self) -> &Xdp {
        let program = self.ebpf.program(PROGRAM).expect("the object has this program");
        program.try_into().expect("it is in a section for XDP")
    }

    fn program_fd(&self) -> BorrowedFd<'_> {
        self.program().fd().expect("`load` has loaded it").as_fd()
    }

    fn program_id(&self) -> io::Result<u32> {
        sys::program_id(self.program_fd())
    }

    /// Replaces the program of the pinned link by this one, if there is such a
    /// link and its mode is one that is wanted.
    fn take_over(&self) -> Result<Option<(OwnedFd, Attached)>, SteerError> {
        let Some(pins) = &self.pins else { return Ok(None) };
        let interface = &self.options.interface;
        let failed = |source| SteerError::Replace { interface: interface.clone(), source };
        let (link, mode) = match link::find(interface, pins)? {
            Found::Live(link, mode) => (link, mode),
            Found::Defunct => {
                log::info!("{interface}: the pinned XDP program's device is gone; pinning anew");
                return Ok(None);
            }
            Found::Nothing => return Ok(None),
        };
        if !self.options.mode.admits(mode) {
            log::warn!(
                "{interface}: the pinned XDP program runs in {mode} mode; frames are lost while it is changed"
            );
            sys::link_detach(link.as_fd()).map_err(failed)?;
            return Ok(None);
        }
        sys::link_update(link.as_fd(), self.program_fd()).map_err(failed)?;
        Ok(Some((link, Attached { mode, took_over: true })))
    }

    fn attach_anew(&self) -> Result<(OwnedFd, Attached), SteerError> {
        let interface = &self.options.interface;
        let (link, mode, refusal) = link::create(interface, self.program_fd(), self.options.mode)?;
        match refusal {
            None => log::info!("{interface}: XDP program attached, {mode} mode"),
            Some(reason) => {
                log::info!(
                    "{interface}: XDP program attached, {mode} mode: the driver refuses native ({reason})"
                );
            }
        }
        Ok((link, Attached { mode, took_over: false }))
    }

    /// Pins the link, unless it is the one that is pinned, and the maps.
    fn pin(&self, link: BorrowedFd<'_>, attached: Attached) -> Result<(), SteerError> {
        let Some(pins) = &self.pins else { return Ok(()) };
        pins.create()?;
        if !attached.took_over {
            pins.replace(pin::LINK, |path| sys::pin(link, path))?;
        }
        for name in pin::MAPS {
            if name == "counters" && self.continues_counters {
                continue;
            }
            let map = self.ebpf.map(name).expect("the object has this map");
            pins.replace(name, |path| map.pin(path).map_err(to_io))?;
        }
        Ok(())
    }
}

impl Drop for Steer {
    fn drop(&mut self) {
        if let (None, Some((link, _))) = (&self.pins, &self.attached) {
            // Closing the link would do, but only once the last copy of its
            // descriptor is closed, and a child process may have one.
            let _ = sys::link_detach(link.as_fd());
        }
    }
}

/// A device may be handed to another thread, as a heartbeat is to its worker.
const _: () = {
    const fn sendable<T: Send>() {}
    sendable::<Steer>();
    sendable::<Heartbeat>();
};

/// Loads the program and fresh maps, but for the pinned `counters`.
fn load_object(counters: Option<&Path>) -> Result<Ebpf, EbpfError> {
    for _ in 0..LOAD_ATTEMPTS {
        match try_load_object(counters, VerifierLogLevel::STATS) {
            // The verifier gives up at any signal, and a busy process has many.
            Err(error) if errno(&error) == Some(libc::EAGAIN) => {}
            // Only now is the verifier's log wanted: writing it takes ten times
            // as long as verifying.
            Err(_) => break,
            loaded => return loaded,
        }
    }
    try_load_object(counters, VerifierLogLevel::default())
}

fn try_load_object(counters: Option<&Path>, level: VerifierLogLevel) -> Result<Ebpf, EbpfError> {
    let mut loader = EbpfLoader::new();
    loader.verifier_log_level(level);
    if let Some(path) = counters {
        loader.map_pin_path("counters", path);
    }
    let mut ebpf = loader.load(OBJECT)?;
    let program = ebpf.program_mut(PROGRAM).expect("the object has this program");
    let program: &mut Xdp = program.try_into().expect("it is in a section for XDP");
    program.load()?;
    Ok(ebpf)
}

fn map_heartbeats(ebpf: &Ebpf) -> io::Result<Heartbeats> {
    let Some(Map::Array(array)) = ebpf.map("heartbeats") else { panic!("the object has this array") };
    Heartbeats::map(array.fd().as_fd(), QUEUES_MAX as usize)
}

/// Whether the pinned map at `path` can go on counting under this program.
fn counts_alike(path: &Path) -> bool {
    let Ok(map) = MapData::from_pin(path) else { return false };
    let Ok(info) = map.info() else { return false };
    let shape = (info.map_type().ok(), info.key_size(), info.value_size() as usize, info.max_entries());
    shape == (Some(MapType::PerCpuArray), 4, size_of::<Counters>(), 1)
}

/// An error of aya as one of the kernel.
fn to_io(error: PinError) -> io::Error {
    errno(&error).map_or_else(|| io::Error::other(error.to_string()), io::Error::from_raw_os_error)
}
