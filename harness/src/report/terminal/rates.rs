//! Throughput: rates side by side, what a request costs, and reasons to doubt.

use super::paint::{Align, BOLD, CYAN, DIM, GREEN, Line, MAGENTA, PLAIN, Page, YELLOW};
use crate::{
    report::{
        contest::{self, Contest, Footnotes},
        text::{self, visible},
        units,
    },
    results::{CpuSplit, Results, Throughput},
    stats::{Ratio, Verdict},
};

/// Columns of a row besides its name and bar; the bar takes what is left, up to [`BAR`].
const FIGURES: usize = 86;
const BAR: usize = 24;

/// Draws two tables per gateway and workload: how fast, and at what price.
pub(super) fn draw(page: &mut Page, results: &Results, width: usize) {
    let contests = contest::contests(results);
    if contests.is_empty() {
        return;
    }
    page.heading("THROUGHPUT", "answered requests, and what one costs");
    let mut notes = Footnotes::of(results);
    for contest in &contests {
        page.gap();
        page.line(
            Line::of(BOLD, format!("  {}", contest.gateway))
                .with(DIM, format!("  {}", contest.conditions())),
        );
        let marks = contest
            .entries
            .iter()
            .map(|entry| notes.refer(&entry.caveats));
        let marks: Vec<_> = marks.map(|numbers| contest::raised(&numbers)).collect();
        let room = room(contest, &marks, width);
        speed(page, contest, room, &marks);
        page.gap();
        price(page, contest, room);
        duels(page, contest);
    }
    legend(page);
    for text in notes.common() {
        page.paragraph(Line::of(YELLOW, "  › "), DIM, &visible(text), width);
    }
    for (number, text) in notes.numbered() {
        let lead = Line::of(YELLOW, format!("  {} ", contest::raised(&[number])));
        page.paragraph(lead, DIM, &visible(text), width);
    }
}

fn legend(page: &mut Page) {
    let parts = [
        (GREEN, "█", " gateway  "),
        (MAGENTA, "▓", " backend  "),
        (CYAN, "░", " load generator   "),
        (DIM, "kept, new", " connection to the backend"),
    ];
    let signs = [
        (GREEN, "▲", " faster  "),
        (YELLOW, "▼", " slower  "),
        (DIM, "≈", " no difference shown"),
    ];
    page.gap();
    for meanings in [parts.as_slice(), &signs] {
        let mut line = Line::of(PLAIN, "  ");
        for (style, sign, meaning) in meanings {
            line = line.with(*style, *sign).with(DIM, *meaning);
        }
        page.line(line);
    }
}

/// What a bar may take of a line.
fn room(contest: &Contest<'_>, marks: &[String], width: usize) -> usize {
    let names = contest.entries.iter().zip(marks);
    let names = names.map(|(entry, marks)| 2 + text::width(&(contest.label(entry) + marks)));
    let name = names.max().unwrap_or_default();
    width.saturating_sub(FIGURES + name).min(BAR)
}

fn speed(page: &mut Page, contest: &Contest<'_>, room: usize, marks: &[String]) {
    let mut rows = vec![heads(&[
        "", "", "req/s", "", "", "95 %", "", "p50", "p99", "max",
    ])];
    for (entry, marks) in contest.entries.iter().zip(marks) {
        let share = entry.rps / contest.best_rps();
        let latency = entry.latency_us;
        let mut row = vec![
            Line::of(PLAIN, format!("  {}", contest.label(entry))).with(YELLOW, marks.as_str()),
            Line::of(DIM, contest::link(entry)),
            Line::of(BOLD, units::amount(entry.rps)),
            Line::of(CYAN, bar(share, room)),
        ];
        row.extend(compared(&contest.ratio(entry), contest.is_first(entry)));
        let spans = [latency.p50, latency.p99, latency.max];
        row.extend(spans.map(|us| Line::of(PLAIN, units::micros(us))));
        rows.push(row);
    }
    let columns = if room == 0 { 9 } else { 10 };
    page.table(&aligned(3, columns), rows);
}

/// Multiple, interval and verdict; the first is compared to nothing.
fn compared(ratio: &Ratio, is_first: bool) -> [Line; 3] {
    let interval = ratio.interval.filter(|_| !is_first);
    let interval = interval.map(|interval| (interval.low, interval.high));
    let sign = match (interval, ratio.verdict()) {
        (None, _) => Line::default(),
        (_, Verdict::Faster) => Line::of(GREEN, "▲"),
        (_, Verdict::Slower) => Line::of(YELLOW, "▼"),
        (_, Verdict::NoDifference) => Line::of(DIM, "≈"),
    };
    let interval = interval.map_or_else(String::new, |(low, high)| units::span(low, high));
    [
        Line::of(PLAIN, units::times(ratio.value)),
        Line::of(DIM, interval),
        sign,
    ]
}

/// What differs only in the backend, one line each.
fn duels(page: &mut Page, contest: &Contest<'_>) {
    let duels = contest.duels();
    if duels.is_empty() {
        return;
    }
    page.gap();
    for duel in duels {
        let backend = |entry: &Throughput| entry.backend.clone().unwrap_or_default();
        page.line(
            Line::of(DIM, format!("  by {}: ", contest::way(duel.one)))
                .with(PLAIN, backend(duel.one))
                .with(DIM, format!(" against {}: ", backend(duel.against)))
                .with(PLAIN, contest::ratio_text(&duel.ratio))
                .with(DIM, format!("  {}", contest::verdict(&duel.ratio))),
        );
    }
}

fn price(page: &mut Page, contest: &Contest<'_>, room: usize) {
    let names = [
        "CPU µs", "", "gateway", "backend", "load", "forks", "PSS peak",
    ];
    let mut rows = vec![heads(&[&[""], names.as_slice()].concat())];
    for entry in &contest.entries {
        let cpu = entry.cpu_us_per_request;
        let mut row = vec![
            Line::of(PLAIN, format!("  {}", contest.label(entry))),
            Line::of(BOLD, units::amount(total(cpu))),
            split(cpu, room),
        ];
        let parts = [cpu.gateway, cpu.backend, cpu.load];
        let memory = entry.pss_peak_bytes.or(entry.rss_peak_bytes);
        row.extend(parts.map(|us| figure(us, units::amount)));
        row.push(figure(entry.forks, units::count));
        row.push(figure(memory, units::bytes));
        rows.push(row);
    }
    page.table(&aligned(2, 8), rows);
}

/// The first column and the bar, which stands at `bar`, to the left; figures to the right.
fn aligned(bar: usize, columns: usize) -> Vec<Align> {
    let left = |at: usize| at == 0 || at == bar || (bar == 3 && at == 1);
    let align = |at| if left(at) { Align::Left } else { Align::Right };
    (0..columns).map(align).collect()
}

fn heads(names: &[&str]) -> Vec<Line> {
    names.iter().map(|name| Line::of(DIM, *name)).collect()
}

fn figure<T>(value: Option<T>, show: impl Fn(T) -> String) -> Line {
    Line::of(PLAIN, value.map_or_else(|| "–".to_owned(), show))
}

fn total(cpu: CpuSplit) -> f64 {
    [cpu.gateway, cpu.backend, cpu.load]
        .into_iter()
        .flatten()
        .sum()
}

/// Where the time went, as a bar in three parts, told apart by their fill and not by colour alone.
fn split(cpu: CpuSplit, room: usize) -> Line {
    let parts = [
        (GREEN, "█", cpu.gateway),
        (MAGENTA, "▓", cpu.backend),
        (CYAN, "░", cpu.load),
    ];
    let (mut line, mut sum, mut drawn) = (Line::default(), 0.0, 0);
    for (style, fill, us) in parts {
        sum += us.unwrap_or_default();
        let end = (sum / total(cpu) * room as f64).round() as usize;
        line = line.with(style, fill.repeat(end.saturating_sub(drawn)));
        drawn = end;
    }
    line
}

/// A bar of eighths of a column, `room` columns for all of it.
fn bar(share: f64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if room == 0 {
        return String::new();
    }
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let eighths = (share * (room * 8) as f64).round().max(1.0) as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_by_eighths_and_is_never_empty() {
        let shown = [1.0, 0.5125, 0.0001, f64::NAN].map(|share| bar(share, 10));
        assert_eq!(shown, ["██████████", "█████▏", "▏", "▏"]);
    }

    #[test]
    fn no_room_means_no_bar() {
        assert_eq!(bar(1.0, 0), "");
    }
}
