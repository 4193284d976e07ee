//! Measurements as test cases: a property for each figure, and a failure where `--compare` gates.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use crate::{
    report::{
        change::{self, RateChange},
        contest::{self, Contest},
        text::visible,
    },
    results::{Results, Throughput},
};

/// The suite `throughput`: one case for each measurement.
pub(super) fn suite(results: &Results, old: Option<&Results>) -> TestSuite {
    let mut suite = TestSuite::new("throughput");
    let rates = old.map(|old| change::compare(old, results).rates);
    let rates = rates.unwrap_or_default();
    for contest in contest::contests(results) {
        for &entry in &contest.entries {
            let same = |rate: &&RateChange<'_>| std::ptr::eq(rate.entry, entry);
            let moved = rates.iter().find(same);
            suite.add_test_case(case(&contest, entry, moved));
        }
    }
    suite
}

fn case(contest: &Contest<'_>, entry: &Throughput, moved: Option<&RateChange<'_>>) -> TestCase {
    let backend = entry.backend.as_deref().unwrap_or("url");
    let name = format!(
        "{} {backend}, {}",
        contest::way(entry),
        contest.conditions()
    );
    let mut case = TestCase::new(visible(&name).into_owned(), status(moved));
    case.set_classname(format!("throughput.{}", visible(contest.gateway)));
    if entry.rps > 0.0 {
        let measured = Duration::try_from_secs_f64(entry.requests as f64 / entry.rps);
        case.set_time(measured.unwrap_or_default());
    }
    for (name, value) in properties(contest, entry, moved) {
        case.add_property(Property::new(name, visible(&value).into_owned()));
    }
    case
}

/// A failure where the job fails too: absolute rates decide nothing.
fn status(moved: Option<&RateChange<'_>>) -> TestCaseStatus {
    let Some(moved) = moved.filter(|moved| moved.is_slower()) else {
        return TestCaseStatus::success();
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("slower");
    let against = contest::way(moved.against);
    let text = format!(
        "the multiple of {against} fell to {} from {}; the change is {}",
        contest::ratio_text(&moved.after),
        contest::ratio_text(&moved.before),
        contest::ratio_text(&moved.shift),
    );
    status.set_message(visible(&text).into_owned());
    status
}

/// What is known, in plain numbers; what could not be measured is left out.
fn properties(
    contest: &Contest<'_>,
    entry: &Throughput,
    moved: Option<&RateChange<'_>>,
) -> Vec<(&'static str, String)> {
    let latency = entry.latency_us;
    let cpu = entry.cpu_us_per_request;
    let tenth = |value: f64| format!("{value:.1}");
    let mut told = vec![
        ("requests per second", tenth(entry.rps)),
        ("requests", entry.requests.to_string()),
        ("errors", entry.errors.to_string()),
        ("p50 µs", latency.p50.to_string()),
        ("p99 µs", latency.p99.to_string()),
    ];
    if !contest.is_first(entry) {
        told.push(("multiple", contest::ratio_text(&contest.ratio(entry))));
    }
    let before = moved.map(|moved| contest::ratio_text(&moved.before));
    let measured = [
        ("multiple before", before),
        ("gateway CPU µs per request", cpu.gateway.map(tenth)),
        ("backend CPU µs per request", cpu.backend.map(tenth)),
        (
            "backend PSS peak bytes",
            entry.pss_peak_bytes.map(|bytes| bytes.to_string()),
        ),
    ];
    let measured = measured.into_iter();
    told.extend(measured.filter_map(|(name, value)| Some((name, value?))));
    let caveats = entry.caveats.iter();
    told.extend(caveats.map(|caveat| ("caveat", caveat.clone())));
    told
}
