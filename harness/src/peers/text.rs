//! The profile as people read it: in the terminal, and as `reports/performance.md`.

use std::fmt::Write as _;

use super::{
    HeatResult, Outcome, Profile, Verdict,
    sample::{LaneResult, Measure},
};
use crate::report::units::{amount, bytes};

/// One table of a heat: its lanes, then its rows.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// For the terminal: tables in aligned columns.
pub fn terminal(profile: &Profile) -> String {
    let mut text = String::new();
    for heat in &profile.heats {
        let _ = writeln!(text, "\n{}\n", heat.title);
        text += &lanes(heat).aligned();
        text.push('\n');
        text += &rows(heat).aligned();
        text += &remarks(heat, "  ");
    }
    let _ = writeln!(text, "\n{}", tally(profile));
    text
}

/// For a file: the same in Markdown, with the machine and the versions.
pub fn markdown(profile: &Profile) -> String {
    let mut text = String::from("# gateserve beside its peers\n\n");
    let _ = writeln!(text, "{}\n", head(profile));
    for heat in &profile.heats {
        let _ = writeln!(text, "## {}\n", heat.title);
        text += &lanes(heat).markdown();
        text.push('\n');
        text += &rows(heat).markdown();
        text.push('\n');
        let remarks = remarks(heat, "- ");
        if !remarks.is_empty() {
            let _ = writeln!(text, "{remarks}");
        }
    }
    let _ = writeln!(text, "{}", tally(profile));
    text
}

/// The machine, the versions, how it was measured and what to make of it.
fn head(profile: &Profile) -> String {
    let machine = &profile.environment;
    let versions = profile.versions.iter();
    let versions: Vec<String> = versions
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    format!(
        "`gatebench bench --profile peers` on {started}: {kernel}, {cpus} processors, {memory} of \
         memory, gatebench {gatebench}; {versions}.\n\n\
         Load generator, gateway and server share the processors. In each heat all lanes are up and \
         take turns, {rounds} rounds of {seconds} s each; lanes show the median round. A ratio is the \
         geometric mean of the rounds' ratios, with its 95 % bootstrap interval (none for fewer than \
         five rounds). Servers have 2 workers of one thread unless said otherwise. *limit* is a C \
         program that answers fixed bytes: no server, but what gateway, kernel and protocol leave at \
         best. Rates are of this machine; ratios are what carries over, and they too depend on it.",
        started = machine.started,
        kernel = machine.kernel,
        cpus = machine.cpus,
        memory = bytes(machine.memory_bytes),
        gatebench = machine.gatebench,
        versions = versions.join(", "),
        rounds = profile.rounds,
        seconds = amount(profile.seconds),
    )
}

/// Measures that a table of lanes shows, where there are any.
const SHOWN: [Measure; 8] = [
    Measure::RequestsPerSecond,
    Measure::ServerCpuUs,
    Measure::GatewayCpuUs,
    Measure::P50Us,
    Measure::P99Us,
    Measure::OfferedP99Us,
    Measure::StartMs,
    Measure::WorkerKib,
];

fn lanes(heat: &HeatResult) -> Table {
    let has = |measure: &Measure| {
        heat.lanes
            .iter()
            .any(|lane| lane.median(*measure).is_some())
    };
    let mut shown: Vec<Measure> = SHOWN.into_iter().filter(has).collect();
    if heat
        .rows
        .iter()
        .any(|row| row.measure == Measure::FastP95Us)
    {
        shown.push(Measure::FastP95Us);
    }
    let mut head = vec!["lane".to_owned()];
    head.extend(shown.iter().map(|measure| measure.title().to_owned()));
    let row = |lane: &LaneResult| {
        let values = shown.iter().map(|measure| lane.median(*measure));
        let cells = values.map(|value| value.map_or_else(|| "–".to_owned(), amount));
        [lane.id.to_owned()].into_iter().chain(cells).collect()
    };
    Table {
        head,
        rows: heat.lanes.iter().map(row).collect(),
    }
}

fn rows(heat: &HeatResult) -> Table {
    let head = [
        "what",
        "lane",
        "against",
        "ratio",
        "95 % interval",
        "target",
        "",
    ];
    let row = |outcome: &Outcome| {
        let ratio = outcome
            .ratio
            .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let interval = outcome.interval;
        let interval =
            interval.map_or_else(String::new, |(low, high)| format!("{low:.2} – {high:.2}"));
        let sign = match outcome.measure.is_gain() {
            true => "≥",
            false => "≤",
        };
        vec![
            outcome.measure.title().to_owned(),
            outcome.ours.to_owned(),
            outcome.theirs.clone(),
            ratio,
            interval,
            format!("{sign} {:.2}", outcome.target),
            outcome.verdict.word().to_owned(),
        ]
    };
    Table {
        head: head.map(str::to_owned).to_vec(),
        rows: heat.rows.iter().map(row).collect(),
    }
}

/// What is missing, and whose requests failed.
fn remarks(heat: &HeatResult, bullet: &str) -> String {
    let mut text = String::new();
    for lane in &heat.lanes {
        if let Some(why) = &lane.missing {
            let _ = writeln!(
                text,
                "{bullet}{} was not measured: {}",
                lane.id,
                why.trim_end()
            );
        }
        if let Some(failure) = lane.failure() {
            let (id, failed) = (lane.id, lane.failed());
            let _ = writeln!(
                text,
                "{bullet}{id}: {failed} requests failed; in one round {failure}"
            );
        }
    }
    text
}

/// How many rows met their target.
fn tally(profile: &Profile) -> String {
    let rows = profile.heats.iter().flat_map(|heat| &heat.rows);
    let count = |verdict| rows.clone().filter(|row| row.verdict == verdict).count();
    format!(
        "Targets: {} met, {} missed, {} not measured.",
        count(Verdict::Met),
        count(Verdict::Missed),
        count(Verdict::NotMeasured)
    )
}

impl Table {
    fn aligned(&self) -> String {
        let columns = 0..self.head.len();
        let all = || [&self.head].into_iter().chain(&self.rows);
        let width = |at: usize| all().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = columns.map(width).collect();
        let mut text = String::new();
        for row in all() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                let pad = " ".repeat(width - cell.chars().count());
                format!("{cell}{pad}")
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            let _ = writeln!(text, "  {}", line.trim_end());
        }
        text
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&self.head);
        text += &line(&vec!["---".to_owned(); self.head.len()]);
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{peers::Sample, results::Environment};

    fn profile() -> Profile {
        let lane = |id, is_peer, rps| LaneResult {
            id,
            is_peer,
            rounds: vec![Sample::of(Measure::RequestsPerSecond, rps); 5],
            missing: None,
        };
        let absent = LaneResult {
            id: "granian",
            is_peer: true,
            rounds: Vec::new(),
            missing: Some("granian is not available: no program".to_owned()),
        };
        let outcome = |theirs: &str, ratio: Option<f64>, target, verdict| Outcome {
            measure: Measure::RequestsPerSecond,
            ours: "gateserve",
            theirs: theirs.to_owned(),
            ratio,
            interval: ratio.map(|ratio| (ratio - 0.1, ratio + 0.1)),
            target,
            verdict,
        };
        Profile {
            environment: Environment {
                kernel: "Linux 6.18".to_owned(),
                cpus: 2,
                memory_bytes: 24 << 30,
                engine: None,
                gatebench: "0.1.0".to_owned(),
                started: "2026-01-01T00:00:00Z".to_owned(),
                notes: Vec::new(),
                partial: None,
            },
            versions: vec![("uwsgi".to_owned(), "2.0.31".to_owned())],
            seconds: 2.0,
            rounds: 5,
            heats: vec![HeatResult {
                id: "wsgi",
                title: "WSGI hello behind nginx",
                lanes: vec![
                    lane("gateserve", false, 40_000.0),
                    lane("uWSGI", true, 22_222.2),
                    absent,
                ],
                rows: vec![
                    outcome("uWSGI", Some(1.8), 1.7, Verdict::Met),
                    outcome("uWSGI", Some(1.8), 2.0, Verdict::Missed),
                    outcome("granian", None, 1.5, Verdict::NotMeasured),
                ],
            }],
        }
    }

    #[test]
    fn the_terminal_shows_each_ratio_beside_its_target() {
        insta::assert_snapshot!(terminal(&profile()));
    }

    #[test]
    fn the_file_names_machine_and_versions() {
        insta::assert_snapshot!(markdown(&profile()));
    }
}
