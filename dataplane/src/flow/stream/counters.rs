//! What streams count. One writer, their worker, which publishes them with its
//! own counters.

/// Everything that happens to streams, since they were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounters {
    /// Connections opened.
    pub opened: u64,
    /// Connections that found no room.
    pub refused: u64,
    /// Segments with payload or FIN.
    pub segments: u64,
    /// Of these, beyond the place that was next.
    pub out_of_order: u64,
    /// Bytes told to sinks.
    pub bytes: u64,
    /// Gaps told to sinks.
    pub gaps: u64,
    /// Their bytes.
    pub gap_bytes: u64,
    /// Segments that cover a place whose byte is remembered.
    pub overlaps: u64,
    /// Of these, with another byte there.
    pub conflicts: u64,
    /// Segments that were not remembered whole, for want of memory in all.
    pub memory_full: u64,
    /// The same for want of the connection's share.
    pub flow_memory_full: u64,
    /// Bytes forgotten before their acknowledgement, to remember later ones.
    pub forgotten_bytes: u64,
    /// Stretches of bytes of which it could not be noted what segment they are
    /// of, because a peer cuts too small: what came first counts there.
    pub pieces_full: u64,
    /// Directions of which something lay beyond the depth.
    pub depth_reached: u64,
    /// Bytes of memory in use now, by connections and by their bytes.
    pub memory_bytes: u64,
    /// Connections open now.
    pub open: u64,
}

impl StreamCounters {
    /// How many there are.
    pub const LEN: usize = 16;

    /// Every counter with its name in `stats`. The last two are as of now, the
    /// others only grow.
    pub const fn named(&self) -> [(&'static str, u64); Self::LEN] {
        [
            ("stream.opened", self.opened),
            ("stream.refused", self.refused),
            ("stream.segments", self.segments),
            ("stream.out_of_order", self.out_of_order),
            ("stream.bytes", self.bytes),
            ("stream.gaps", self.gaps),
            ("stream.gap_bytes", self.gap_bytes),
            ("stream.overlaps", self.overlaps),
            ("stream.conflicts", self.conflicts),
            ("stream.memory_full", self.memory_full),
            ("stream.flow_memory_full", self.flow_memory_full),
            ("stream.forgotten_bytes", self.forgotten_bytes),
            ("stream.pieces_full", self.pieces_full),
            ("stream.depth_reached", self.depth_reached),
            ("stream.memory_bytes", self.memory_bytes),
            ("stream.open", self.open),
        ]
    }
}
