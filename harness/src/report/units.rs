//! Numbers as people read them: three digits that matter, and a unit.

/// A time in microseconds: `840 µs`, `4.12 ms`, `1.50 s`.
pub fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", three_digits(us as f64 / 1e3)),
        _ => format!("{} s", three_digits(us as f64 / 1e6)),
    }
}

/// A size: `512 B`, `38.4 MiB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = size as f64;
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{size} B"),
        _ => format!("{} {}", three_digits(value), UNITS[unit]),
    }
}

/// A count with its thousands apart: `24,103`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A rate or a cost: whole and grouped when large, with decimals when small.
pub fn amount(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value >= 99.95 {
        return count(value.round() as u64);
    }
    three_digits(value)
}

/// How many times as much: `29.7×`.
pub fn times(ratio: f64) -> String {
    match ratio.is_finite() {
        true => format!("{}×", three_digits(ratio)),
        false => "–".to_owned(),
    }
}

/// Two ratios as an interval: `1.38–1.47`.
pub fn span(low: f64, high: f64) -> String {
    format!("{}–{}", three_digits(low), three_digits(high))
}

fn three_digits(value: f64) -> String {
    match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_three_digits_and_their_unit() {
        let shown = [7, 999, 1_000, 4_120, 99_960, 1_500_000].map(micros);
        assert_eq!(
            shown,
            ["7 µs", "999 µs", "1.00 ms", "4.12 ms", "100 ms", "1.50 s"]
        );
    }

    #[test]
    fn sizes_move_to_the_next_unit_before_four_digits() {
        let shown = [512, 1 << 20, 1_048_100, 8_589_934_592].map(bytes);
        assert_eq!(shown, ["512 B", "1.00 MiB", "1.00 MiB", "8.00 GiB"]);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [7, 999, 1_000, 24_103_007].map(count),
            ["7", "999", "1,000", "24,103,007"]
        );
    }

    #[test]
    fn a_rate_that_is_no_number_is_a_dash() {
        assert_eq!(amount(f64::NAN), "–");
    }
}
