//! A slab that grows by pieces of fixed length, so that growing never moves what
//! is there, and never shrinks.

/// How many elements come at a time: few enough that growing is not felt (some
/// ten microseconds for blocks), and a whole number of bits of a number.
const CHUNK: u32 = 32;

/// Elements by number, up to a cap.
pub(super) struct Chunks<T> {
    chunks: Vec<Box<[T]>>,
    cap: u32,
}

impl<T> Chunks<T> {
    /// None yet, and at most `cap`.
    pub(super) fn new(cap: usize) -> Self {
        // The last number is kept for "none".
        let cap = u32::try_from(cap).unwrap_or(u32::MAX).min(u32::MAX - 2 * CHUNK);
        Self { chunks: Vec::new(), cap }
    }

    /// How many there may be.
    pub(super) fn cap(&self) -> u32 {
        self.cap
    }

    /// The numbers of some more elements; `None` where the cap is reached, or
    /// the system has no memory.
    pub(super) fn grow(&mut self, make: impl Fn() -> T) -> Option<std::ops::Range<u32>> {
        let first = u32::try_from(self.chunks.len()).ok()? * CHUNK;
        let count = CHUNK.min(self.cap.checked_sub(first).filter(|&left| left > 0)?);
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(count as usize).ok()?;
        self.chunks.try_reserve(1).ok()?;
        chunk.resize_with(count as usize, make);
        self.chunks.push(chunk.into_boxed_slice());
        Some(first..first + count)
    }

    /// The element with this number, if it was ever grown.
    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.chunks.get((number / CHUNK) as usize)?.get((number % CHUNK) as usize)
    }

    /// The same, to change.
    #[inline]
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.chunks.get_mut((number / CHUNK) as usize)?.get_mut((number % CHUNK) as usize)
    }
}
