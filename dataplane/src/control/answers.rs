//! What `tidegate ctl` is answered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::gateway::{Devices, load_rules};
use super::protocol::{Request, Response};
use crate::flow::{FlowReader, FlowRecord};
use crate::output::Writer;
use crate::time::Timestamp;
use crate::worker::counters::Counter;
use crate::worker::event::Stats;
use crate::worker::shared::Shared;
use crate::xsk::Umem;

/// The state that answers are made from.
pub(super) struct Answers<'a> {
    pub(super) shared: &'a Shared,
    pub(super) flows: Vec<FlowReader>,
    pub(super) ports: Vec<PortAnswer>,
    pub(super) rules: &'a [PathBuf],
    pub(super) mode: &'static str,
    pub(super) umem: &'a Umem,
    /// Packets on their way from one worker to another.
    pub(super) waiting: &'a dyn Fn() -> usize,
    pub(super) writer: &'a Writer,
    pub(super) devices: &'a dyn Devices,
    pub(super) started: Instant,
    pub(super) since: Timestamp,
}

/// What is fixed about a device from the start on.
#[derive(Clone, Debug)]
pub(super) struct PortAnswer {
    pub(super) name: Arc<str>,
    pub(super) peer: Arc<str>,
    pub(super) xdp: String,
    pub(super) af_xdp: String,
}

impl PortAnswer {
    /// A device that is watched through a packet socket.
    pub(super) fn watched(name: &Arc<str>) -> Self {
        let none = || "none".to_owned();
        Self { name: Arc::clone(name), peer: Arc::clone(name), xdp: none(), af_xdp: none() }
    }
}

impl Answers<'_> {
    /// Answers one request.
    pub(super) fn answer(&self, request: Request) -> Response {
        match request {
            Request::Status => Response::of(self.status()),
            Request::Stats => {
                let counters = self.counters().into_iter().map(|(name, value)| (name, value.into()));
                Response::of(Value::Object(counters.collect::<Map<_, _>>()))
            }
            Request::Flows { limit } => Response::of(self.open_flows(limit)),
            Request::Rules => Response::of(self.rules()),
            Request::Reload => self.reload(),
        }
    }

    /// Reads the rules files again; with an error in them the old rules stay.
    pub(super) fn reload(&self) -> Response {
        match load_rules(self.rules) {
            Ok(set) => {
                let count = set.len();
                self.shared.install(set);
                log::info!("reloaded: {count} rules are in force");
                Response::of(json!({ "rules": count }))
            }
            Err(error) => {
                log::error!("reload refused, the old rules stay in force:\n{error}");
                Response::refused(
                    error.exit_code(),
                    format!("{error}\nreload refused: the old rules stay in force"),
                )
            }
        }
    }

    fn status(&self) -> Value {
        let ports: Vec<_> = self
            .ports
            .iter()
            .map(|port| json!({ "name": &*port.name, "peer": &*port.peer, "xdp": port.xdp, "af_xdp": port.af_xdp }))
            .collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "uptime_s": self.started.elapsed().as_secs(),
            "mode": self.mode,
            "workers": self.shared.workers(),
            "rules": self.shared.rules().set.len(),
            "rules_generation": self.shared.generation(),
            "frames": { "total": self.umem.layout().chunks, "accounted": self.frames_accounted() },
            "ports": ports,
        })
    }

    /// Frames that are somewhere; while packets are under way, a few less than
    /// all, since the workers look at different moments.
    fn frames_accounted(&self) -> u64 {
        let elsewhere = self.umem.returned_len() + (self.waiting)();
        self.sum(Counter::FramesFree) + self.sum(Counter::FramesInPorts) + elsewhere as u64
    }

    /// With all workers still, every frame must be somewhere.
    pub(super) fn check_frames(&self) {
        let (accounted, all) = (self.frames_accounted(), u64::from(self.umem.layout().chunks));
        if accounted == all {
            log::info!("all {all} frames are accounted for");
        } else {
            log::error!(
                "{accounted} of {all} frames are accounted for: this is a defect of tidegate, please report it"
            );
        }
    }

    fn sum(&self, counter: Counter) -> u64 {
        (0..self.shared.workers()).map(|worker| self.shared.block(worker).counters.read(counter)).sum()
    }

    /// All counters, summed over the workers.
    pub(super) fn counters(&self) -> Vec<(String, u64)> {
        let mut counters = self.shared.counters();
        for (device, port) in self.ports.iter().enumerate() {
            for (name, value) in self.shared.port_counters(device) {
                counters.push((format!("port.{}.{name}", port.name), value));
            }
        }
        let told = self.writer.counters().named();
        counters.extend(told.map(|(name, count)| (name.to_owned(), count)));
        self.devices.counters(&mut counters);
        counters
    }

    /// The counters as an event.
    pub(super) fn stats(&self) -> Stats {
        Stats { at: Timestamp::now(), since: self.since, counters: self.counters() }
    }

    fn open_flows(&self, limit: usize) -> Value {
        let now = Timestamp::now();
        let mut rows = Vec::new();
        for reader in &self.flows {
            let records = reader.records(limit - rows.len(), |_| true);
            rows.extend(records.iter().map(|record| flow_row(record, now)));
        }
        Value::Array(rows)
    }

    fn rules(&self) -> Value {
        let rules = self.shared.rules();
        let rows = rules.set.rules().zip(rules.hits()).map(|(rule, hits)| {
            json!({
                "id": rule.meta.id,
                "name": rule.meta.name,
                "event": rule.event.name(),
                "hits": hits,
                "place": rule.place.to_string(),
            })
        });
        rows.collect()
    }
}

fn flow_row(record: &FlowRecord, now: Timestamp) -> Value {
    let FlowRecord { tuple, packets, bytes, .. } = record;
    let age: Duration = now.since(record.start);
    json!({
        "id": record.id,
        "proto": tuple.protocol,
        "client": tuple.client.to_string(),
        "client_port": tuple.client_port,
        "server": tuple.server.to_string(),
        "server_port": tuple.server_port,
        "state": record.state.name(),
        "verdict": record.verdict.name(),
        "packets_up": packets[0],
        "packets_down": packets[1],
        "bytes_up": bytes[0],
        "bytes_down": bytes[1],
        "age_s": age.as_secs(),
    })
}
