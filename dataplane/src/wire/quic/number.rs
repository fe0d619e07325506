//! Numbers of variable length (RFC 9000 section 16): the first two bits say how
//! many bytes there are.

use super::super::Malformed;
use super::super::reader::Reader;

/// The greatest number that can be written: 2^62 - 1.
pub const MAX: u64 = (1 << 62) - 1;

/// The next number; any of its forms is as good as the shortest.
pub(crate) fn read(reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let first = reader.u8()?;
    let rest = reader.take((1 << (first >> 6)) - 1).map_err(|_| Malformed::Truncated)?;
    Ok(rest.iter().fold(u64::from(first & 0x3f), |number, byte| number << 8 | u64::from(*byte)))
}

/// As many bytes as the number before them says.
pub(crate) fn read_vector<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let len = usize::try_from(read(reader)?).map_err(|_| Malformed::BeyondEnd)?;
    reader.take(len)
}

/// Appends a number in its shortest form; of one beyond [`MAX`] the low 62 bits.
pub fn write(number: u64, out: &mut Vec<u8>) {
    let (form, len) = match number & MAX {
        0..=0x3f => (0, 1),
        0x40..=0x3fff => (1_u64, 2),
        0x4000..=0x3fff_ffff => (2, 4),
        _ => (3, 8),
    };
    let bytes = (number & MAX | form << (8 * len - 2)).to_be_bytes();
    out.extend(bytes.iter().skip(bytes.len() - len));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_examples_of_rfc_9000() {
        for (bytes, number) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            let mut reader = Reader::new(bytes);
            assert_eq!((read(&mut reader), reader.is_empty()), (Ok(number), true));
            for len in 0..bytes.len() {
                let part = bytes.get(..len).unwrap_or_default();
                assert_eq!(read(&mut Reader::new(part)), Err(Malformed::Truncated));
            }
        }
    }

    #[test]
    fn a_vector_that_promises_more_than_there_is_is_refused() {
        assert_eq!(read_vector(&mut Reader::new(&[2, 1, 2, 3])), Ok(&[1, 2][..]));
        assert_eq!(read_vector(&mut Reader::new(&[2, 1])), Err(Malformed::BeyondEnd));
        assert_eq!(read_vector(&mut Reader::new(&[0xff; 8])), Err(Malformed::BeyondEnd));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in 0..=MAX) {
            let mut bytes = Vec::new();
            write(number, &mut bytes);
            prop_assert_eq!(read(&mut Reader::new(&bytes)), Ok(number));
        }
    }
}
