//! Medians with their least and greatest.

/// Some measurements of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds one.
    pub(crate) fn push(&mut self, sample: f64) {
        let place = self.0.partition_point(|&known| known < sample);
        self.0.insert(place, sample);
    }

    /// The middle one; the upper of two.
    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least and the greatest.
    pub(crate) fn range(&self) -> (f64, f64) {
        (self.0.first().copied().unwrap_or(f64::NAN), self.0.last().copied().unwrap_or(f64::NAN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_middle_whatever_the_order() {
        let mut samples = Samples::default();
        for sample in [5.0, 1.0, 9.0, 3.0, 7.0] {
            samples.push(sample);
        }
        assert!((samples.median() - 5.0).abs() < f64::EPSILON);
        assert_eq!(samples.range(), (1.0, 9.0));
    }
}
