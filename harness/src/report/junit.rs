//! `junit.xml`: one suite per pairing, so that build servers show failures by gateway and model, and
//! one of the measurements.

mod throughput;

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{
    findings,
    text::visible,
    view::{Column, Grid, Mark},
};
use crate::results::{CaseResult, Results};

/// The run as JUnit XML. Measurements fail only in comparison with an `old` run, where it would fail
/// the job too.
///
/// # Errors
/// When the XML writer refuses a value; quick-junit drops what XML cannot hold, so none is known.
pub fn render(
    results: &Results,
    old: Option<&Results>,
) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("gatebench");
    let grid = Grid::of(results);
    for (at, column) in grid.columns.iter().enumerate() {
        let mut suite = suite(column, results);
        let rows = grid.topics.iter().flat_map(|topic| &topic.rows);
        let cases: Vec<_> = rows.filter_map(|row| row.cells[at]).collect();
        suite.set_time(cases.iter().map(|case| duration(case)).sum());
        suite.add_test_cases(cases.into_iter().map(|case| test_case(case, results)));
        report.add_test_suite(suite);
    }
    if !results.throughput.is_empty() {
        report.add_test_suite(throughput::suite(results, old));
    }
    report.to_string()
}

fn suite(column: &Column<'_>, results: &Results) -> TestSuite {
    let mut suite = TestSuite::new(column.label());
    suite.add_property(Property::new("gateway", column.gateway));
    suite.add_property(Property::new("model", column.model_word()));
    suite.add_property(Property::new("backend", column.backend));
    if let Some(carrier) = column.carrier {
        suite.add_property(Property::new("carrier", carrier));
    }
    for id in [column.gateway, column.backend] {
        let subject = results.subjects.iter().find(|subject| subject.id == id);
        if let Some(version) = subject.and_then(|subject| subject.version.as_deref()) {
            suite.add_property(Property::new(format!("version of {id}"), version));
        }
    }
    suite
}

fn test_case(case: &CaseResult, results: &Results) -> TestCase {
    let mut test = TestCase::new(case.scenario.as_str(), status(case, results));
    let topic = case
        .scenario
        .rsplit_once('/')
        .map_or("", |(topic, _)| topic);
    test.set_classname(format!(
        "{}.{}",
        Column::of(case).label(),
        topic.replace('/', ".")
    ));
    test.set_time(duration(case));
    test.add_property(Property::new("level", case.level.word()));
    test.add_property(Property::new("requirements", case.requirements.join(" ")));
    if let Some(transcript) = &case.transcript {
        test.add_property(Property::new("transcript", transcript.as_str()));
    }
    test
}

fn status(case: &CaseResult, results: &Results) -> TestCaseStatus {
    let mark = Mark::of(case);
    let mut status = match mark {
        Mark::Pass | Mark::Stale => return TestCaseStatus::success(),
        Mark::Fail | Mark::Crash | Mark::Hang => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        Mark::BenchError => TestCaseStatus::non_success(NonSuccessKind::Error),
        Mark::Known | Mark::Unsupported | Mark::Blocked => TestCaseStatus::skipped(),
    };
    status.set_type(mark.word());
    status.set_message(message(case, mark));
    status.set_description(description(case, results));
    status
}

/// One line: what came instead, or why there is no verdict.
fn message(case: &CaseResult, mark: Mark) -> String {
    let reason = case.reason.as_deref();
    let text = match (mark, &case.expected, &case.actual) {
        (Mark::Fail | Mark::Crash | Mark::Hang, Some(expected), Some(actual)) => {
            format!("expected {expected}; got {actual}")
        }
        (_, _, Some(actual)) => format!("{}: {}", mark.word(), reason.unwrap_or(actual)),
        _ => format!("{}: {}", mark.word(), reason.unwrap_or("no reason given")),
    };
    visible(&text).into_owned()
}

fn description(case: &CaseResult, results: &Results) -> String {
    let fields = [
        ("says", Some(case.says.clone())),
        ("expected", case.expected.clone()),
        ("actual", case.actual.clone()),
        ("reason", case.reason.clone()),
        ("at fault", findings::blame(case)),
        ("likely cause", case.cause.clone()),
    ];
    let rules = findings::quoted(case, results).into_iter();
    let last = [
        ("replay", Some(findings::replay(case, results))),
        ("wire", case.transcript.clone()),
    ];
    let told = fields
        .into_iter()
        .chain(rules.map(|rule| ("rule", Some(rule))))
        .chain(last)
        .filter_map(|(name, value)| Some((name, value?)));
    let lines = told.map(|(name, value)| format!("{name}: {}", visible(&value)));
    lines.collect::<Vec<_>>().join("\n")
}

fn duration(case: &CaseResult) -> Duration {
    Duration::from_micros(case.duration_us)
}
