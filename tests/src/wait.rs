//! Waiting for something to become true, with a deadline.
//!
//! The only place in the tests that sleeps between two looks: a test that
//! needs a fixed pause to pass is a test that fails on a slower machine.

use std::time::{Duration, Instant};

/// How long to rest between two looks: short against everything waited for,
/// long against the cost of a look.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until `look` answers; panics with `what` when `within` has passed.
pub fn wait_for<T>(what: &str, within: Duration, look: impl FnMut() -> Option<T>) -> T {
    answered(within, look).unwrap_or_else(|| panic!("waited {within:?} in vain for: {what}"))
}

/// Looks until `look` answers; `None` when `within` has passed.
///
/// It looks at least twice, so that a busy machine that slept through the
/// whole time still gets an answer that is there.
pub fn answered<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = look() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return look();
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_soon_as_there_is_an_answer() {
        let mut looks = 0;
        let answer = answered(Duration::from_mins(1), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(answer, Some(3));
    }

    #[test]
    fn gives_up_at_the_deadline() {
        assert_eq!(answered(Duration::ZERO, || None::<()>), None);
    }

    #[test]
    #[should_panic(expected = "a pig that flies")]
    fn says_what_it_waited_for() {
        wait_for("a pig that flies", Duration::ZERO, || None::<()>);
    }
}
