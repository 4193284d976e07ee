//! Where a sweep over concurrency may stop: more connections make it no faster.

/// The best rate so far, and for how long nothing was better.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Knee {
    best: f64,
    in_vain: u32,
}

/// A gain below this is none.
const GAIN: f64 = 0.03;

/// So many steps without a gain are the end: one alone may be bad luck.
const STEPS: u32 = 2;

impl Knee {
    /// Takes the rate of the next step.
    pub(super) fn see(&mut self, rps: f64) {
        if rps > self.best * (1.0 + GAIN) {
            self.in_vain = 0;
        } else {
            self.in_vain += 1;
        }
        self.best = self.best.max(rps);
    }

    /// Whether further steps would tell nothing.
    pub(super) fn is_past(&self) -> bool {
        self.in_vain >= STEPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_ends_after_two_steps_without_a_gain() {
        let mut knee = Knee::default();
        let past = [100.0, 190.0, 350.0, 352.0, 420.0, 410.0, 425.0].map(|rps| {
            knee.see(rps);
            knee.is_past()
        });
        assert_eq!(past, [false, false, false, false, false, false, true]);
    }
}
