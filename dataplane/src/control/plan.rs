//! What runs where: which devices, which queues, how many workers on which
//! cores. Made from the configuration and the machine, before anything starts.

use std::sync::Arc;

use tidegate_config::{Config, Mode};

use super::ControlError;
use crate::worker::Pin;

/// A device, and where its accepted packets go.
#[derive(Clone, Debug)]
pub(super) struct PlannedDevice {
    pub(super) name: Arc<str>,
    /// The index of the device that accepted packets leave by.
    pub(super) peer: usize,
    /// Receive queues; a watched device counts one for each worker, over which
    /// the kernel spreads its flows.
    pub(super) queues: usize,
}

/// What runs where.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) devices: Vec<PlannedDevice>,
    pub(super) workers: usize,
    /// The core of each worker, where it is pinned.
    pub(super) pins: Vec<Option<Pin>>,
}

impl Plan {
    /// Fits the configuration to this machine.
    pub(super) fn new(config: &Config) -> Result<Self, ControlError> {
        let gateway = &config.gateway;
        let cores = cores(config)?;
        let wanted = gateway.worker_count(cores.len());
        let automatic = gateway.workers == tidegate_config::Workers::Auto;
        let mut devices = Vec::new();
        let mut workers = wanted;
        match gateway.mode {
            Mode::Inline => {
                for pair in &gateway.pairs {
                    let first = devices.len();
                    devices.push(PlannedDevice::inline(&pair.inside, first + 1)?);
                    devices.push(PlannedDevice::inline(&pair.outside, first)?);
                }
                let least = devices.iter().min_by_key(|device| device.queues);
                if let Some(PlannedDevice { name, queues, .. }) = least.filter(|least| least.queues < wanted)
                {
                    if !automatic {
                        return Err(ControlError::Setup(format!(
                            "gateway.workers = {wanted}, but {name} has {queues} receive queue(s) and each worker needs one of \
                             its own there; lower gateway.workers, or try `ethtool -L {name} combined {wanted}`"
                        )));
                    }
                    workers = (*queues).max(1);
                }
            }
            Mode::Tap => {
                for (index, tap) in gateway.taps.iter().enumerate() {
                    let name = Arc::from(tap.as_str());
                    devices.push(PlannedDevice { name, peer: index, queues: wanted });
                }
            }
        }
        // With more workers than cores, pinning would put two on one core and
        // starve both: then the kernel places them.
        let pin = |worker| if workers <= cores.len() { cores.get(worker).copied() } else { None };
        Ok(Self { pins: (0..workers).map(pin).collect(), devices, workers })
    }

    /// The queues of a device that are this worker's: dealt out in turn, so
    /// that each worker has at least one and no queue has none.
    pub(super) fn queues_of(
        &self,
        device: &PlannedDevice,
        worker: usize,
    ) -> impl Iterator<Item = usize> + use<> {
        (worker..device.queues).step_by(self.workers)
    }
}

impl PlannedDevice {
    fn inline(name: &str, peer: usize) -> Result<Self, ControlError> {
        let queues = tidegate_ebpf::rx_queue_count(name)? as usize;
        Ok(Self { name: Arc::from(name), peer, queues })
    }
}

/// The cores that workers may be pinned to.
fn cores(config: &Config) -> Result<Vec<Pin>, ControlError> {
    let available = Pin::available();
    if config.gateway.cores.is_empty() {
        return Ok(available);
    }
    let wanted: Vec<_> = config.gateway.cores.iter().map(|&core| Pin(usize::from(core))).collect();
    if let Some(pin) = wanted.iter().find(|pin| !available.contains(pin)) {
        let cores: Vec<_> = available.iter().map(|pin| pin.0.to_string()).collect();
        return Err(ControlError::Setup(format!(
            "gateway.cores: this process may not run on core {}; it may use {}",
            pin.0,
            cores.join(", ")
        )));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_has_exactly_one_worker_and_every_worker_a_queue() {
        for workers in 1..=5 {
            for queues in workers..=9 {
                let device = PlannedDevice { name: Arc::from("eth1"), peer: 0, queues };
                let plan = Plan { devices: vec![device.clone()], workers, pins: Vec::new() };
                let mut dealt: Vec<_> =
                    (0..workers).flat_map(|worker| plan.queues_of(&device, worker)).collect();
                assert!((0..workers).all(|worker| plan.queues_of(&device, worker).count() > 0));
                dealt.sort_unstable();
                assert_eq!(dealt, (0..queues).collect::<Vec<_>>());
            }
        }
    }
}
