//! The tap at work: relays in this thread, decodes and tells in another.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use rustix::event::{EventfdFlags, eventfd};

use super::{
    Conversation, Exchange, Finding, diagnose,
    filter::Filter,
    line,
    listener::Listener,
    record::{self, Captured},
    relay::Relay,
    tape::{self, Reader, Tape},
};
use crate::{
    address::Address,
    decode::{self, Direction, show},
    launch::leftovers::Keep,
    model::Model,
};

/// How much is told of each exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// One line, and what is wrong.
    #[default]
    Line,
    /// Every record, every variable.
    Records,
    /// The octets as well.
    Octets,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// Where gateways connect.
    pub listen: Address,
    /// Where the application server listens.
    pub to: Address,
    /// What is spoken, where it is not to be recognised.
    pub protocol: Option<Model>,
    /// How much is told.
    pub detail: Detail,
    /// JSON lines instead of text.
    pub json: bool,
    /// All of them must hold of what is shown.
    pub filters: Vec<Filter>,
    /// Where exchanges are written as scenarios.
    pub record: Option<PathBuf>,
    /// End after so many exchanges.
    pub count: Option<u64>,
}

/// Octets of lines that are written at once, at most.
const LINES: usize = 48 * 1024;
/// Exchanges that are kept for a recording.
const RECORDED: usize = 200;

/// Relays and tells until a signal ends it, or as many exchanges came as were asked for.
///
/// # Errors
/// The address cannot be listened on, or that of the application server does not resolve.
pub fn run(wishes: &Wishes) -> anyhow::Result<()> {
    let to = wishes.to.resolve();
    let to = to.with_context(|| format!("cannot find {}", wishes.to))?;
    let stop = Arc::new(Stop::new()?);
    let listening = || {
        let bound = Listener::bind(&wishes.listen);
        bound.with_context(|| format!("cannot listen on {}", wishes.listen))
    };
    let (address, ending) = (wishes.listen.clone(), stop.clone());
    // A signal lets the decoder tell what it has, then takes the socket away.
    let (listener, _keep) = Keep::make(listening, |_| {
        Box::new(move || {
            ending.ask();
            while !ending.told.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            if let Address::Unix(path) = address {
                std::fs::remove_file(path).ok();
            }
        })
    })?;
    crate::launch::leftovers::end_quietly();
    anstream::eprintln!(
        "gatebench tap: {} → {}; Ctrl-C ends it",
        wishes.listen,
        wishes.to
    );
    let (writer, reader) = tape::pair(Instant::now());
    let relay = Relay::new(listener, to, writer, stop.asked.as_fd())?;
    let mut teller = Teller::new(wishes.clone());
    thread::Builder::new()
        .name("decoder".into())
        .spawn(move || {
            teller.work(reader);
            stop.told.store(true, Ordering::SeqCst);
            stop.ask();
        })?;
    relay
        .run()
        .context("the tap cannot accept connections any more")
}

/// How the threads end each other.
struct Stop {
    /// Readable when nothing more is to be relayed.
    asked: OwnedFd,
    /// Everything has been told.
    told: AtomicBool,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self {
            asked: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            told: AtomicBool::new(false),
        })
    }

    fn ask(&self) {
        // It fails only where it has been asked for 2^64 times.
        rustix::io::write(&self.asked, &1_u64.to_ne_bytes()).ok();
    }
}

/// Decodes and prints.
struct Teller {
    wishes: Wishes,
    began: SystemTime,
    open: HashMap<u64, Conversation>,
    told: BTreeSet<(&'static str, &'static str)>,
    captured: Vec<Captured>,
    tally: Tally,
    /// What is not written yet.
    lines: Vec<u8>,
}

/// For the last line.
#[derive(Default)]
struct Tally {
    exchanges: u64,
    shown: u64,
    problems: u64,
    waiting: Duration,
    total: Duration,
    lost: u64,
}

impl Teller {
    fn new(wishes: Wishes) -> Self {
        Self {
            wishes,
            began: SystemTime::now(),
            open: HashMap::new(),
            told: BTreeSet::new(),
            captured: Vec::new(),
            tally: Tally::default(),
            lines: Vec::new(),
        }
    }

    fn work(&mut self, tapes: Reader) {
        while let Some(mut tape) = tapes.next() {
            let told = self.tell(&mut tape);
            tapes.give_back(tape);
            let enough = self
                .wishes
                .count
                .is_some_and(|count| self.tally.exchanges >= count);
            // Whoever read the lines is gone, or has seen enough.
            if told.is_err() || enough {
                break;
            }
        }
        self.end();
    }

    fn tell(&mut self, tape: &mut Tape) -> io::Result<()> {
        let mut out = std::mem::take(&mut self.lines);
        self.tally.lost += tape.lost();
        tape.play(|number, at, what| {
            let protocol = self.wishes.protocol;
            let open = self.open.entry(number);
            let conversation = open.or_insert_with(|| Conversation::new(number, protocol));
            let is_over = what == super::Happened::Over;
            let done = conversation.happened(at, what);
            let note = conversation.note();
            if is_over {
                self.open.remove(&number);
            }
            for exchange in done {
                self.exchange(&exchange, &mut out)?;
            }
            if let Some(note) = note {
                self.note(number, &note, &mut out)?;
            }
            flushed(&mut out, LINES)
        })?;
        flushed(&mut out, 0)?;
        self.lines = out;
        Ok(())
    }

    /// The time of day, in UTC.
    fn clock(&self, at: Option<Duration>) -> String {
        let time = self.began + at.unwrap_or_default();
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let millis = since.unwrap_or_default().as_millis() % (24 * 3_600_000);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        format!(
            "{:02}:{:02}:{seconds:02}.{millis:03}",
            minutes / 60,
            minutes % 60
        )
    }

    fn exchange(&mut self, exchange: &Exchange, out: &mut impl Write) -> io::Result<()> {
        // A connection that was opened and closed, as health checks do.
        if exchange.request.octets == 0 && exchange.ending == super::Ending::GatewayClosed {
            return Ok(());
        }
        let findings = diagnose(exchange);
        self.tally.add(exchange, &findings);
        let shown = self
            .wishes
            .filters
            .iter()
            .all(|filter| filter.fits(exchange, &findings));
        if !shown {
            return Ok(());
        }
        self.tally.shown += 1;
        if self.wishes.record.is_some() && self.captured.len() < RECORDED {
            self.captured.extend(Captured::of(exchange));
        }
        let clock = self.clock(exchange.request.first);
        if self.wishes.json {
            return writeln!(out, "{}", line::json(exchange, &findings, &clock));
        }
        writeln!(out, "{}", line::text(exchange, &clock))?;
        self.details(exchange, out)?;
        for finding in &findings {
            let is_new = self.told.insert((finding.problem, finding.requirement));
            writeln!(out, "{}", line::finding(finding, is_new))?;
        }
        Ok(())
    }

    fn details(&self, exchange: &Exchange, out: &mut impl Write) -> io::Result<()> {
        if self.wishes.detail < Detail::Records {
            return Ok(());
        }
        let detail = show::Detail {
            notes: false,
            octets: self.wishes.detail == Detail::Octets,
        };
        let halves = [
            (Direction::Request, &exchange.request, ">"),
            (Direction::Reply, &exchange.reply, "<"),
        ];
        for (direction, half, sign) in halves {
            let protocol = exchange.protocol.unwrap_or(Model::Http);
            let fields = decode::fields(protocol, direction, &half.raw);
            for line in show::text(&fields, &half.raw, detail).lines() {
                writeln!(out, "  {sign} {line}")?;
            }
            let rest = half.octets.saturating_sub(half.raw.len() as u64);
            if rest > 0 {
                writeln!(out, "  {sign} … {rest} further octets are not shown")?;
            }
        }
        Ok(())
    }

    fn note(&mut self, number: u64, note: &Finding, out: &mut impl Write) -> io::Result<()> {
        if self.wishes.json {
            let value = serde_json::json!({ "connection": number, "findings": [note] });
            return writeln!(out, "{value}");
        }
        let is_new = self.told.insert((note.problem, note.requirement));
        writeln!(out, "connection {number}:\n{}", line::finding(note, is_new))
    }

    fn end(&mut self) {
        anstream::eprintln!("gatebench tap: {}", self.tally.words());
        let Some(file) = &self.wishes.record else {
            return;
        };
        match record::write(file, &self.captured) {
            Ok(()) => {}
            Err(error) => anstream::eprintln!("gatebench tap: {error:#}"),
        }
    }
}

/// Writes lines out where there are more than so many octets of them.
fn flushed(lines: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    if lines.len() > limit {
        let mut out = io::stdout().lock();
        out.write_all(lines)?;
        out.flush()?;
        lines.clear();
    }
    Ok(())
}

impl Tally {
    fn add(&mut self, exchange: &Exchange, findings: &[Finding]) {
        self.exchanges += 1;
        self.problems += u64::from(!findings.is_empty());
        self.waiting += exchange.waited().unwrap_or_default();
        self.total += exchange.took().unwrap_or_default();
    }

    fn words(&self) -> String {
        let mut words = format!(
            "{} exchanges, {} shown, {} with something to tell",
            self.exchanges, self.shown, self.problems
        );
        if let Ok(count) = u32::try_from(self.exchanges.max(1)) {
            words.push_str(&format!(
                "; on average {} until the first octet of the reply, {} in all",
                line::Time(self.waiting / count),
                line::Time(self.total / count)
            ));
        }
        if self.lost > 0 {
            words.push_str(&format!(
                "; {} octets passed without being decoded, since the decoder was behind",
                self.lost
            ));
        }
        words
    }
}
