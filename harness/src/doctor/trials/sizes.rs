//! How large a head may be, by bisection.

/// Octets that are tried at most: what one uwsgi packet can carry, and more than gateways pass on.
pub(super) const MOST: usize = 60_000;

/// Where it stops to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// Nothing that was tried is too large.
    Beyond(usize),
    /// So much works, and the next step does not.
    At(usize),
}

/// The largest size that works between one that does and [`MOST`]; `step` is how exactly.
pub(super) fn bisect(
    from: usize,
    most: usize,
    step: usize,
    mut works: impl FnMut(usize) -> bool,
) -> Limit {
    if works(most) {
        return Limit::Beyond(most);
    }
    let (mut good, mut bad) = (from, most);
    while bad - good > step.max(1) {
        let middle = good + (bad - good) / 2;
        match works(middle) {
            true => good = middle,
            false => bad = middle,
        }
    }
    Limit::At(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_size_that_works_is_found_exactly() {
        for limit in [1, 2, 4095, 4096, 59_999] {
            assert_eq!(bisect(1, MOST, 1, |size| size <= limit), Limit::At(limit));
        }
        assert_eq!(bisect(1, MOST, 1, |_| true), Limit::Beyond(MOST));
    }

    #[test]
    fn a_coarse_search_asks_seldom() {
        let mut asked = 0;
        let found = bisect(0, MOST, 4096, |size| {
            asked += 1;
            size <= 8192
        });
        assert!(asked <= 6, "{asked}");
        assert!(matches!(found, Limit::At(size) if (4096..=8192).contains(&size)));
    }
}
