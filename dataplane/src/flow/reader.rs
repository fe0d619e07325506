//! Looking into a table from another thread.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::record::FlowRecord;
use super::slots::Slots;

/// A view of one worker's table for any thread: no locks, and the worker does
/// not notice.
///
/// Flows come and go during a walk: each that was there throughout is seen
/// once, any other at most once for each of its lives.
#[derive(Clone)]
pub struct FlowReader {
    slots: Arc<Slots>,
}

impl FlowReader {
    pub(super) const fn new(slots: Arc<Slots>) -> Self {
        Self { slots }
    }

    /// Shows each flow until told to stop.
    pub fn visit(&self, mut visit: impl FnMut(FlowRecord) -> ControlFlow<()>) {
        for record in (0..self.slots.used()).filter_map(|index| self.slots.snapshot(index)) {
            if visit(record).is_break() {
                return;
            }
        }
    }

    /// Up to `limit` flows for which `filter` holds.
    pub fn records(&self, limit: usize, mut filter: impl FnMut(&FlowRecord) -> bool) -> Vec<FlowRecord> {
        let mut records = Vec::new();
        if limit == 0 {
            return records;
        }
        self.visit(|record| {
            if filter(&record) {
                records.push(record);
            }
            if records.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        records
    }
}

impl std::fmt::Debug for FlowReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FlowReader({} slots in use)", self.slots.used())
    }
}
