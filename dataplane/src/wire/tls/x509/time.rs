//! Times in certificates (RFC 5280 section 4.1.2.5), as seconds since 1970.
//!
//! Seconds left out, fractions and offsets from UTC, all of which X.690 knows and
//! RFC 5280 forbids, are read as what they mean.

use super::super::super::Malformed;
use super::der::{Der, tag};

/// Seconds since the start of 1970 in UTC, leap seconds not counted; negative
/// before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    pub(super) fn read(der: &mut Der<'_>) -> Result<Self, Malformed> {
        let value = der.value()?;
        let mut digits = Digits(value.content);
        let year = match value.tag {
            // Two digits are of 1950 to 2049.
            tag::UTC_TIME => {
                let year = digits.two()?;
                year + if year < 50 { 2000 } else { 1900 }
            }
            tag::GENERALIZED_TIME => digits.two()? * 100 + digits.two()?,
            _ => return Err(Malformed::Unsupported),
        };
        let (month, day, hour, minute) = (digits.two()?, digits.two()?, digits.two()?, digits.two()?);
        let second = if digits.begins_with_a_digit() { digits.two()? } else { 0 };
        let is_date = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
        if !is_date || hour > 24 || minute > 59 || second > 60 {
            return Err(Malformed::Unsupported);
        }
        let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Ok(Self(seconds - digits.offset()?))
    }
}

impl std::fmt::Display for Time {
    /// As events write it: `2017-03-23T00:00:00`, in UTC.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = date(self.0.div_euclid(86_400));
        let second = self.0.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// What is left of a time.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn two(&mut self) -> Result<i64, Malformed> {
        let (&[tens, ones], rest) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
            return Err(Malformed::Unsupported);
        }
        self.0 = rest;
        Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    }

    fn begins_with_a_digit(&self) -> bool {
        self.0.first().is_some_and(u8::is_ascii_digit)
    }

    /// How many seconds local time is ahead of UTC.
    fn offset(&mut self) -> Result<i64, Malformed> {
        if let Some(fraction) = self.0.strip_prefix(b".").or_else(|| self.0.strip_prefix(b",")) {
            let end = fraction.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(fraction.len());
            self.0 = fraction.get(end..).unwrap_or_default();
        }
        let sign = match self.0 {
            // Without an offset it is local time, of which no more is known.
            [] | [b'Z'] => return Ok(0),
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return Err(Malformed::Unsupported),
        };
        self.0 = self.0.get(1..).unwrap_or_default();
        let offset = self.two()? * 3600 + self.two()? * 60;
        if self.0.is_empty() { Ok(sign * offset) } else { Err(Malformed::BadLength) }
    }
}

const fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// By counting years from March, so that the leap day is the last of its year.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse: year, month, day.
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = days.div_euclid(146_097) * 400 + year_of_era;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(tag: u8, text: &str) -> Result<i64, Malformed> {
        let mut bytes = vec![tag, u8::try_from(text.len()).unwrap()];
        bytes.extend(text.as_bytes());
        Time::read(&mut Der::new(&bytes)).map(|time| time.0)
    }

    #[test]
    fn reads_both_forms() {
        assert_eq!(read(0x17, "700101000000Z"), Ok(0));
        assert_eq!(read(0x17, "170323000000Z"), Ok(1_490_227_200));
        assert_eq!(read(0x17, "491231235959Z"), Ok(2_524_607_999));
        assert_eq!(read(0x17, "500101000000Z"), Ok(-631_152_000));
        assert_eq!(read(0x18, "20000229120000Z"), Ok(951_825_600));
        assert_eq!(read(0x18, "99991231235959Z"), Ok(253_402_300_799));
        assert_eq!(read(0x18, "00010101000000Z"), Ok(-62_135_596_800));
    }

    #[test]
    fn is_written_as_events_write_it() {
        assert_eq!(Time(1_490_227_200).to_string(), "2017-03-23T00:00:00");
        assert_eq!(Time(-1).to_string(), "1969-12-31T23:59:59");
        assert_eq!(Time(253_402_300_799).to_string(), "9999-12-31T23:59:59");
    }

    #[test]
    fn reads_what_is_forbidden_and_met() {
        assert_eq!(read(0x17, "7001010001Z"), Ok(60));
        assert_eq!(read(0x17, "700101010000+0100"), Ok(0));
        assert_eq!(read(0x18, "19700101000000.25-0030"), Ok(1800));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "70",
            "701301000000Z",
            "700230000000Z",
            "700101250000Z",
            "7001010000xxZ",
            "700101000000+01",
            "700101000000ZZ",
        ] {
            assert!(read(0x17, text).is_err(), "{text}");
        }
        assert_eq!(read(0x04, "700101000000Z"), Err(Malformed::Unsupported));
    }

    proptest! {
        #[test]
        fn a_day_later_is_a_day_more(days in -700_000_i64..2_900_000) {
            // The inverse by counting, from the same calendar.
            let (mut year, mut left) = (1970, days);
            let len = |year| if days_of(year, 2) == 29 { 366 } else { 365 };
            while left < 0 { year -= 1; left += len(year); }
            while left >= len(year) { left -= len(year); year += 1; }
            let mut month = 1;
            while left >= days_of(year, month) { left -= days_of(year, month); month += 1; }
            prop_assert_eq!(days_since_1970(year, month, left + 1), days);
            prop_assert_eq!(date(days), (year, month, left + 1));
        }
    }
}
