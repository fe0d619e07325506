//! A live gateway: put together, run, taken apart.
//!
//! Order matters at both ends. At the start the sockets are registered before
//! the program is attached (or takes over a pinned one), so that no packet is
//! steered to a socket that is not there. At the end the program goes first,
//! then the workers, then the sockets.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_config::{self as config, Config};

use super::ControlError;
use super::answers::{Answers, PortAnswer};
use super::inline::Inline;
use super::plan::Plan;
use super::signals::Signals;
use super::socket::ControlSocket;
use crate::flow::{FlowTable, Seed};
use crate::output::{Queue, Writer};
use crate::port::Port;
use crate::port::tap::TapPort;
use crate::rules::RuleSet;
use crate::time::Timestamp;
use crate::worker::event::{Event, EventSink};
use crate::worker::exchange::Exchange;
use crate::worker::settings::{Settings, flow_config};
use crate::worker::shared::Shared;
use crate::worker::{Device, Door, Idle, Mode, Parts, Pin, Worker};
use crate::xsk::{Layout, Pool, Umem, Waiter, Waker};

/// The control thread looks up at least this often.
const LOOK_UP: Duration = Duration::from_millis(500);

/// Runs a gateway until SIGTERM or SIGINT.
pub fn run(config: &Config) -> Result<(), ControlError> {
    let signals = Signals::catch()?;
    let rules = load_rules(&config.rules.paths)?;
    let plan = Plan::new(config)?;
    let socket = config.control.socket.as_deref().map(ControlSocket::bind).transpose()?;
    let chunks = config.gateway.frames.saturating_mul(u32::try_from(plan.workers).unwrap_or(u32::MAX));
    let mut umem = Umem::new(Layout { chunks, chunk_size: config.gateway.frame_size, headroom: 0 })?;
    let mut pools = umem.split(plan.workers);
    let Some(umem) = pools.first().map(Pool::umem) else {
        return Err(ControlError::Setup("gateway.workers: no worker, no gateway".to_owned()));
    };
    let stage = Stage { config, plan: &plan, rules, signals, socket, umem };
    match config.gateway.mode {
        config::Mode::Inline => {
            let (inline, mut doors) = Inline::open(config, &plan, umem)?;
            // The kernel gets frames to receive into before the first packet is
            // steered: what comes before the workers run waits for them.
            for (doors, pool) in doors.iter_mut().zip(&mut pools) {
                for door in doors {
                    door.port.flush(pool);
                }
            }
            let pulses = inline.pulses(&plan)?;
            stage.play(doors, pools, pulses, &inline)
        }
        config::Mode::Tap => {
            let doors = open_taps(&plan)?;
            let pulses = (0..plan.workers).map(|_| Box::new(|| {}) as Pulse).collect();
            stage.play(doors, pools, pulses, &Taps(&plan))
        }
    }
}

/// The devices of a gateway, apart from their doors.
pub(super) trait Devices {
    /// Lets packets come, and tells how.
    fn attach(&self) -> Result<Vec<PortAnswer>, ControlError>;

    /// Appends what was counted in the kernel.
    fn counters(&self, counters: &mut Vec<(String, u64)>);

    /// Lets no more packets come.
    fn release(&self) -> Result<(), ControlError>;
}

/// Devices that are watched: packets come from the moment their sockets are
/// open, and nothing has to be put back.
struct Taps<'a>(&'a Plan);

impl Devices for Taps<'_> {
    fn attach(&self) -> Result<Vec<PortAnswer>, ControlError> {
        Ok(self.0.devices.iter().map(|device| PortAnswer::watched(&device.name)).collect())
    }

    fn counters(&self, _: &mut Vec<(String, u64)>) {}

    fn release(&self) -> Result<(), ControlError> {
        Ok(())
    }
}

/// What a worker calls to say that it lives.
pub(super) type Pulse = Box<dyn FnMut() + Send>;

/// One socket for each worker and device; the kernel spreads flows over them.
fn open_taps<'u>(plan: &Plan) -> Result<Vec<Vec<Door<TapPort<'u>>>>, ControlError> {
    let mut doors: Vec<_> = (0..plan.workers).map(|_| Vec::new()).collect();
    for (device, planned) in plan.devices.iter().enumerate() {
        for (port, doors) in TapPort::open(&planned.name, plan.workers)?.into_iter().zip(&mut doors) {
            doors.push(Door { port, device });
        }
    }
    Ok(doors)
}

/// Everything but the ports.
struct Stage<'u, 'c> {
    config: &'c Config,
    plan: &'c Plan,
    rules: RuleSet,
    signals: Signals,
    socket: Option<ControlSocket>,
    umem: &'u Umem,
}

impl<'u> Stage<'u, '_> {
    /// Starts the workers and serves signals and clients until it is to end.
    fn play<P: Port<'u> + AsFd + Send>(
        mut self,
        doors: Vec<Vec<Door<P>>>,
        pools: Vec<Pool<'u>>,
        pulses: Vec<Pulse>,
        devices: &dyn Devices,
    ) -> Result<(), ControlError> {
        let (config, plan) = (self.config, self.plan);
        let rules = std::mem::take(&mut self.rules);
        let shared = Arc::new(Shared::new(rules, plan.workers, plan.devices.len()));
        let (writer, mut queues) = Writer::start(&config.output, plan.workers + 1)?;
        let mut own_queue = queues.pop();
        let mut idles = doors.iter().map(|doors| idle(config, doors)).collect::<Result<Vec<_>, _>>()?;
        let wakers: Vec<Option<Waker>> = idles.iter().map(Idle::waker).collect();
        let exchange = (plan.workers > 1).then(|| Exchange::new(wakers.clone()));
        let mut workers = Vec::new();
        let seed = Seed::random();
        let mode = if config.gateway.mode == config::Mode::Tap { Mode::Watch } else { Mode::Inline };
        let settings = Settings::of(config, mode, plan.workers);
        for (((doors, pool), pulse), sink) in doors.into_iter().zip(pools).zip(pulses).zip(queues) {
            let id = workers.len();
            workers.push(Worker::new(Parts {
                id,
                devices: devices_of(plan, &doors),
                doors,
                pool,
                flows: FlowTable::new(&flow_config(config, id, plan.workers))?,
                seed,
                shared: Arc::clone(&shared),
                exchange: exchange.clone(),
                sink,
                settings: settings.clone(),
                pulse,
            }));
        }
        // From here on packets come; everything that takes time is done.
        let answers = Answers {
            shared: &shared,
            flows: workers.iter().map(|worker| worker.flows().reader()).collect(),
            ports: devices.attach()?,
            devices,
            rules: &config.rules.paths,
            mode: config.gateway.mode.name(),
            umem: self.umem,
            waiting: &|| exchange.as_deref().map_or(0, Exchange::waiting),
            writer: &writer,
            started: Instant::now(),
            since: Timestamp::now(),
        };
        std::thread::scope(|scope| {
            for (id, (worker, idle)) in workers.iter_mut().zip(&mut idles).enumerate() {
                let pin = plan.pins.get(id).copied().flatten();
                let ending = Ending(Arc::clone(&shared));
                let run = move || {
                    let _ending = ending;
                    if !pin.is_none_or(Pin::apply) {
                        log::warn!("worker {id} could not be pinned to its core; the kernel places it");
                    }
                    worker.run(idle);
                };
                let started =
                    std::thread::Builder::new().name(format!("worker-{id}")).spawn_scoped(scope, run);
                if let Err(error) = started {
                    shared.stop();
                    return Err(ControlError::Thread(error));
                }
            }
            let names: Vec<_> = plan.devices.iter().map(|device| &*device.name).collect();
            log::info!(
                "tidegate is up: {} worker(s) on {}, {} rule(s)",
                plan.workers,
                names.join(", "),
                shared.rules().set.len()
            );
            let served = self.serve(&answers, &writer, own_queue.as_mut());
            let released = devices.release();
            shared.stop();
            wakers.iter().flatten().for_each(Waker::wake);
            served.and(released)
        })?;
        answers.check_frames();
        if let Some(queue) = &mut own_queue {
            queue.emit(Event::Stats(Box::new(answers.stats())));
        }
        drop(answers);
        let told = writer.stop();
        let lost = told.queue_full + told.write_failed;
        if lost > 0 {
            log::warn!("{lost} events were lost, {} written; raise output.queue", told.written);
        }
        Ok(())
    }

    /// Serves signals, clients and the clock until it is time to stop.
    fn serve(
        &mut self,
        answers: &Answers<'_>,
        writer: &Writer,
        mut own_queue: Option<&mut Queue>,
    ) -> Result<(), ControlError> {
        let interval = Duration::from_secs(u64::from(self.config.output.stats_interval_s));
        let mut stats_at = Instant::now() + interval;
        let mut waiter = Waiter::new(self.socket.iter().map(AsFd::as_fd).chain([self.signals.as_fd()]))?;
        loop {
            let until_stats = stats_at.saturating_duration_since(Instant::now());
            waiter.wait(if interval.is_zero() { LOOK_UP } else { until_stats.min(LOOK_UP) })?;
            // A worker that has panicked has said so: the gateway goes down,
            // and the fail mode takes over.
            if self.signals.stop() || answers.shared.stopping() {
                return Ok(());
            }
            if self.signals.take_reload() {
                answers.reload();
                if let Err(error) = writer.reopen() {
                    log::error!("{error}; the old file is kept");
                }
            }
            if let Some(socket) = &self.socket {
                socket.serve(|request| answers.answer(request));
            }
            if !interval.is_zero() && Instant::now() >= stats_at {
                stats_at = Instant::now() + interval;
                if let Some(queue) = own_queue.as_deref_mut() {
                    queue.emit(Event::Stats(Box::new(answers.stats())));
                }
            }
        }
    }
}

/// Asks everybody to stop when its worker ends, also by a panic.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn idle<'u, P: Port<'u> + AsFd>(config: &Config, doors: &[Door<P>]) -> Result<Idle, ControlError> {
    Ok(match config.gateway.poll {
        config::Poll::Busy => Idle::Busy,
        config::Poll::Adaptive => Idle::Adaptive(Waiter::new(doors.iter().map(|door| door.port.as_fd()))?),
    })
}

/// The devices as the worker with these doors sees them: it sends by its first
/// door to each.
fn devices_of<P>(plan: &Plan, doors: &[Door<P>]) -> Vec<Device> {
    let devices = plan.devices.iter().enumerate().map(|(index, planned)| Device {
        name: Arc::clone(&planned.name),
        peer: planned.peer,
        way: doors.iter().position(|door| door.device == index).unwrap_or_default(),
    });
    devices.collect()
}

/// Reads all rules, and tells the log what they are warned of.
pub(super) fn load_rules(paths: &[PathBuf]) -> Result<RuleSet, ControlError> {
    let loaded = RuleSet::load(paths).map_err(ControlError::Rules)?;
    for warning in &loaded.warnings {
        log::warn!("{}", warning.render(false));
    }
    Ok(loaded.rules)
}
