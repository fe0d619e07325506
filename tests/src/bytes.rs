//! Bytes that both ends of a transfer can make for themselves.
//!
//! A seed names an endless stream, so a receiver checks every byte against
//! what was sent without either side holding it. No eight bytes repeat
//! in any transfer we make, so that a lost, doubled or moved piece shows.

/// An endless stream of bytes that a seed decides (`SplitMix64`, Steele et al.,
/// "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct SeededBytes {
    state: u64,
    /// What of the last word has not been given out yet, low byte first.
    rest: u64,
    rest_len: usize,
}

impl SeededBytes {
    /// The stream of this seed, from its beginning.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, rest: 0, rest_len: 0 }
    }

    /// The next word of the stream.
    pub const fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Fills `bytes` with what comes next; how the stream is cut into calls
    /// does not change it.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        let (carried, bytes) = bytes.split_at_mut(self.rest_len.min(bytes.len()));
        for byte in carried {
            *byte = self.rest.to_le_bytes()[0];
            self.rest >>= 8;
            self.rest_len -= 1;
        }
        let mut words = bytes.chunks_exact_mut(8);
        for chunk in &mut words {
            chunk.copy_from_slice(&self.word().to_le_bytes());
        }
        let last = words.into_remainder();
        if !last.is_empty() {
            let word = self.word();
            last.copy_from_slice(&word.to_le_bytes()[..last.len()]);
            self.rest = word >> (8 * last.len());
            self.rest_len = 8 - last.len();
        }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes);
        bytes
    }
}

/// Where two runs of bytes first differ; `None` where they are the same.
pub fn first_difference(ours: &[u8], theirs: &[u8]) -> Option<usize> {
    if ours == theirs {
        return None;
    }
    let common = ours.iter().zip(theirs).position(|(a, b)| a != b);
    Some(common.unwrap_or(ours.len().min(theirs.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_the_stream_does_not_change_it() {
        let whole = SeededBytes::new(7).take(1_000);
        let mut stream = SeededBytes::new(7);
        let mut pieces = Vec::new();
        let mut len = 1;
        while pieces.len() < whole.len() {
            pieces.extend(stream.take(len.min(whole.len() - pieces.len())));
            len = (len * 3 + 1) % 29;
        }
        assert_eq!(pieces, whole);
    }

    #[test]
    fn seeds_name_different_streams() {
        assert_ne!(SeededBytes::new(1).take(64), SeededBytes::new(2).take(64));
    }

    #[test]
    fn finds_the_first_difference() {
        assert_eq!(first_difference(b"abc", b"abc"), None);
        assert_eq!(first_difference(b"abc", b"abd"), Some(2));
        assert_eq!(first_difference(b"abc", b"ab"), Some(2));
    }
}
