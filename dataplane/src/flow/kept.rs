//! What workers, rules and dissectors keep in a flow.
//!
//! An index that came from [`FlowTable::track`] is good until the flow ends;
//! tracking the next packet may end any flow, so these are asked and told
//! about the packet at hand.

use super::record::{Direction, FlowRecord};
use super::table::{FlowIndex, FlowTable};
use crate::app_proto::AppProto;
use crate::verdict::Verdict;

impl FlowTable {
    /// The flow as it stands.
    pub fn record(&self, index: FlowIndex) -> FlowRecord {
        self.slot(index).record()
    }

    /// Whether the flow was judged under this epoch of the rules.
    ///
    /// Epochs are counted from 1: a new flow has been judged under none.
    #[inline]
    pub fn judged(&self, index: FlowIndex, epoch: u32) -> bool {
        self.slot(index).epoch() == epoch
    }

    /// The verdict that the rules gave on the flow, if they gave one.
    #[inline]
    pub fn verdict(&self, index: FlowIndex) -> Option<Verdict> {
        self.slot(index).verdict()
    }

    /// Keeps what the rules of this epoch said of the flow.
    pub fn set_verdict(&mut self, index: FlowIndex, verdict: Option<Verdict>, epoch: u32) {
        self.slot(index).set_verdict(verdict, epoch);
    }

    /// Notes that a rule raised an alert on the flow.
    pub fn set_alerted(&mut self, index: FlowIndex) {
        self.slot(index).set_alerted();
    }

    /// What each side speaks, as far as that was looked at.
    #[inline]
    pub fn app_protos(&self, index: FlowIndex) -> [Option<AppProto>; 2] {
        self.slot(index).app_protos()
    }

    /// Keeps what a side speaks.
    pub fn set_app_proto(&mut self, index: FlowIndex, direction: Direction, app_proto: AppProto) {
        self.slot(index).set_app_proto(direction, app_proto);
    }

    /// Keeps what both sides spoke before they changed to another protocol, as
    /// HTTP becomes WebSocket, or SMTP TLS.
    pub fn set_app_proto_orig(&mut self, index: FlowIndex, app_proto: AppProto) {
        self.slot(index).set_app_proto_orig(app_proto);
    }

    /// The tags on the flow, one bit each; what they mean is the rules' business.
    pub fn tags(&self, index: FlowIndex) -> u64 {
        self.slot(index).tags()
    }

    /// Adds tags to the flow.
    pub fn add_tags(&mut self, index: FlowIndex, tags: u64) {
        let slot = self.slot(index);
        slot.set_tags(slot.tags() | tags);
    }

    /// The handle of what dissectors keep about the flow elsewhere.
    #[inline]
    pub fn extension(&self, index: FlowIndex) -> Option<u32> {
        self.slot(index).extension()
    }

    /// Keeps a handle, not `u32::MAX`. It comes back when the flow ends.
    pub fn set_extension(&mut self, index: FlowIndex, extension: Option<u32>) {
        self.slot(index).set_extension(extension);
    }
}
