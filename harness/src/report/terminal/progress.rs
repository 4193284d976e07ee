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
    /// The pairings under way.
    running: Vec<Running>,
}

/// A pairing under way.
#[derive(Debug, Default)]
struct Running {
    name: String,
    /// Its cases so far.
    seen: Tally,
    /// Why some of them could not be judged: each reason is told once, for a backend that does not
    /// start has it for all.
    told: Vec<String>,
}

impl Running {
    /// Whether the reason of a case is news.
    fn is_news(&mut self, case: &CaseResult) -> bool {
        let Some(reason) = &case.reason else {
            return true;
        };
        let is_news = !self.told.contains(reason);
        if is_news {
            self.told.push(reason.clone());
        }
        is_news
    }
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
            running: Vec::new(),
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
        match &self.out {
            Out::Bar { .. } => self.show(what),
            Out::Lines(_) => self.say(what),
        }
    }

    fn begin_pairing(&mut self, name: String) {
        self.running.push(Running {
            name,
            ..Running::default()
        });
        self.show(&self.under_way());
    }

    fn case(&mut self, case: &CaseResult) {
        let column = Column::of(case);
        let name = pairing(column.gateway, column.model_word(), column.backend);
        let running = self.running.iter_mut().find(|it| it.name == name);
        let is_news = running.is_none_or(|running| {
            running.seen.add(Mark::of(case));
            Mark::of(case) != Mark::BenchError || running.is_news(case)
        });
        let color = matches!(self.out, Out::Bar { color: true, .. });
        if let Some(line) = finding(case, color).filter(|_| is_news) {
            self.say(&line);
        }
        self.show(&self.under_way());
        self.step();
    }

    fn measured(&mut self, entry: &Throughput) {
        self.say(&figures(entry));
        self.step();
    }

    /// Tells how a pairing ended, for logs; a log needs no line per case.
    fn end_pairing(&mut self, name: &str) {
        let at = self.running.iter().position(|running| running.name == name);
        let Some(at) = at else { return };
        let Running { name, seen, .. } = self.running.remove(at);
        if matches!(self.out, Out::Lines(_)) && !seen.is_empty() {
            self.say(&format!("{name}: {}", counts(&seen)));
        }
    }

    /// The pairing under way and its counts, or the names of several.
    fn under_way(&self) -> String {
        match self.running.as_slice() {
            [Running { name, seen, .. }] => format!("{name}: {}", counts(seen)),
            several => {
                let names = several.iter().map(|running| running.name.as_str());
                names.collect::<Vec<_>>().join(" | ")
            }
        }
    }

    fn finish(&mut self) {
        if let Out::Bar { bar, .. } = &self.out {
            bar.finish_and_clear();
        }
    }
}

/// How a pairing is called while it is under way.
fn pairing(gateway: &str, model: &str, backend: &str) -> String {
    format!("{gateway} · {model} · {backend}")
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
            } => self.begin_pairing(pairing(gateway, model, backend)),
            Event::PairingEnded {
                gateway,
                model,
                backend,
            } => self.end_pairing(&pairing(gateway, model, backend)),
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
    let reason = case.reason.as_deref().filter(|_| mark == Mark::BenchError);
    let reason = reason.map_or_else(String::new, |reason| format!(": {}", visible(reason)));
    Some(format!("{sign} {}  {place}{reason}", case.scenario))
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
