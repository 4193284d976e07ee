//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

use super::super::{
    contest,
    findings::plural,
    text::visible,
    units,
    view::{Column, Mark, Tally},
};
use crate::{
    event::{Event, Observer},
    results::{CaseResult, Throughput},
};

/// Shows a run while it goes on.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    pairing: String,
    seen: Tally,
}

impl Progress {
    /// A bar if standard error is a terminal, else lines fit for a log.
    pub fn on_stderr() -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            bar: terminal.then(ProgressBar::new_spinner),
            pairing: String::new(),
            seen: Tally::default(),
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // Nobody reads it any more when standard error is gone.
            None => _ = writeln!(io::stderr().lock(), "{line}"),
        }
    }

    fn show(&self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
            bar.tick();
        }
    }

    fn begin(&self, steps: usize) {
        if let Some(bar) = &self.bar {
            let template = "{bar:24.cyan/dim} {pos}/{len} {elapsed} {wide_msg}";
            let style =
                ProgressStyle::with_template(template).expect("the template is well formed");
            bar.set_style(style.progress_chars("━╸─"));
            bar.set_length(steps as u64);
        }
    }

    fn case(&mut self, case: &CaseResult) {
        self.seen.add(Mark::of(case));
        if let Some(line) = finding(case) {
            self.say(&line);
        }
        self.show(&format!("{}{}", self.pairing, counts(&self.seen)));
        self.step();
    }

    fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Closes the pairing that was under way with one line of counts, for logs.
    fn close_pairing(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        if self.bar.is_none() && !seen.is_empty() {
            self.say(&format!("{}{}", self.pairing, counts(&seen)));
        }
    }
}

impl Observer for Progress {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned {
                cases,
                measurements,
            } => self.begin(cases + measurements),
            Event::Note(note) => self.say(&visible(note)),
            Event::Busy(what) if self.bar.is_none() => self.say(&visible(what)),
            Event::Busy(what) => self.show(&visible(what)),
            Event::Pairing {
                gateway,
                model,
                backend,
            } => {
                self.close_pairing();
                self.pairing = format!("{gateway} · {model} · {backend}");
                self.show(&self.pairing);
            }
            Event::Case(case) => self.case(case),
            Event::Measured(entry) => {
                self.close_pairing();
                self.say(&measured(entry));
                self.step();
            }
            Event::Finished => {
                self.close_pairing();
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

/// A violation is told at once: nobody should have to wait for the end to see it.
fn finding(case: &CaseResult) -> Option<String> {
    let mark = Mark::of(case);
    let told = mark.is_violation() || mark == Mark::BenchError;
    let place = Column::of(case).label();
    told.then(|| {
        format!(
            "{} {} {}  {place}",
            mark.symbol(),
            mark.word(),
            case.scenario
        )
    })
}

fn measured(entry: &Throughput) -> String {
    let gateway = entry.gateway.as_deref().unwrap_or("url");
    let figures = [
        format!("{} requests/s", units::amount(entry.rps)),
        format!("p50 {}", units::micros(entry.latency_us.p50)),
        format!("p99 {}", units::micros(entry.latency_us.p99)),
    ];
    let way = contest::way(entry);
    let errors = match entry.errors {
        0 => String::new(),
        errors => format!(", {} failed", plural(errors as usize, "request")),
    };
    format!(
        "{gateway} · {way} · {}: {}{errors}",
        entry.workload,
        figures.join(", ")
    )
}

fn counts(seen: &Tally) -> String {
    let words = seen
        .iter()
        .map(|(mark, count)| format!("{count} {}", mark.word()));
    let words: Vec<_> = words.collect();
    if words.is_empty() {
        return String::new();
    }
    format!(": {}", words.join(", "))
}
