//! The code that strings of HPACK are packed with (RFC 7541, appendix B).
//!
//! It is canonical: within a length, codes count up with the symbols, and the next
//! length goes on where the one before ended. So the lengths are all that is to be
//! known.

/// The symbols of each length of code, in bits. The last, 256, ends a string that
/// is not padded, and must not occur.
const LENGTHS: [(u32, &[u16]); 21] = [
    (5, &[48, 49, 50, 97, 99, 101, 105, 111, 115, 116]),
    (
        6,
        &[
            32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109,
            110, 112, 114, 117,
        ],
    ),
    (
        7,
        &[
            58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89,
            106, 107, 113, 118, 119, 120, 121, 122,
        ],
    ),
    (8, &[38, 42, 44, 59, 88, 90]),
    (10, &[33, 34, 40, 41, 63]),
    (11, &[39, 43, 124]),
    (12, &[35, 62]),
    (13, &[0, 36, 64, 91, 93, 126]),
    (14, &[94, 125]),
    (15, &[60, 96, 123]),
    (19, &[92, 195, 208]),
    (20, &[128, 130, 131, 162, 184, 194, 224, 226]),
    (21, &[153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230]),
    (
        22,
        &[
            129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187,
            189, 190, 196, 198, 228, 232, 233,
        ],
    ),
    (
        23,
        &[
            1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174,
            175, 180, 182, 183, 188, 191, 197, 231, 239,
        ],
    ),
    (24, &[9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237]),
    (25, &[199, 207, 234, 235]),
    (26, &[192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255]),
    (27, &[203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254]),
    (
        28,
        &[
            2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31,
            127, 220, 249,
        ],
    ),
    (30, &[10, 13, 22, 256]),
];

/// Fewer bits than a byte may be left at the end; they are ones.
const PADDING_MAX: u32 = 7;

/// Unpacks a string; `None` if it is not packed like this.
pub(super) fn decode(packed: &[u8], out: &mut Vec<u8>) -> Option<()> {
    // The bits not decoded yet, the next one uppermost, and how many there are.
    let (mut window, mut count) = (0_u64, 0);
    let mut bytes = packed.iter();
    loop {
        while count <= 56
            && let Some(byte) = bytes.next()
        {
            window |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        let Some((symbol, len)) = symbol(window).filter(|(_, len)| *len <= count) else {
            // What is left is padding, or a code that is cut.
            let ones = if count == 0 { 0 } else { u64::MAX << (64 - count) };
            return (count <= PADDING_MAX && window == ones).then_some(());
        };
        out.push(u8::try_from(symbol).ok()?);
        window <<= len;
        count -= len;
    }
}

/// The symbol whose code stands uppermost, and the code's length.
fn symbol(window: u64) -> Option<(u16, u32)> {
    let (mut first, mut last_len) = (0_u64, 0);
    for (len, symbols) in LENGTHS {
        first <<= len - last_len;
        last_len = len;
        let place = (window >> (64 - len)).checked_sub(first)?;
        if let Some(symbol) = usize::try_from(place).ok().and_then(|place| symbols.get(place)) {
            return Some((*symbol, len));
        }
        first += symbols.len() as u64;
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn decoded(packed: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        decode(packed, &mut out)?;
        Some(String::from_utf8_lossy(&out).into_owned())
    }

    /// The code of each symbol, by its length.
    fn codes() -> Vec<(u16, u64, u32)> {
        let (mut next, mut last_len) = (0, 0);
        let mut codes = Vec::new();
        for (len, symbols) in LENGTHS {
            next <<= len - last_len;
            last_len = len;
            for symbol in symbols {
                codes.push((*symbol, next, len));
                next += 1;
            }
        }
        assert_eq!(next, 1 << last_len, "the code is complete");
        codes
    }

    #[test]
    fn the_samples_of_the_standard_decode() {
        // RFC 7541, appendix C.4 and C.6.
        assert_eq!(
            decoded(b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff").as_deref(),
            Some("www.example.com")
        );
        assert_eq!(decoded(b"\xa8\xeb\x10\x64\x9c\xbf").as_deref(), Some("no-cache"));
        assert_eq!(decoded(b"\x64\x02").as_deref(), Some("302"));
        assert_eq!(decoded(b"").as_deref(), Some(""));
    }

    #[test]
    fn each_byte_decodes_from_its_code() {
        for (symbol, code, len) in codes().into_iter().filter(|(symbol, ..)| *symbol < 256) {
            let bits = code << (64 - len) | (u64::MAX >> len);
            let packed = bits.to_be_bytes();
            let packed = &packed[..len.div_ceil(8) as usize];
            let mut out = Vec::new();
            assert_eq!(decode(packed, &mut out), Some(()), "{symbol}");
            assert_eq!(out, [u8::try_from(symbol).unwrap_or_default()]);
        }
    }

    #[test]
    fn what_ends_otherwise_than_with_a_few_ones_is_refused() {
        // A zero in the padding; a byte of padding too much; the end of strings.
        assert_eq!(decoded(b"\x00"), None);
        assert_eq!(decoded(b"\x64\x02\xff"), None);
        assert_eq!(decoded(b"\xff\xff\xff\xff"), None);
        assert_eq!(decoded(b"\xff"), None);
    }
}
