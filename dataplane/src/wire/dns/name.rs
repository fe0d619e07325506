//! Names and their compression (RFC 1035 sections 3.1 and 4.1.4).
//!
//! A pointer has to go back, before where the part of the name that it ends
//! began: no name runs in circles. One that goes to what was walked already is a
//! loop; one that goes beyond is refused, because nobody writes what is still to
//! come.
//!
//! Names longer than the 255 bytes that DNS allows are read all the same, since
//! servers do: up to [`TEXT_MAX`], where dnsmasq stops too.

use std::fmt;

use super::super::Malformed;
use super::texts::Text;

/// The most labels and pointers of a name.
pub const STEPS_MAX: usize = 255;

/// The longest name that is shown, in bytes with the dots between its labels.
pub const TEXT_MAX: usize = 1025;

/// The longest label (RFC 1035 section 2.3.4).
pub const LABEL_MAX: usize = 63;

bitflags::bitflags! {
    /// What is wrong with a name that is read all the same, as far as it is.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Flaws: u8 {
        /// It is longer than [`TEXT_MAX`].
        const TOO_LONG = 1;
        /// A pointer leads to what it comes from.
        const LOOP = 2;
        /// It has more than [`STEPS_MAX`] labels and pointers.
        const TOO_MANY_LABELS = 4;
    }
}

/// A name in a message.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    message: &'a [u8],
    at: usize,
    labels: u8,
    /// What is wrong with it; it is cut there.
    pub flaws: Flaws,
}

impl<'a> Name<'a> {
    /// Decodes the name at a place of a message; gives how many bytes were walked,
    /// and where what follows it begins.
    pub(super) fn decode(message: &'a [u8], at: usize) -> Result<(Self, usize, usize), Malformed> {
        let mut walk = Walk { message, at, start: at, next: None };
        let (mut labels, mut text_len, mut walked) = (0_u8, 0, 0);
        let mut flaws = Flaws::empty();
        for _ in 0..STEPS_MAX {
            match walk.step()? {
                Step::Label(label) => {
                    walked += label.len() + 1;
                    // What is too long is read on, to find where it ends.
                    if text_len <= TEXT_MAX {
                        labels += 1;
                        text_len += label.len() + usize::from(text_len > 0);
                    }
                    if text_len > TEXT_MAX {
                        flaws |= Flaws::TOO_LONG;
                    }
                }
                Step::Pointer => walked += 2,
                Step::Loop => flaws |= Flaws::LOOP,
                Step::Root => {
                    let next = walk.next.unwrap_or(walk.at);
                    return Ok((Self { message, at, labels, flaws }, walked + 1, next));
                }
            }
            if let Some(next) = walk.next
                && !flaws.is_empty()
            {
                return Ok((Self { message, at, labels, flaws }, walked, next));
            }
        }
        // Where the next thing begins is known only behind a pointer.
        let next = walk.next.ok_or(Malformed::TooDeep)?;
        Ok((Self { message, at, labels, flaws: flaws | Flaws::TOO_MANY_LABELS }, walked, next))
    }

    /// Its labels, the leftmost first, without the root's.
    pub fn labels(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut walk = Walk { message: self.message, at: self.at, start: self.at, next: None };
        let labels = std::iter::from_fn(move || {
            loop {
                match walk.step() {
                    Ok(Step::Label(label)) => return Some(label),
                    Ok(Step::Pointer) => {}
                    Ok(Step::Root | Step::Loop) | Err(_) => return None,
                }
            }
        });
        labels.take(self.labels.into())
    }

    /// Whether it is the root.
    pub const fn is_root(&self) -> bool {
        self.labels == 0
    }

    /// Whether it is shown only in part.
    pub fn is_cut(&self) -> bool {
        !self.flaws.is_empty()
    }
}

impl fmt::Display for Name<'_> {
    /// The labels with dots between them, none at the end; nothing for the root.
    /// Nothing is escaped but bytes that are no UTF-8.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = TEXT_MAX;
        for (place, label) in self.labels().enumerate() {
            if place > 0 {
                f.write_str(".")?;
                room = room.saturating_sub(1);
            }
            let shown = label.get(..label.len().min(room)).unwrap_or_default();
            room -= shown.len();
            write!(f, "{}", Text(shown))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl PartialEq for Name<'_> {
    /// Whether the labels are the same, in the same case.
    fn eq(&self, other: &Self) -> bool {
        self.labels().eq(other.labels())
    }
}

impl Eq for Name<'_> {}

/// What stands at a place of a name.
enum Step<'a> {
    Label(&'a [u8]),
    /// A pointer that was followed.
    Pointer,
    /// A pointer to what it comes from.
    Loop,
    Root,
}

/// On the way through a name.
struct Walk<'a> {
    message: &'a [u8],
    at: usize,
    /// Where the labels that are read now begin; pointers go before it.
    start: usize,
    /// What follows the first pointer.
    next: Option<usize>,
}

impl<'a> Walk<'a> {
    fn step(&mut self) -> Result<Step<'a>, Malformed> {
        let (&first, rest) =
            self.message.get(self.at..).and_then(<[u8]>::split_first).ok_or(Malformed::Truncated)?;
        match first {
            0 => {
                self.at += 1;
                Ok(Step::Root)
            }
            1..=0x3f => {
                let label = rest.get(..first.into()).ok_or(Malformed::BeyondEnd)?;
                self.at += 1 + label.len();
                Ok(Step::Label(label))
            }
            0xc0.. => {
                let second = *rest.first().ok_or(Malformed::Truncated)?;
                let to = usize::from(u16::from_be_bytes([first & 0x3f, second]));
                if to > self.at {
                    return Err(Malformed::BeyondEnd);
                }
                let is_first = self.next.is_none();
                self.next.get_or_insert(self.at + 2);
                if to >= self.start {
                    // Of a name that is nothing but its own beginning, nothing is known.
                    return if is_first && to == self.at { Err(Malformed::TooDeep) } else { Ok(Step::Loop) };
                }
                (self.at, self.start) = (to, to);
                Ok(Step::Pointer)
            }
            // Types of labels that were tried and given up (RFC 6891 section 5).
            0x40..=0xbf => Err(Malformed::Unsupported),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

    use super::*;

    fn name(message: &[u8], at: usize) -> (String, Flaws, usize) {
        let (name, _, next) = Name::decode(message, at).unwrap();
        (name.to_string(), name.flaws, next)
    }

    #[test]
    fn a_name_goes_on_where_its_pointer_leads() {
        let message = b"\x03org\0\x07example\xc0\0\x03www\xc0\x05!";
        assert_eq!(name(message, 0), ("org".into(), Flaws::empty(), 5));
        assert_eq!(name(message, 5), ("example.org".into(), Flaws::empty(), 15));
        assert_eq!(name(message, 15), ("www.example.org".into(), Flaws::empty(), 21));
        assert_eq!(name(b"\0", 0), (String::new(), Flaws::empty(), 1));
    }

    #[test]
    fn a_loop_is_seen_and_a_pointer_ahead_refused() {
        assert_eq!(Name::decode(b"\xc0\0", 0).unwrap_err(), Malformed::TooDeep);
        assert_eq!(Name::decode(b"\xc0\x02\x01a\0", 0).unwrap_err(), Malformed::BeyondEnd);
        assert_eq!(name(b"\x01a\xc0\0", 0), ("a".into(), Flaws::LOOP, 4));
        assert_eq!(name(b"\x01a\xc0\x02\xc0\0", 4), ("a".into(), Flaws::LOOP, 6));
        // Two that point to each other: one of them points ahead.
        assert_eq!(Name::decode(b"\xc0\x02\xc0\0", 2).unwrap_err(), Malformed::BeyondEnd);
    }

    #[test]
    fn steps_and_text_are_bounded() {
        let mut chain = vec![1, b'x', 0];
        for step in 0..300_u16 {
            let to = if step == 0 { 0 } else { 3 + (step - 1) * 2 };
            chain.extend((0xc000 | to).to_be_bytes());
        }
        assert_eq!(name(&chain, 3 + 250 * 2).0, "x");
        let (_, flaws, next) = name(&chain, 3 + 299 * 2);
        assert_eq!((flaws, next), (Flaws::TOO_MANY_LABELS, chain.len()));

        let labels = |count| [[1, b'y'].repeat(count), vec![0]].concat();
        assert_eq!(name(&labels(254), 0).0.len(), 507);
        assert_eq!(Name::decode(&labels(255), 0).unwrap_err(), Malformed::TooDeep);

        let long = [[vec![63], vec![b'z'; 63]].concat().repeat(20), vec![0]].concat();
        let (text, flaws, next) = name(&long, 0);
        assert_eq!((text.len(), flaws, next), (TEXT_MAX, Flaws::TOO_LONG, long.len()));
    }

    #[test]
    fn labels_that_end_early_or_are_of_another_kind_are_refused() {
        for bad in [&b""[..], b"\x03ww", b"\x01a", b"\xc0"] {
            assert!(matches!(Name::decode(bad, 0).unwrap_err(), Malformed::Truncated | Malformed::BeyondEnd));
        }
        assert_eq!(Name::decode(b"\x41\x01\0", 0).unwrap_err(), Malformed::Unsupported);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_numbers() {
        assert_eq!(name(b"\x04a\xff\xc3\xa9\0", 0).0, "a\\xffé");
    }
}
