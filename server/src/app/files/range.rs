//! The part of a file that a client asks for (RFC 9110 section 14).

/// Which bytes to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them.
    Whole,
    /// From the first to the last, both included.
    Of(u64, u64),
    /// None: what was asked for lies behind the end.
    OutOfReach,
}

/// Reads `Range` for a file of `size` bytes. What is not one range of bytes is passed over, as it may
/// be.
pub(super) fn part(range: &str, size: u64) -> Part {
    let Some(spec) = range.trim().strip_prefix("bytes=") else {
        return Part::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Part::Whole;
    };
    match (number(first), number(last)) {
        (None, Some(0)) if first.is_empty() => Part::OutOfReach,
        (None, Some(count)) if first.is_empty() => match size {
            0 => Part::OutOfReach,
            _ => Part::Of(size - count.min(size), size - 1),
        },
        (Some(first), _) if last.is_empty() => within(first, size.saturating_sub(1), size),
        (Some(first), Some(last)) if first <= last => within(first, last, size),
        _ => Part::Whole,
    }
}

fn within(first: u64, last: u64, size: u64) -> Part {
    match first < size {
        true => Part::Of(first, last.min(size - 1)),
        false => Part::OutOfReach,
    }
}

fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_file() {
        assert_eq!(part("bytes=0-4", 10), Part::Of(0, 4));
        assert_eq!(part("bytes=5-", 10), Part::Of(5, 9));
        assert_eq!(part("bytes=5-99", 10), Part::Of(5, 9));
        assert_eq!(part("bytes=-3", 10), Part::Of(7, 9));
        assert_eq!(part("bytes=-30", 10), Part::Of(0, 9));
    }

    #[test]
    fn a_range_behind_the_end_is_out_of_reach() {
        for (range, size) in [
            ("bytes=10-", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=-1", 0),
        ] {
            assert_eq!(part(range, size), Part::OutOfReach, "{range} of {size}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_passed_over() {
        for range in [
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=4-2",
            "bytes=x-",
            "bytes=-",
            "bytes",
        ] {
            assert_eq!(part(range, 10), Part::Whole, "{range}");
        }
    }
}
