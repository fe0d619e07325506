//! What carries the flows that travel in tunnels, beside their slots.
//!
//! Most flows travel plainly, so a slot has no room for it. Memory is taken in
//! chunks, when the first tunnelled flow comes to one of a chunk's slots, and
//! kept: at the most as many as the table has slots.

use super::record::Outer;

/// Slots that share a chunk.
const CHUNK: usize = 256;

type Chunk = [Option<Outer>; CHUNK];

/// The outer headers, by the number of the slot.
pub(super) struct Outers {
    chunks: Box<[Option<Box<Chunk>>]>,
}

impl Outers {
    pub(super) fn new(flows: u32) -> Self {
        Self { chunks: (0..(flows as usize).div_ceil(CHUNK)).map(|_| None).collect() }
    }

    pub(super) fn set(&mut self, index: u32, outer: Outer) {
        let index = index as usize;
        if let Some(chunk) = self.chunks.get_mut(index / CHUNK) {
            let chunk = chunk.get_or_insert_with(|| Box::new([None; CHUNK]));
            if let Some(place) = chunk.get_mut(index % CHUNK) {
                *place = Some(outer);
            }
        }
    }

    pub(super) fn at(&self, index: u32) -> Option<&Outer> {
        let index = index as usize;
        self.chunks.get(index / CHUNK)?.as_deref()?.get(index % CHUNK)?.as_ref()
    }

    pub(super) fn take(&mut self, index: u32) -> Option<Outer> {
        let index = index as usize;
        self.chunks.get_mut(index / CHUNK)?.as_deref_mut()?.get_mut(index % CHUNK)?.take()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::wire::tunnel::Tunnel;

    fn outer(network: u32) -> Outer {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        Outer {
            kind: Tunnel::Vxlan,
            src: address,
            dst: address,
            ports: Some((1, 4_789)),
            network,
            parent: None,
        }
    }

    #[test]
    fn each_slot_has_its_own_until_it_is_taken() {
        let mut outers = Outers::new(600);
        for index in [0, 255, 256, 599] {
            outers.set(index, outer(index));
        }
        for index in [0, 255, 256, 599] {
            assert_eq!(outers.at(index), Some(&outer(index)));
            assert_eq!(outers.take(index), Some(outer(index)));
            assert_eq!(outers.at(index), None);
        }
        assert_eq!((outers.at(1), outers.at(300), outers.at(99_999)), (None, None, None));
    }

    #[test]
    fn memory_is_taken_where_it_is_needed_and_no_further() {
        let mut outers = Outers::new(600);
        assert_eq!(outers.chunks.len(), 3);
        outers.set(300, outer(1));
        outers.set(301, outer(2));
        outers.set(99_999, outer(3));
        assert_eq!(outers.chunks.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
    }
}
