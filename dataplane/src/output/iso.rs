//! Times as EVE writes them: `2026-11-21T09:05:00.123456+0000`.
//!
//! Always UTC, so that lines from several gateways sort and no line depends on
//! the machine that wrote it. Formatted by hand into a fixed array: a line has
//! up to three times, and no allocation.

use serde::ser::{Error, Serialize, Serializer};

use crate::time::Timestamp;

/// Bytes in a written time.
const LEN: usize = 31;

/// A time that serialises as EVE writes it.
#[derive(Clone, Copy)]
pub(super) struct Iso(pub(super) Timestamp);

impl Iso {
    /// The text, all ASCII.
    pub(super) fn bytes(self) -> [u8; LEN] {
        let Self(at) = self;
        let (days, second) = (at.as_secs() / 86_400, at.as_secs() % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let micros = u64::from(at.subsec_micros());
        let digit = |number: u64, unit: u64| b'0' + (number / unit % 10).to_le_bytes()[0];
        let [tens, ones] = [10, 1];
        [
            digit(year, 1000),
            digit(year, 100),
            digit(year, tens),
            digit(year, ones),
            b'-',
            digit(month, tens),
            digit(month, ones),
            b'-',
            digit(day, tens),
            digit(day, ones),
            b'T',
            digit(hour, tens),
            digit(hour, ones),
            b':',
            digit(minute, tens),
            digit(minute, ones),
            b':',
            digit(second, tens),
            digit(second, ones),
            b'.',
            digit(micros, 100_000),
            digit(micros, 10_000),
            digit(micros, 1000),
            digit(micros, 100),
            digit(micros, tens),
            digit(micros, ones),
            b'+',
            b'0',
            b'0',
            b'0',
            b'0',
        ]
    }
}

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.bytes()).map_err(S::Error::custom)?)
    }
}

/// Year, month and day of the day with this number, 1970-01-01 being 0.
///
/// Years are counted from March, so that the leap day is the last of its year,
/// in cycles of 400 years, after which the calendar repeats (Howard Hinnant,
/// "chrono-compatible low-level date algorithms", `civil_from_days`).
const fn civil(days: u64) -> (u64, u64, u64) {
    /// Days from 0000-03-01 to 1970-01-01.
    const EPOCH: u64 = 719_468;
    /// Days in 400 years.
    const CYCLE: u64 = 146_097;
    let days = days + EPOCH;
    let (cycle, day) = (days / CYCLE, days % CYCLE);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = year + 400 * cycle;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(nanos: u64) -> String {
        Iso(Timestamp::from_nanos(nanos)).bytes().iter().map(|&byte| char::from(byte)).collect()
    }

    #[test]
    fn writes_known_times() {
        assert_eq!(text(0), "1970-01-01T00:00:00.000000+0000");
        assert_eq!(text(1_795_251_900_123_456_789), "2026-11-21T09:05:00.123456+0000");
        assert_eq!(text(951_782_400_000_000_000), "2000-02-29T00:00:00.000000+0000");
        assert_eq!(text(951_868_799_999_999_999), "2000-02-29T23:59:59.999999+0000");
        assert_eq!(text(951_868_800_000_000_000), "2000-03-01T00:00:00.000000+0000");
        assert_eq!(text(u64::MAX), "2554-07-21T23:34:33.709551+0000");
    }

    /// Counts year by year and month by month, as one would on paper.
    fn by_counting(mut days: u64) -> (u64, u64, u64) {
        let leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let mut year = 1970;
        while days >= 365 + u64::from(leap(year)) {
            days -= 365 + u64::from(leap(year));
            year += 1;
        }
        let february = 28 + u64::from(leap(year));
        for (month, length) in (1..).zip([31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
            if days < length {
                return (year, month, days + 1);
            }
            days -= length;
        }
        unreachable!("a day beyond its year")
    }

    #[test]
    fn every_day_has_its_date() {
        for day in 0..=u64::MAX / 1_000_000_000 / 86_400 {
            assert_eq!(civil(day), by_counting(day), "day {day}");
        }
    }

    proptest! {
        #[test]
        fn every_nanosecond_has_its_text(nanos: u64) {
            let secs = nanos / 1_000_000_000;
            let (year, month, day) = by_counting(secs / 86_400);
            prop_assert_eq!(
                text(nanos),
                format!(
                    "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}+0000",
                    secs / 3600 % 24,
                    secs / 60 % 60,
                    secs % 60,
                    nanos % 1_000_000_000 / 1000
                )
            );
        }
    }
}
