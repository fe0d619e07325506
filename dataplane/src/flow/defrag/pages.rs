//! Payload bytes in pages, each at its place in its datagram.
//!
//! A datagram takes pages only where it has bytes: a fragment from its far end
//! costs what one from its start costs. Pages go back to a pool and are used
//! again, so that a steady stream of fragments does not allocate.

use std::ops::Range;

/// Bytes of payload in a page.
pub(super) const PAGE_LEN: usize = 1024;

/// What a page costs of the memory: itself, and what an allocator adds to it.
pub(super) const PAGE_COST: usize = size_of::<Page>() + 16;

/// Bytes of a datagram from `number * PAGE_LEN` on.
#[derive(Debug)]
pub(super) struct Page {
    bytes: [u8; PAGE_LEN],
    number: usize,
    /// Another page of the datagram (there are 64 of them at most) or of the pool.
    next: Option<Box<Self>>,
}

/// The pages of one datagram, the newest first.
#[derive(Debug, Default)]
pub(super) struct Pages(Option<Box<Page>>);

/// Pages that are not in use.
#[derive(Debug, Default)]
pub(super) struct Pool {
    first: Option<Box<Page>>,
    len: usize,
}

impl Pool {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    fn pop(&mut self) -> Option<Box<Page>> {
        let mut page = self.first.take()?;
        self.first = page.next.take();
        self.len -= 1;
        Some(page)
    }

    /// Frees a page; whether there was one.
    pub(super) fn shrink(&mut self) -> bool {
        self.pop().is_some()
    }

    fn take(&mut self) -> Box<Page> {
        self.pop().unwrap_or_else(|| Box::new(Page { bytes: [0; PAGE_LEN], number: 0, next: None }))
    }

    /// Takes back all pages of a datagram.
    pub(super) fn take_back(&mut self, pages: &mut Pages) {
        while let Some(mut page) = pages.0.take() {
            pages.0 = page.next.take();
            page.next = self.first.take();
            self.first = Some(page);
            self.len += 1;
        }
    }
}

impl Drop for Pool {
    /// One by one: left to itself, each page would free the next, thousands deep.
    fn drop(&mut self) {
        while self.shrink() {}
    }
}

impl Pages {
    fn iter(&self) -> impl Iterator<Item = &Page> {
        std::iter::successors(self.0.as_deref(), |page| page.next.as_deref())
    }

    fn page(&self, number: usize) -> Option<&Page> {
        self.iter().find(|page| page.number == number)
    }

    /// How many pages are missing to hold these bytes.
    pub(super) fn missing(&self, range: Range<usize>) -> usize {
        numbers(range).filter(|&number| self.page(number).is_none()).count()
    }

    /// Writes bytes at their place; how many pages that took from the pool, or
    /// from the system where it had none.
    pub(super) fn write(&mut self, pool: &mut Pool, at: usize, bytes: &[u8]) -> usize {
        let mut taken = 0;
        let range = at..at + bytes.len();
        for number in numbers(range.clone()) {
            if self.page(number).is_none() {
                let mut page = pool.take();
                (page.number, page.next) = (number, self.0.take());
                self.0 = Some(page);
                taken += 1;
            }
            let (within, of_bytes) = part(number, &range);
            let mut cursor = self.0.as_deref_mut();
            while let Some(page) = cursor {
                if page.number == number {
                    if let (Some(to), Some(from)) = (page.bytes.get_mut(within), bytes.get(of_bytes)) {
                        to.copy_from_slice(from);
                    }
                    break;
                }
                cursor = page.next.as_deref_mut();
            }
        }
        taken
    }

    /// Whether these bytes stand there.
    pub(super) fn hold(&self, at: usize, bytes: &[u8]) -> bool {
        let range = at..at + bytes.len();
        numbers(range.clone()).all(|number| {
            let (within, of_bytes) = part(number, &range);
            self.page(number).is_some_and(|page| page.bytes.get(within) == bytes.get(of_bytes))
        })
    }

    /// Copies all that is there to its place in `payload`.
    pub(super) fn read(&self, payload: &mut [u8]) {
        for page in self.iter() {
            let rest = payload.get_mut(page.number * PAGE_LEN..).unwrap_or_default();
            rest.iter_mut().zip(&page.bytes).for_each(|(to, from)| *to = *from);
        }
    }
}

/// The numbers of the pages that these bytes are in.
fn numbers(range: Range<usize>) -> Range<usize> {
    range.start / PAGE_LEN..range.end.div_ceil(PAGE_LEN)
}

/// The part of the range that is in the page: within the page, and within the range.
fn part(number: usize, range: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let start = number * PAGE_LEN;
    let (from, to) = (range.start.max(start), range.end.min(start + PAGE_LEN));
    (from - start..to - start, from - range.start..to - range.start)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that goes out of bounds is to fail")]
mod tests {
    use super::*;

    #[test]
    fn a_pool_of_any_size_is_freed_without_running_out_of_stack() {
        let (mut pages, mut pool) = (Pages::default(), Pool::default());
        for _ in 0..200_000 {
            pages.write(&mut Pool::default(), 0, &[1]);
            pool.take_back(&mut pages);
        }
        assert_eq!(pool.len(), 200_000);
    }

    #[test]
    fn bytes_are_read_where_they_were_written_and_take_only_the_pages_they_are_in() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
        let (mut pages, mut pool) = (Pages::default(), Pool::default());
        assert_eq!(pages.missing(60_000..63_000), 4);
        assert_eq!(pages.write(&mut pool, 60_000, &bytes), 4);
        assert_eq!(pages.write(&mut pool, 1023, &bytes[..2]), 2);
        assert_eq!((pages.missing(60_000..63_000), pages.missing(0..2048)), (0, 0));
        assert_eq!(pages.missing(0..2049), 1);
        assert!(pages.hold(60_000, &bytes));
        assert!(!pages.hold(60_001, &bytes));
        assert!(!pages.hold(30_000, &[0]));
        let mut payload = vec![0; 63_000];
        pages.read(&mut payload);
        assert_eq!(&payload[60_000..], bytes);
        assert_eq!(&payload[1023..1025], &bytes[..2]);
        pool.take_back(&mut pages);
        assert_eq!(pool.len(), 6);
        assert_eq!(pages.write(&mut pool, 0, &bytes[..1]), 1);
        assert_eq!(pool.len(), 5, "a page of the pool is used again");
    }
}
