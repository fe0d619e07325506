//! Hints to the hardware.

#![expect(unsafe_code, reason = "prefetching has no safe binding")]

/// Asks the memory for the cache line at `address`, without waiting for it.
///
/// Any address will do: a prefetch of one that is not mapped does nothing.
#[inline]
pub(super) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: PREFETCHT0 reads nothing that a program can see and never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
