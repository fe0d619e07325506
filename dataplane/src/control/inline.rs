//! The devices of an inline gateway: XDP programs, AF_XDP sockets, promiscuous
//! mode. Opened in full or not at all, and put back as found.

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use tidegate_config::{self as config, Config};
use tidegate_ebpf::{AttachOptions, FailMode, Heartbeat, ModeChoice, Promiscuity, Steer, monotonic_ns};

use super::ControlError;
use super::answers::PortAnswer;
use super::gateway::{Devices, Pulse};
use super::plan::{Plan, PlannedDevice};
use crate::port::afxdp::AfXdpPort;
use crate::worker::Door;
use crate::xsk::{Interface, Rings, Umem, Xsk, XskOptions, ZeroCopy};

/// Bytes in a chunk that are not the IP packet: 256 that the kernel keeps free
/// in front, the Ethernet header, and two VLAN tags.
const FRAME_OVERHEAD: u32 = 256 + 14 + 8;

/// The devices of all pairs.
pub(super) struct Inline {
    /// Empty once released.
    steers: RefCell<Vec<Steer>>,
    /// The queues of each device.
    queues: Vec<usize>,
    answers: Vec<PortAnswer>,
    /// Devices that are to be promiscuous, and those whose mode we changed.
    promiscuous: bool,
    made_promiscuous: RefCell<Vec<Arc<str>>>,
    pinned: bool,
    /// What the programs had counted when they were released.
    counted: RefCell<Vec<(String, u64)>>,
}

/// Each worker's doors.
type Doors<'u> = Vec<Vec<Door<AfXdpPort<'u>>>>;

impl Inline {
    /// Loads a program for each device and opens a socket for each queue; the
    /// devices go on as they were.
    pub(super) fn open<'u>(
        config: &Config,
        plan: &Plan,
        umem: &'u Umem,
    ) -> Result<(Self, Doors<'u>), ControlError> {
        let gateway = &config.gateway;
        let mut steers = Vec::new();
        for device in &plan.devices {
            steers.push(Steer::load(attach_options(gateway, plan, device))?);
        }
        let mut doors = Vec::new();
        for worker in 0..plan.workers {
            let mut own = Vec::new();
            let sockets: usize =
                plan.devices.iter().map(|device| plan.queues_of(device, worker).count()).sum();
            let chunks = gateway.frames / u32::try_from(sockets.max(1)).unwrap_or(u32::MAX);
            let rings = Rings::for_chunks(chunks).capped(gateway.ring_size);
            for (index, (device, steer)) in plan.devices.iter().zip(&mut steers).enumerate() {
                let interface = Interface::by_name(&device.name)?;
                let options = socket_options(gateway, &device.name, rings)?;
                for queue in plan.queues_of(device, worker) {
                    let queue = u32::try_from(queue).unwrap_or(u32::MAX);
                    let port = AfXdpPort::new(Xsk::bind(&interface, queue, umem, &options)?);
                    steer.set_socket(queue, port.as_fd())?;
                    own.push(Door { port, device: index });
                }
            }
            doors.push(own);
        }
        let answers = plan.devices.iter().enumerate().map(|(index, device)| {
            let door = doors.iter().flatten().find(|door: &&Door<AfXdpPort<'_>>| door.device == index);
            let af_xdp = door.map_or_else(|| "none".to_owned(), |door| door.port.mode().to_string());
            log::info!("{}: AF_XDP {af_xdp}, {} queue(s)", device.name, device.queues);
            let peer = plan.devices.get(device.peer).map_or(&device.name, |peer| &peer.name);
            PortAnswer { name: Arc::clone(&device.name), peer: Arc::clone(peer), xdp: String::new(), af_xdp }
        });
        let inline = Self {
            answers: answers.collect(),
            steers: RefCell::new(steers),
            queues: plan.devices.iter().map(|device| device.queues).collect(),
            promiscuous: gateway.promiscuous,
            made_promiscuous: RefCell::default(),
            pinned: gateway.pin,
            counted: RefCell::default(),
        };
        Ok((inline, doors))
    }

    /// For each worker, what it calls to say that it lives.
    pub(super) fn pulses(&self, plan: &Plan) -> Result<Vec<Pulse>, ControlError> {
        let steers = self.steers.borrow();
        let pulse_of = |worker| {
            let mut hearts: Vec<Heartbeat> = Vec::new();
            for (device, steer) in plan.devices.iter().zip(&*steers) {
                for queue in plan.queues_of(device, worker) {
                    hearts.push(steer.heartbeat(u32::try_from(queue).unwrap_or(u32::MAX))?);
                }
            }
            let pulse: Pulse = Box::new(move || {
                let now = monotonic_ns();
                for heart in &hearts {
                    heart.beat(now);
                }
            });
            Ok(pulse)
        };
        (0..plan.workers).map(pulse_of).collect()
    }
}

impl Devices for Inline {
    fn attach(&self) -> Result<Vec<PortAnswer>, ControlError> {
        let mut answers = self.answers.clone();
        for (answer, steer) in answers.iter_mut().zip(&mut *self.steers.borrow_mut()) {
            answer.xdp = steer.attach()?.mode.to_string();
            if self.promiscuous
                && tidegate_ebpf::set_promiscuous(&answer.name, Promiscuity::On)? == Promiscuity::Off
            {
                self.made_promiscuous.borrow_mut().push(Arc::clone(&answer.name));
            }
        }
        Ok(answers)
    }

    fn counters(&self, counters: &mut Vec<(String, u64)>) {
        counters.extend_from_slice(&self.counted.borrow());
        for steer in &*self.steers.borrow() {
            match steer.counters() {
                Ok(counts) => counters.extend(counts.into_iter().map(|(reason, count)| {
                    (format!("xdp.{}.{}", steer.options().interface, reason.name()), count)
                })),
                Err(error) => log::warn!("{error}"),
            }
        }
    }

    /// Takes the programs off the devices. Pinned ones stay, with the fail mode
    /// that they were given, and so does promiscuous mode.
    fn release(&self) -> Result<(), ControlError> {
        let mut counted = Vec::new();
        self.counters(&mut counted);
        for (mut steer, &queues) in self.steers.take().into_iter().zip(&self.queues) {
            if self.pinned {
                for queue in 0..queues {
                    steer.clear_socket(u32::try_from(queue).unwrap_or(u32::MAX))?;
                }
            } else {
                steer.detach()?;
            }
        }
        if self.pinned {
            log::info!("pinned: the XDP programs stay in place; `tidegate detach` removes them");
        }
        self.counted.replace(counted);
        Ok(())
    }
}

impl Drop for Inline {
    fn drop(&mut self) {
        if self.pinned {
            return;
        }
        for device in self.made_promiscuous.take() {
            if let Err(error) = tidegate_ebpf::set_promiscuous(&device, Promiscuity::Off) {
                log::debug!("{error}");
            }
        }
    }
}

fn attach_options(gateway: &config::Gateway, plan: &Plan, device: &PlannedDevice) -> AttachOptions {
    let peer = plan.devices.get(device.peer).map_or(&device.name, |peer| &peer.name);
    AttachOptions {
        interface: device.name.to_string(),
        peer: peer.to_string(),
        fail: match gateway.fail {
            config::Fail::Open => FailMode::Open,
            config::Fail::Closed => FailMode::Closed,
        },
        mode: match gateway.xdp {
            config::XdpMode::Auto => ModeChoice::Auto,
            config::XdpMode::Native => ModeChoice::Native,
            config::XdpMode::Generic => ModeChoice::Generic,
        },
        pin: gateway.pin.then(|| gateway.pin_path.clone()),
        heartbeat_limit: match gateway.heartbeat_timeout_ms {
            0 => None,
            limit => Some(Duration::from_millis(u64::from(limit))),
        },
    }
}

fn socket_options(gateway: &config::Gateway, device: &str, rings: Rings) -> Result<XskOptions, ControlError> {
    let zero_copy = match gateway.zero_copy {
        config::ZeroCopy::Auto => ZeroCopy::Auto,
        config::ZeroCopy::On => ZeroCopy::On,
        config::ZeroCopy::Off => ZeroCopy::Off,
    };
    // A packet that is longer than a chunk lies in several.
    let scatter_gather = tidegate_ebpf::mtu(device)?.saturating_add(FRAME_OVERHEAD) > gateway.frame_size;
    Ok(XskOptions { zero_copy, scatter_gather, ..XskOptions::with_rings(rings) })
}
