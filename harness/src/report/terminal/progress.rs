//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::paint::style_of;
use crate::{
    event::{Event, Observer},
    report::{
        contest,
        findings::plural,
        text::visible,
        units,
        view::{Column, Mark, Tally},
    },
    results::{CaseResult, Throughput},
};

/// How often a bar moves while nothing happens, so that a long wait does not look like a hang.
const TICK: Duration = Duration::from_millis(120);

/// Shows a run while it goes on.
#[derive(Debug)]
pub struct Progress {
    out: Out,
    pairing: String,
    /// Cases of this pairing so far.
    seen: Tally,
    /// As last told on a line of its own.
    told: Tally,
}

enum Out {
    Bar { bar: ProgressBar, color: bool },
    Lines(Box<dyn Write + Send>),
}

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bar { .. } => "Bar",
            Self::Lines(_) => "Lines",
        })
    }
}

impl Progress {
    /// A bar if standard error is a terminal, else lines fit for a log.
    pub fn on_stderr() -> Self {
        if !io::stderr().is_terminal() {
            return Self::lines(Box::new(io::stderr()));
        }
        let color = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(TICK);
        Self::to(Out::Bar { bar, color })
    }

    /// Lines fit for a log.
    pub fn lines(out: Box<dyn Write + Send>) -> Self {
        Self::to(Out::Lines(out))
    }

    fn to(out: Out) -> Self {
        Self {
            out,
            pairing: String::new(),
            seen: Tally::default(),
            told: Tally::default(),
        }
    }

    fn say(&mut self, line: &str) {
        match &mut self.out {
            Out::Bar { bar, .. } => bar.println(line),
            // A log that cannot be written any more is no reason to stop the run.
            Out::Lines(out) => _ = writeln!(out, "{line}"),
        }
    }

    fn show(&self, message: &str) {
        if let Out::Bar { bar, .. } = &self.out {
            bar.set_message(message.to_owned());
        }
    }

    fn begin(&self, steps: usize) {
        if let Out::Bar { bar, .. } = &self.out {
            let template = "{bar:24.cyan/dim} {pos}/{len} {elapsed} {wide_msg}";
            let style = ProgressStyle::with_template(template);
            let style = style.expect("the template is well formed");
            bar.set_style(style.progress_chars("━╸─"));
            bar.set_length(steps as u64);
        }
    }

    fn step(&self) {
        if let Out::Bar { bar, .. } = &self.out {
            bar.inc(1);
        }
    }

    fn busy(&mut self, what: &str) {
        self.tell_pairing();
        match &self.out {
            Out::Bar { .. } => self.show(what),
            Out::Lines(_) => self.say(what),
        }
    }

    fn pairing(&mut self, name: String) {
        self.tell_pairing();
        (self.seen, self.told) = Default::default();
        self.show(&name);
        self.pairing = name;
    }

    fn case(&mut self, case: &CaseResult) {
        self.seen.add(Mark::of(case));
        let color = matches!(self.out, Out::Bar { color: true, .. });
        if let Some(line) = finding(case, color) {
            self.say(&line);
        }
        self.show(&format!("{}: {}", self.pairing, counts(&self.seen)));
        self.step();
    }

    fn measured(&mut self, entry: &Throughput) {
        self.tell_pairing();
        self.say(&figures(entry));
        self.step();
    }

    /// Tells how the pairing under way stands, for logs; a log needs no line per case.
    fn tell_pairing(&mut self) {
        let lines = matches!(self.out, Out::Lines(_));
        if lines && self.seen != self.told {
            self.told = self.seen.clone();
            self.say(&format!("{}: {}", self.pairing, counts(&self.seen)));
        }
    }

    fn finish(&mut self) {
        self.tell_pairing();
        if let Out::Bar { bar, .. } = &self.out {
            bar.finish_and_clear();
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
            Event::Busy(what) => self.busy(&visible(what)),
            Event::Pairing {
                gateway,
                model,
                backend,
            } => self.pairing(format!("{gateway} · {model} · {backend}")),
            Event::Case(case) => self.case(case),
            Event::Measured(entry) => self.measured(entry),
            Event::Finished => self.finish(),
        }
    }
}

/// A violation is told at once: nobody should have to wait for the end to see it.
fn finding(case: &CaseResult, color: bool) -> Option<String> {
    let mark = Mark::of(case);
    if !mark.is_violation() && mark != Mark::BenchError {
        return None;
    }
    let place = Column::of(case).label();
    let style = if color {
        style_of(mark)
    } else {
        anstyle::Style::new()
    };
    let sign = format!("{style}{} {}{style:#}", mark.symbol(), mark.word());
    Some(format!("{sign} {}  {place}", case.scenario))
}

fn figures(entry: &Throughput) -> String {
    let gateway = entry.gateway.as_deref().unwrap_or("url");
    let way = contest::way(entry);
    let mut figures = vec![
        format!("{} requests/s", units::amount(entry.rps)),
        format!("p50 {}", units::micros(entry.latency_us.p50)),
        format!("p99 {}", units::micros(entry.latency_us.p99)),
    ];
    if entry.errors > 0 {
        let failed = plural(entry.errors as usize, "request");
        figures.push(format!("{failed} failed"));
    }
    format!(
        "{gateway} · {way} · {}: {}",
        entry.workload,
        figures.join(", ")
    )
}

fn counts(seen: &Tally) -> String {
    let words = seen
        .iter()
        .map(|(mark, count)| format!("{count} {}", mark.word()));
    words.collect::<Vec<_>>().join(", ")
}
