//! Between which Ethernet addresses the packets of each flow went.
//!
//! Beside the slots, which have no room for them, and so looked at only for the
//! first [`MACS_PACKETS`] of each direction: a packet of a flow that is under way
//! pays nothing for them. Of these, [`MACS_MAX`] addresses are kept a side, enough
//! to see that two routers share the work; more of them belong to no flow, but to
//! a flood that means to fill the list.

use super::FlowError;
use super::record::Direction;
use crate::wire::Mac;

/// How many addresses of each side are kept.
pub const MACS_MAX: usize = 3;

/// How many packets of a direction are looked at.
pub(super) const MACS_PACKETS: u64 = 4;

/// The addresses of one side, in the order in which they were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MacList {
    macs: [Mac; MACS_MAX],
    count: u8,
}

impl MacList {
    /// The addresses, the one seen first before the others.
    pub fn as_slice(&self) -> &[Mac] {
        self.macs.get(..usize::from(self.count)).unwrap_or(&self.macs)
    }

    /// The one that was seen first.
    pub fn first(&self) -> Option<Mac> {
        self.as_slice().first().copied()
    }

    /// Whether the address is the one that was seen first.
    #[inline]
    fn begins_with(&self, mac: Mac) -> bool {
        let [first, ..] = self.macs;
        self.count > 0 && first == mac
    }

    fn add(&mut self, mac: Mac) {
        if !self.as_slice().contains(&mac)
            && let Some(free) = self.macs.get_mut(usize::from(self.count))
        {
            *free = mac;
            self.count += 1;
        }
    }
}

impl FromIterator<Mac> for MacList {
    /// The first few, each once.
    fn from_iter<I: IntoIterator<Item = Mac>>(macs: I) -> Self {
        let mut list = Self::default();
        macs.into_iter().for_each(|mac| list.add(mac));
        list
    }
}

/// The addresses of the client's side and of the server's.
pub type MacLists = [MacList; 2];

/// The addresses of all flows, by the number of the slot.
pub(super) struct Macs {
    places: Box<[MacLists]>,
}

impl Macs {
    pub(super) fn allocate(flows: u32) -> Result<Self, FlowError> {
        let mut places = Vec::new();
        places.try_reserve_exact(flows as usize).map_err(|_| FlowError::OutOfMemory { flows })?;
        places.resize(flows as usize, MacLists::default());
        Ok(Self { places: places.into_boxed_slice() })
    }

    /// Takes the source and destination of a packet of a flow, the `count`th of
    /// its direction.
    #[inline]
    pub(super) fn note(&mut self, index: u32, direction: Direction, macs: Option<(Mac, Mac)>, count: u64) {
        if count <= MACS_PACKETS {
            self.note_first(index, direction, macs);
        }
    }

    fn note_first(&mut self, index: u32, direction: Direction, macs: Option<(Mac, Mac)>) {
        let (Some((src, dst)), Some([client, server])) = (macs, self.places.get_mut(index as usize)) else {
            return;
        };
        let (from, to) = match direction {
            Direction::Up => (client, server),
            Direction::Down => (server, client),
        };
        if !from.begins_with(src) {
            from.add(src);
        }
        if !to.begins_with(dst) {
            to.add(dst);
        }
    }

    /// Forgets the addresses of a flow that has ended.
    pub(super) fn take(&mut self, index: u32) -> MacLists {
        self.places.get_mut(index as usize).map(std::mem::take).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mac(last: u8) -> Mac {
        Mac([2, 0, 0, 0, 0, last])
    }

    fn seen(packets: &[(Direction, u8, u8)]) -> [Vec<Mac>; 2] {
        let Ok(mut macs) = Macs::allocate(2) else { unreachable!("two flows have room") };
        for &(direction, src, dst) in packets {
            macs.note(1, direction, Some((mac(src), mac(dst))), 1);
        }
        macs.note(1, Direction::Up, None, 1);
        macs.note(1, Direction::Up, Some((mac(9), mac(9))), MACS_PACKETS + 1);
        macs.note(7, Direction::Up, Some((mac(1), mac(2))), 1);
        assert_eq!(macs.take(0), MacLists::default());
        let lists = macs.take(1);
        assert_eq!(macs.take(1), MacLists::default(), "what was taken is forgotten");
        lists.map(|list| list.as_slice().to_vec())
    }

    #[test]
    fn a_side_has_its_addresses_whichever_way_packets_go() {
        use Direction::{Down, Up};
        assert_eq!(seen(&[]), [vec![], vec![]]);
        assert_eq!(seen(&[(Up, 1, 2), (Down, 2, 1), (Up, 1, 2)]), [vec![mac(1)], vec![mac(2)]]);
        assert_eq!(
            seen(&[(Up, 3, 4), (Down, 2, 1), (Up, 1, 4), (Up, 3, 2), (Down, 2, 3)]),
            [vec![mac(3), mac(1)], vec![mac(4), mac(2)]]
        );
        assert_eq!(seen(&[(Down, 0, 9)]), [vec![mac(9)], vec![mac(0)]]);
    }

    #[test]
    fn no_flow_has_more_than_its_room() {
        let flood: Vec<_> = (1..=100).map(|src| (Direction::Up, src, 200)).collect();
        assert_eq!(seen(&flood), [vec![mac(1), mac(2), mac(3)], vec![mac(200)]]);
    }
}
