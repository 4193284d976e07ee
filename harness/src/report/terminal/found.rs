//! Failures one by one, then what is known, what could not run, and where the models differ.

use super::paint::{BOLD, DIM, Line, PLAIN, Page, YELLOW, style_of};
use crate::{
    outcome::Level,
    report::{
        findings::{self, Disagreement, Finding, Skipped, plural},
        observed,
        text::{clip, visible},
        view::{Mark, gather},
    },
    results::{CaseResult, Results},
};

/// Columns of a value that are shown: a header of 64 KiB would push all else off the screen.
const LONGEST: usize = 600;
/// Disagreements shown in full; the page has all of them.
const DISAGREEMENTS: usize = 12;

/// Every violation that nobody had announced, and what the bench could not judge.
pub(super) fn violations(page: &mut Page, results: &Results, width: usize) {
    let violations = findings::findings(results, Mark::is_violation);
    let binds = |finding: &&Finding<'_>| finding.first().level == Level::Required;
    let rules = violations.iter().filter(binds);
    let advice = violations.iter().filter(|finding| !binds(finding));
    let parts: [(&str, Vec<&Finding<'_>>); 2] = [
        ("BROKEN RULES", rules.collect()),
        ("RECOMMENDATIONS NOT FOLLOWED", advice.collect()),
    ];
    for (title, found) in parts.iter().filter(|(_, found)| !found.is_empty()) {
        page.heading(title, &count(found));
        for violation in found {
            finding(page, violation, results, width);
        }
    }
    let troubles = findings::troubles(results);
    if !troubles.is_empty() {
        page.heading(
            "THE BENCH'S OWN TROUBLE",
            "counted for nobody and against nobody",
        );
    }
    for trouble in &troubles {
        group(page, trouble, width);
        if let [only] = trouble.cases.as_slice() {
            field(page, "scenario", Some(&only.scenario), width);
            wire(page, only);
        }
    }
}

/// What the known list speaks of.
pub(super) fn listed(page: &mut Page, results: &Results, width: usize) {
    let known = findings::findings(results, |mark| mark == Mark::Known);
    if !known.is_empty() {
        page.heading(
            "KNOWN DEVIATIONS",
            &count(&known.iter().collect::<Vec<_>>()),
        );
    }
    for finding in &known {
        short(page, finding, width);
    }
    let stale = findings::findings(results, |mark| mark == Mark::Stale);
    if results.summary.stale > 0 || !stale.is_empty() {
        let entries = findings::entries(results.summary.stale);
        page.heading("STALE", &format!("{entries} of the known list out of date"));
    }
    for finding in &stale {
        short(page, finding, width);
    }
}

/// `unsupported` and `blocked`, by reason.
pub(super) fn skipped(page: &mut Page, results: &Results, width: usize) {
    let skipped = findings::skipped(results);
    if skipped.is_empty() {
        return;
    }
    page.heading("NOT JUDGED", "what a pairing cannot express is no failure");
    for skipped in &skipped {
        group(page, skipped, width);
    }
}

fn group(page: &mut Page, group: &Skipped<'_>, width: usize) {
    let lead = Line::of(style_of(group.mark), format!("  {} ", group.mark.symbol())).with(
        PLAIN,
        format!("{:>3} {}  ", group.cases.len(), group.mark.word()),
    );
    let text = format!("{}, on {}", visible(group.reason), group.places());
    page.paragraph(lead, PLAIN, &text, width);
}

/// Values that the models do not agree on.
pub(super) fn disagreements(page: &mut Page, results: &Results, width: usize) {
    let all = findings::disagreements(results);
    if all.is_empty() {
        return;
    }
    page.heading(
        "THE MODELS DIFFER",
        "same request, same application, another way to it",
    );
    for found in all.iter().take(DISAGREEMENTS) {
        disagreement(page, found, width);
    }
    more(page, all.len(), "more value");
}

/// What the rules leave open and subjects did differently.
pub(super) fn choices(page: &mut Page, results: &Results, width: usize) {
    let all = observed::choices(results);
    if all.is_empty() {
        return;
    }
    page.heading("LEFT OPEN BY THE RULES", "none of these is wrong");
    for choice in all.iter().take(DISAGREEMENTS) {
        let name = Line::of(BOLD, format!("  {}", choice.scenario));
        page.line(name.with(DIM, format!("  {}", visible(choice.what))));
        for (value, columns) in &choice.values {
            let value = clip(&visible(value), 40).into_owned();
            let lead = Line::of(PLAIN, format!("    {value}  "));
            page.paragraph(lead, DIM, &gather(columns.iter().copied()), width);
        }
    }
    more(page, all.len(), "more choice");
}

/// Says what the page has and the terminal left away.
fn more(page: &mut Page, all: usize, noun: &str) {
    if let Some(left) = all.checked_sub(DISAGREEMENTS + 1) {
        let left = plural(left + 1, noun);
        page.line(Line::of(
            DIM,
            format!("  and {left}: the HTML page has all of them"),
        ));
    }
}

fn count(found: &[&Finding<'_>]) -> String {
    let cases = found.iter().map(|finding| finding.cases.len()).sum();
    let scenarios = plural(found.len(), "finding");
    format!("{scenarios} in {}", plural(cases, "case"))
}

fn finding(page: &mut Page, found: &Finding<'_>, results: &Results, width: usize) {
    let case = found.first();
    let style = style_of(found.mark);
    page.gap();
    page.line(
        Line::of(
            style,
            format!("{} {} ", found.mark.symbol(), found.mark.word()),
        )
        .with(BOLD, case.scenario.as_str())
        .with(DIM, format!("  {}", case.level.word())),
    );
    page.paragraph(Line::of(PLAIN, "  "), PLAIN, &visible(&case.says), width);
    field(page, "expected", case.expected.as_deref(), width);
    field(page, "actual", case.actual.as_deref(), width);
    field(page, "reason", case.reason.as_deref(), width);
    field(page, "cause", case.cause.as_deref(), width);
    for rule in findings::quoted(case, results) {
        field(page, "rule", Some(&rule), width);
    }
    field(page, "at fault", found.blame().as_deref(), width);
    for (case, place) in found.cases.iter().zip(found.places()) {
        field(page, "on", Some(&place), width);
        wire(page, case);
        let again = findings::replay(case, results);
        page.line(Line::of(DIM, "  replay    ").with(PLAIN, visible(&again)));
    }
}

/// Where the transcript is; not wrapped: a path is there to be copied.
fn wire(page: &mut Page, case: &CaseResult) {
    if let Some(path) = &case.transcript {
        page.line(Line::of(DIM, "  wire      ").with(PLAIN, visible(path)));
    }
}

fn short(page: &mut Page, found: &Finding<'_>, width: usize) {
    let case = found.first();
    let lead = Line::of(YELLOW, format!("  {} ", found.mark.symbol()));
    let places = found.places().join(", ");
    page.paragraph(lead, PLAIN, &format!("{}  {places}", case.scenario), width);
    if let Some(reason) = &case.reason {
        page.paragraph(Line::of(PLAIN, "    "), DIM, &visible(reason), width);
    }
}

fn field(page: &mut Page, name: &str, value: Option<&str>, width: usize) {
    if let Some(value) = value {
        let lead = Line::of(DIM, format!("  {name:<10}"));
        page.paragraph(lead, PLAIN, &clip(&visible(value), LONGEST), width);
    }
}

fn disagreement(page: &mut Page, found: &Disagreement<'_>, width: usize) {
    let scenarios = match found.scenarios.as_slice() {
        [one] => format!("in {one}"),
        [first, rest @ ..] => format!("in {first} and {} more", rest.len()),
        [] => String::new(),
    };
    page.line(
        Line::of(BOLD, format!("  {}", visible(found.what)))
            .with(DIM, format!("  {} {scenarios}", found.gateway)),
    );
    for (value, models) in &found.values {
        let lead = Line::of(DIM, format!("    {:<24}", models.join(", ")));
        let room = width.saturating_sub(lead.width());
        page.line(lead.with(PLAIN, clip(&visible(value), room)));
    }
}
