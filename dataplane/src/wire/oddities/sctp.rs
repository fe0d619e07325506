//! Chunks of SCTP (RFC 9260 section 3.2).

use super::Found;
use crate::anomaly::Anomaly;
use crate::wire::packet::Sctp;

/// Length of a chunk's own header in bytes.
const CHUNK_LEN_MIN: usize = 4;
/// Length of the header of a chunk of data.
const DATA_LEN_MIN: usize = 16;
const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
/// Chunks, and chunks of data, beyond which Suricata finds it too many.
const CHUNKS_MAX: u16 = 16;

/// In the chunks after the common header.
pub(super) fn find(header: Sctp, mut chunks: &[u8], is_cut: bool, found: Found<'_>) {
    let (mut count, mut of_data) = (0_u16, 0_u16);
    let mut initialises = false;
    while !chunks.is_empty() {
        let &[kind, _, l0, l1, ..] = chunks else {
            if !is_cut {
                found(Anomaly::SctpChunkTooSmall);
            }
            break;
        };
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        if len < CHUNK_LEN_MIN || (len > chunks.len() && !is_cut) {
            found(Anomaly::SctpChunkLenInvalid);
            break;
        }
        count = count.saturating_add(1);
        match kind {
            INIT if header.tag != 0 => found(Anomaly::SctpInitWithNonZeroVtag),
            DATA if header.tag == 0 => found(Anomaly::SctpDataWithZeroVtag),
            _ => {}
        }
        initialises |= matches!(kind, INIT | INIT_ACK);
        of_data += u16::from(kind == DATA && len >= DATA_LEN_MIN);
        // The last one's padding may be left out.
        chunks = chunks.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    if count > CHUNKS_MAX {
        found(Anomaly::SctpTooManyChunks);
    }
    if of_data > CHUNKS_MAX {
        found(Anomaly::SctpTooManyDataChunks);
    }
    if initialises && count > 1 {
        found(Anomaly::SctpInitChunkBundled);
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::tests::all;
    use super::*;
    use Anomaly::{
        SctpChunkLenInvalid, SctpChunkTooSmall, SctpDataWithZeroVtag, SctpInitChunkBundled,
        SctpInitWithNonZeroVtag, SctpTooManyChunks, SctpTooManyDataChunks,
    };

    fn of(tag: u32, chunks: &[u8]) -> Vec<Anomaly> {
        all(|found| find(Sctp { src_port: 1, dst_port: 2, tag }, chunks, false, found))
    }

    fn chunk(kind: u8, len: u8) -> Vec<u8> {
        let mut bytes = vec![0; usize::from(len).next_multiple_of(4)];
        bytes[..4].copy_from_slice(&[kind, 0, 0, len]);
        bytes
    }

    #[test]
    fn chunks_as_their_document_has_them_are_not_odd() {
        assert_eq!(of(0, &chunk(INIT, 20)), []);
        assert_eq!(of(7, &chunk(INIT_ACK, 20)), []);
        assert_eq!(of(7, &[chunk(3, 16), chunk(DATA, 18)].concat()), []);
        assert_eq!(of(7, &chunk(DATA, 18)[..18]), [], "the last one's padding is left out");
        assert_eq!(of(7, &[]), []);
        assert_eq!(of(7, &chunk(DATA, 17).repeat(16)), []);
    }

    #[test]
    fn lengths_that_cannot_be() {
        assert_eq!(of(7, &[3, 0, 0]), [SctpChunkTooSmall]);
        assert_eq!(of(7, &[3, 0, 0, 3]), [SctpChunkLenInvalid]);
        assert_eq!(of(7, &[3, 0, 0, 5]), [SctpChunkLenInvalid]);
        let cut = all(|found| find(Sctp { tag: 7, ..Sctp::default() }, &[3, 0, 0, 5], true, found));
        assert_eq!(cut, []);
    }

    #[test]
    fn tags_that_do_not_fit_the_chunk() {
        assert_eq!(of(7, &chunk(INIT, 20)), [SctpInitWithNonZeroVtag]);
        assert_eq!(of(0, &chunk(DATA, 20)), [SctpDataWithZeroVtag]);
    }

    #[test]
    fn an_initialisation_stands_alone() {
        for kind in [INIT, INIT_ACK] {
            let tag = u32::from(kind == INIT_ACK);
            assert_eq!(of(tag, &[chunk(kind, 20), chunk(3, 4)].concat()), [SctpInitChunkBundled]);
        }
    }

    #[test]
    fn more_chunks_than_anybody_sends() {
        assert_eq!(of(7, &chunk(3, 4).repeat(17)), [SctpTooManyChunks]);
        assert_eq!(of(7, &chunk(DATA, 16).repeat(17)), [SctpTooManyChunks, SctpTooManyDataChunks]);
    }
}
