//! A summary that fits a comment on a pull request: short at first sight, the rest folded.

use std::fmt::Write as _;

use super::{
    contest::{self, Contest, Footnotes},
    findings::{self, Finding, Verdict, plural},
    markup::{code, html, plain},
    observed, units,
    view::{Grid, Mark, Tally, gather},
};
use crate::{
    outcome::Level,
    results::{Results, Throughput},
};

/// Findings of one kind that are shown in full: comments end at 65,536 characters.
const SHOWN: usize = 25;

/// The summary.
pub fn render(results: &Results) -> String {
    let sections = [
        head(results),
        matrix(results),
        broken(results),
        known(results),
        skipped(results),
        differences(results),
        choices(results),
        throughput(results),
        super::steps::markdown(results),
        environment(results),
    ];
    let sections: Vec<_> = sections.into_iter().filter(|s| !s.is_empty()).collect();
    sections.join("\n")
}

fn head(results: &Results) -> String {
    let verdict = Verdict::of(results, Level::Required);
    let sign = match verdict.exit_code() {
        0 => "✅",
        1 => "❌",
        _ => "⚠️",
    };
    let counts = findings::counts(&results.summary).into_iter();
    let counts: Vec<_> = counts
        .map(|(count, mark)| format!("{} {count} {}", mark.symbol(), mark.word()))
        .collect();
    format!(
        "## {sign} gatebench: {}\n\n{}.\n\n{}\n",
        verdict.word().to_lowercase(),
        verdict.sentence(),
        counts.join(" · ")
    )
}

fn matrix(results: &Results) -> String {
    let grid = Grid::of(results);
    if grid.columns.is_empty() {
        return String::new();
    }
    let heads = grid
        .columns
        .iter()
        .map(|column| format!("{}<br>{}", plain(column.gateway), column.way()));
    let mut rows = vec![row(std::iter::once("scenarios".to_owned()).chain(heads))];
    rows.push(format!("|---|{}", "---|".repeat(grid.columns.len())));
    for topic in &grid.topics {
        let cells = (0..grid.columns.len()).map(|at| cell(&topic.tally(at)));
        rows.push(row(std::iter::once(plain(topic.name)).chain(cells)));
    }
    let cells = (0..grid.columns.len()).map(|at| cell(&grid.total(at)));
    rows.push(row(std::iter::once("**together**".to_owned()).chain(cells)));
    rows.join("\n") + "\n"
}

fn cell(tally: &Tally) -> String {
    let parts = tally.iter().map(|(mark, count)| {
        let part = format!("{count}{}", mark.symbol());
        if mark.is_violation() {
            format!("**{part}**")
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join(" ")
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn broken(results: &Results) -> String {
    let violations = findings::findings(results, Mark::is_violation);
    let binds = |finding: &Finding<'_>| finding.first().level == Level::Required;
    let (rules, advice) = violations.into_iter().partition(binds);
    let errors = findings::findings(results, |mark| mark == Mark::BenchError);
    let sections: [(&str, Vec<Finding<'_>>); 3] = [
        ("Broken rules", rules),
        ("Recommendations not followed", advice),
        ("The bench's own trouble", errors),
    ];
    let mut out = String::new();
    for (title, found) in sections.iter().filter(|(_, found)| !found.is_empty()) {
        _ = writeln!(out, "### {title}");
        let shown = found.iter().take(SHOWN);
        out.extend(shown.map(|found| details(found, results)));
        out += &rest(found.len());
    }
    out
}

fn details(found: &Finding<'_>, results: &Results) -> String {
    let case = found.first();
    let summary = format!(
        "{} {} <b>{}</b> ({})",
        found.mark.symbol(),
        found.mark.word(),
        html(&case.scenario),
        case.level.word()
    );
    let facts = [
        ("expected", case.expected.clone()),
        ("actual", case.actual.clone()),
        ("reason", case.reason.clone()),
    ];
    let mut body = format!("{}\n\n", plain(&case.says));
    for (name, value) in facts {
        if let Some(value) = value {
            _ = writeln!(body, "- {name}: {}", code(&value));
        }
    }
    if let Some(blame) = found.blame() {
        _ = writeln!(body, "- at fault: {blame}");
    }
    if let Some(cause) = &case.cause {
        _ = writeln!(body, "- likely cause: {}", plain(cause));
    }
    for rule in findings::quoted(case, results) {
        _ = writeln!(body, "- rule: {}", plain(&rule));
    }
    for (case, place) in found.cases.iter().zip(found.places()) {
        let again = code(&findings::replay(case, results));
        _ = writeln!(body, "- on {}; again: {again}", plain(&place));
    }
    fold(&summary, &body)
}

fn known(results: &Results) -> String {
    let listed = |mark| matches!(mark, Mark::Known | Mark::Stale);
    let found = findings::findings(results, listed);
    if found.is_empty() && results.summary.stale == 0 {
        return String::new();
    }
    let mut body = String::new();
    for finding in found.iter().take(SHOWN) {
        let case = finding.first();
        let reason = case.reason.as_deref().unwrap_or("no reason given");
        _ = writeln!(
            body,
            "- {} {} {} on {}: {}",
            finding.mark.symbol(),
            finding.mark.word(),
            plain(&case.scenario),
            plain(&finding.places().join(", ")),
            plain(reason)
        );
    }
    body += &rest(found.len());
    let s = &results.summary;
    fold(
        &format!("Known deviations: {} met, {} stale", s.known, s.stale),
        &body,
    )
}

fn skipped(results: &Results) -> String {
    let skipped = findings::skipped(results);
    if skipped.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    for group in skipped.iter().take(SHOWN) {
        _ = writeln!(
            body,
            "- {} {} {}: {}, on {}",
            group.mark.symbol(),
            group.cases.len(),
            group.mark.word(),
            plain(group.reason),
            plain(&group.places())
        );
    }
    body += &rest(skipped.len());
    let count = skipped.iter().map(|group| group.cases.len()).sum();
    fold(&format!("Not judged: {}", plural(count, "case")), &body)
}

fn differences(results: &Results) -> String {
    let found = findings::disagreements(results);
    if found.is_empty() {
        return String::new();
    }
    let mut body = String::from("| value | gateway | models | scenarios |\n|---|---|---|---|\n");
    for one in found.iter().take(SHOWN) {
        let values = one.values.iter().map(|(value, models)| {
            format!("{}: {}", models.join(", "), code(value).replace('|', "\\|"))
        });
        let values = values.collect::<Vec<_>>().join("<br>");
        let scenarios = match one.scenarios.len() {
            1 => plain(one.scenarios[0]),
            many => format!("{} and {} more", plain(one.scenarios[0]), many - 1),
        };
        let cells = [plain(one.what), plain(one.gateway), values, scenarios];
        _ = writeln!(body, "{}", row(cells.into_iter()));
    }
    body += &rest(found.len());
    let count = plural(found.len(), "value");
    fold(&format!("The models differ in {count}"), &body)
}

fn choices(results: &Results) -> String {
    let found = observed::choices(results);
    if found.is_empty() {
        return String::new();
    }
    let mut body = String::from("| scenario | what each did |\n|---|---|\n");
    for choice in found.iter().take(SHOWN) {
        let values = choice.values.iter().map(|(value, columns)| {
            let value = code(value).replace('|', "\\|");
            format!("{value}: {}", plain(&gather(columns.iter().copied())))
        });
        let values = values.collect::<Vec<_>>().join("<br>");
        let name = format!("{} {}", plain(choice.scenario), plain(choice.what));
        _ = writeln!(
            body,
            "{}",
            row([name.trim_end().to_owned(), values].into_iter())
        );
    }
    body += &rest(found.len());
    let count = plural(found.len(), "choice");
    fold(
        &format!("Left open by the rules: {count} made differently"),
        &body,
    )
}

fn throughput(results: &Results) -> String {
    let contests = contest::contests(results);
    if contests.is_empty() {
        return String::new();
    }
    let mut out = String::from("### Throughput\n");
    let mut notes = Footnotes::of(results);
    for contest in &contests {
        _ = write!(
            out,
            "\n**{}** · {}\n\n",
            plain(contest.gateway),
            contest.conditions()
        );
        out += "| model | to the backend | req/s | × | 95 % | p50 | p90 | p99 | CPU µs/request: gateway | backend | load | forks | PSS peak |\n";
        out += "|---|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|\n";
        for entry in &contest.entries {
            let marks = contest::raised(&notes.refer(&entry.caveats));
            _ = writeln!(out, "{}", row(figures(contest, entry, &marks).into_iter()));
        }
        for duel in contest.duels() {
            let backend = |entry: &Throughput| plain(entry.backend.as_deref().unwrap_or_default());
            _ = write!(
                out,
                "\nBy {}: {} against {}: {}, {}\n",
                contest::way(duel.one),
                backend(duel.one),
                backend(duel.against),
                contest::ratio_text(&duel.ratio),
                contest::verdict(&duel.ratio)
            );
        }
    }
    out.push('\n');
    for text in notes.common() {
        _ = writeln!(out, "- {}", plain(text));
    }
    for (number, text) in notes.numbered() {
        _ = writeln!(out, "- {} {}", contest::raised(&[number]), plain(text));
    }
    out
}

fn figures(contest: &Contest<'_>, entry: &Throughput, marks: &str) -> [String; 13] {
    let dash = || "–".to_owned();
    let (latency, cpu) = (entry.latency_us, entry.cpu_us_per_request);
    let cost = |us: Option<f64>| us.map_or_else(dash, units::amount);
    let memory = entry.pss_peak_bytes.or(entry.rss_peak_bytes);
    let ratio = contest.ratio(entry);
    let interval = match ratio.interval {
        Some(interval) if !contest.is_first(entry) => format!(
            "{} {}",
            units::span(interval.low, interval.high),
            ratio.verdict()
        ),
        _ => String::new(),
    };
    [
        format!("{}{marks}", plain(&contest.label(entry))),
        contest::link(entry),
        format!("**{}**", units::amount(entry.rps)),
        units::times(ratio.value),
        interval,
        units::micros(latency.p50),
        units::micros(latency.p90),
        units::micros(latency.p99),
        cost(cpu.gateway),
        cost(cpu.backend),
        cost(cpu.load),
        entry.forks.map_or_else(dash, units::count),
        memory.map_or_else(dash, units::bytes),
    ]
}

fn environment(results: &Results) -> String {
    let environment = &results.environment;
    let mut body = format!(
        "- gatebench {}, started {}\n- {}, {}, {}\n",
        plain(&environment.gatebench),
        plain(&environment.started),
        plain(&environment.kernel),
        plural(environment.cpus as usize, "CPU"),
        units::bytes(environment.memory_bytes)
    );
    for subject in &results.subjects {
        let version = subject.version.as_deref().unwrap_or("version unknown");
        let image = subject.image.as_ref().map(|image| format!(" from {image}"));
        let line = format!(
            "{}: {version}, {}{}",
            subject.id,
            subject.via,
            image.unwrap_or_default()
        );
        _ = writeln!(body, "- {}", plain(&line));
    }
    for note in &environment.notes {
        _ = writeln!(body, "- {}", plain(note));
    }
    fold("Environment", &body)
}

fn rest(found: usize) -> String {
    match found.checked_sub(SHOWN + 1) {
        Some(more) => format!("\nand {} more: see the HTML report\n", more + 1),
        None => String::new(),
    }
}

fn fold(summary: &str, body: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n")
}
