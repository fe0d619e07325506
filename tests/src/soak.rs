//! How much `make soak` is to do.

/// So much of a soak test's full size as `TIDEGATE_SOAK_PERCENT` asks for: all
/// of it when that is unset.
pub fn scaled(full: u64) -> u64 {
    let asked = std::env::var("TIDEGATE_SOAK_PERCENT").ok();
    let percent = asked.as_deref().map_or(100.0, |text| {
        let percent = text.parse::<f64>().ok().filter(|percent| *percent > 0.0 && *percent <= 100.0);
        percent.unwrap_or_else(|| panic!("TIDEGATE_SOAK_PERCENT is {text:?}: a number above 0, up to 100"))
    });
    share(full, percent)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number far below 2^52"
)]
fn share(full: u64, percent: f64) -> u64 {
    ((full as f64 * percent / 100.0) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_nothing() {
        assert_eq!(share(10_000_000_000, 100.0), 10_000_000_000);
        assert_eq!(share(10_000_000_000, 0.5), 50_000_000);
        assert_eq!(share(10, 0.5), 1);
    }
}
