//! Plays steps one after the other.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout, timeout_at};

use super::{
    Seat, Way as Reach,
    link::{Board, Link},
    program::{Execution, Running},
    socket::Socket,
};
use crate::{
    dialogue::{Driven, End, Line},
    outcome::Witness,
    scenario::{
        Scenario,
        expect::{Choice, Mismatch},
        none_of,
        steps::{self, Act, Ask, Emit, Expectation, Item, Progress, Seen, Sends, Step},
    },
    seats::is_subjects,
    transcript::{Happened, Log, Way},
};

/// One case while it is played.
pub struct Play<'a> {
    seat: &'a Seat,
    board: Board,
    links: Vec<Link>,
}

/// Why the bench cannot play: nothing that a server can answer for.
#[derive(Debug, thiserror::Error)]
#[error("the bench cannot {doing}: {source}")]
pub struct Own {
    doing: String,
    source: io::Error,
}

impl<'a> Play<'a> {
    /// A case on the present transcript of `log`.
    pub fn new(seat: &'a Seat, log: Log) -> Self {
        let board = Board::new(log);
        Self {
            seat,
            board,
            links: Vec::new(),
        }
    }

    /// Plays the steps of a scenario and waits for one of its outcomes.
    ///
    /// # Errors
    /// What the bench itself could not do.
    pub async fn scenario(mut self, scenario: &Scenario) -> Result<Driven, Own> {
        let mut driven = Driven::default();
        self.connect(steps::FIRST).await?;
        for (index, step) in scenario.steps.iter().enumerate() {
            let before = &scenario.steps[..=index];
            if let Some(unmet) = self.step(step, before, scenario.within).await? {
                driven.unmet = Some(unmet);
                break;
            }
        }
        if driven.unmet.is_none() {
            let choices = scenario.one_of.iter();
            let choices = choices.filter(|choice| choice.applies(self.seat.model));
            match self.choose(&choices.collect::<Vec<_>>(), scenario).await {
                Ok(chosen) => driven.chosen = chosen,
                Err(unmet) => driven.unmet = Some(unmet),
            }
        }
        self.close_all().await;
        driven.lines = std::mem::take(&mut *self.board.lines());
        Ok(driven)
    }

    async fn close_all(&mut self) {
        for link in &mut self.links {
            link.close(false).await;
        }
    }

    /// Plays one step; what it found wrong, if it did.
    async fn step(
        &mut self,
        step: &Step,
        so_far: &[Step],
        within: Duration,
    ) -> Result<Option<Mismatch>, Own> {
        let at = self.find(&step.on);
        match &step.act {
            Act::Connect => self.connect(&step.on).await?,
            Act::Send { sends, cut, every } => {
                self.send(at, sends, (*cut, *every), within).await?;
            }
            Act::Pause(pause) => sleep(*pause).await,
            Act::Settle(most) => self.settle(at, *most).await,
            Act::HalfClose => {
                self.board.note(at, Way::Request, Happened::Ended);
                if let Err(error) = self.links[at].half_close() {
                    self.broke(at, &error);
                }
            }
            Act::Close => self.close(at, false).await,
            Act::Reset => self.close(at, true).await,
            Act::Expect {
                expectation,
                within: own,
            } => {
                let wait = Wait {
                    at,
                    steps: so_far,
                    on: &step.on,
                    within: own.unwrap_or(within),
                };
                return Ok(self.wait_for(expectation, &wait).await);
            }
        }
        Ok(None)
    }

    /// The place of a connection; steps are checked to name one that was opened.
    fn find(&self, name: &str) -> usize {
        let lines = self.board.lines();
        lines.iter().position(|line| line.name == name).unwrap_or(0)
    }

    /// Opens a connection. One that the server refuses is a line that has ended.
    async fn connect(&mut self, name: &str) -> Result<(), Own> {
        let at = self.links.len();
        self.board.lines().push(Line::new(name, self.seat.model));
        let Reach::Socket(address) = &self.seat.way else {
            self.links.push(Link::Program(None));
            return Ok(());
        };
        let link = match Socket::connect(address).await {
            Ok(socket) => {
                self.board.note(at, Way::Request, Happened::Opened);
                Link::socket(socket, at, &self.board)
            }
            Err(error) if is_subjects(&error) => {
                let why = error.to_string();
                self.board
                    .note(at, Way::Reply, Happened::Broke(why.clone()));
                self.board.on(at, |line| line.ended(End::Refused(why)));
                Link::Closed
            }
            Err(source) => {
                let doing = format!("connect to {address}");
                return Err(Own { doing, source });
            }
        };
        self.links.push(link);
        Ok(())
    }

    /// Sends in the pieces that are asked for. Where the server takes no more, the rest is not
    /// sent: what that means is up to what is expected.
    async fn send(
        &mut self,
        at: usize,
        sends: &Sends,
        (cut, every): (Option<usize>, Option<Duration>),
        within: Duration,
    ) -> Result<(), Own> {
        let (octets, is_all) = self.emit(at, sends)?;
        let size = cut.unwrap_or(octets.len()).max(1);
        let link = &mut self.links[at];
        for (index, piece) in octets.chunks(size).enumerate() {
            if index > 0 {
                // Without a wait the next write would still leave by itself, but be read with it.
                sleep(every.unwrap_or(Duration::ZERO)).await;
            }
            let written = timeout(within, link.write(piece, at, &self.board)).await;
            let error = match written {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(_) => io::Error::other("the server takes no more octets"),
            };
            self.broke(at, &error);
            return Ok(());
        }
        if is_all {
            self.links[at].half_close().ok();
        }
        Ok(())
    }

    /// The octets of all items, and whether they are all that the program they are for shall read;
    /// it is executed on the way.
    fn emit(&mut self, at: usize, sends: &Sends) -> Result<(Vec<u8>, bool), Own> {
        let (base, mut octets, mut is_all) = (self.seat.base(), Vec::new(), false);
        for item in &sends.0 {
            self.announce(at, item);
            match item.emit(&base) {
                Emit::Octets(more) => octets.extend(more),
                Emit::Run {
                    environ,
                    argv,
                    input,
                    open,
                } => {
                    self.execute(at, &Execution { environ, argv })?;
                    octets.extend(input);
                    is_all |= !open;
                }
            }
        }
        Ok((octets, is_all))
    }

    /// Tells the decoder what is asked: how a reply ends depends on it.
    fn announce(&self, at: usize, item: &Item) {
        let base = self.seat.base();
        self.board.on(at, |line| {
            for asked in item.asks(&base) {
                line.asked(&asked);
            }
        });
    }

    fn execute(&mut self, at: usize, with: &Execution) -> Result<(), Own> {
        let Reach::Program(program) = &self.seat.way else {
            return Ok(());
        };
        self.board.note(at, Way::Request, Happened::Opened);
        let environ = with.environ.iter();
        let told = environ.flat_map(|(n, v)| [n, &b"="[..], v, b"\n"].concat());
        let told = Happened::Octets(told.collect());
        self.board.note(at, Way::Request, told);
        let running = Running::start(program, with, at, &self.board).map_err(|source| Own {
            doing: format!("execute {}", program.display()),
            source,
        })?;
        self.links[at] = Link::Program(Some(running));
        Ok(())
    }

    fn broke(&self, at: usize, error: &io::Error) {
        let happened = Happened::Broke(error.to_string());
        self.board.note(at, Way::Request, happened);
    }

    async fn close(&mut self, at: usize, reset: bool) {
        let happened = match reset {
            true => Happened::Broke("reset by the driver".to_owned()),
            false => Happened::Ended,
        };
        self.board.note(at, Way::Request, happened);
        self.links[at].close(reset).await;
        self.board.on(at, |line| line.ended(End::Own));
    }

    /// Waits for the end of a reply or of the connection.
    async fn settle(&self, at: usize, most: Duration) {
        let until = Instant::now() + most;
        loop {
            let changed = self.board.changed.notified();
            let is_settled = self.board.lines().get(at).is_none_or(|line| {
                line.end.is_some() || line.replies.last().is_some_and(|reply| reply.complete)
            });
            if is_settled || timeout_at(until.into(), changed).await.is_err() {
                return;
            }
        }
    }

    /// Waits until it holds; what does not, if it does not in time.
    async fn wait_for(&self, expectation: &Expectation, wait: &Wait<'_>) -> Option<Mismatch> {
        let trial = Trial::new(self, wait);
        loop {
            let changed = self.board.changed.notified();
            let now = Instant::now();
            match trial.look(self, expectation, wait, now) {
                Look::Met => return None,
                Look::Unmet(unmet) => return Some(unmet),
                Look::Until(until) => _ = timeout_at(until.into(), changed).await,
            }
        }
    }

    /// Waits until one outcome has come; none where there is no choice.
    async fn choose(
        &self,
        choices: &[&Choice],
        scenario: &Scenario,
    ) -> Result<Option<String>, Mismatch> {
        let mut paths: Vec<Path<'_>> = choices.iter().map(|choice| Path::new(choice)).collect();
        if paths.is_empty() {
            return Ok(None);
        }
        loop {
            let changed = self.board.changed.notified();
            let now = Instant::now();
            let mut until = None::<Instant>;
            for path in &mut paths {
                match path.look(self, scenario, now) {
                    Look::Met => return Ok(Some(path.choice.name.clone())),
                    Look::Unmet(unmet) => path.missed = Some(unmet),
                    Look::Until(time) => until = Some(until.map_or(time, |until| until.min(time))),
                }
            }
            let Some(until) = until else {
                let missed: Vec<(&Choice, Mismatch)> = paths
                    .into_iter()
                    .filter_map(|path| Some((path.choice, path.missed?)))
                    .collect();
                return Err(none_of(&missed));
            };
            timeout_at(until.into(), changed).await.ok();
        }
    }
}

/// What one `expect` waits for, and how long.
struct Wait<'s> {
    at: usize,
    steps: &'s [Step],
    on: &'s str,
    within: Duration,
}

/// How a look at what came ended.
enum Look {
    Met,
    Unmet(Mismatch),
    /// Nothing more can be told before something comes, or before this time.
    Until(Instant),
}

/// One `expect` while it is waited for.
struct Trial {
    begun: Instant,
    before: u64,
}

impl Trial {
    fn new(play: &Play<'_>, wait: &Wait<'_>) -> Self {
        Self {
            begun: Instant::now(),
            before: play.board.lines().get(wait.at).map_or(0, |line| line.size),
        }
    }

    fn look(
        &self,
        play: &Play<'_>,
        expectation: &Expectation,
        wait: &Wait<'_>,
        now: Instant,
    ) -> Look {
        let seen = Seen {
            place: &play.seat.place,
            steps: wait.steps,
            on: wait.on,
            before: self.before,
        };
        let lines = play.board.lines();
        let Some(line) = lines.get(wait.at) else {
            let expected = format!("a connection `{}`", wait.on);
            return Look::Unmet(Mismatch::new(
                Witness::Reply,
                "connection",
                expected,
                "none",
            ));
        };
        let (held, late) = (self.begun + expectation.hold(), self.begun + wait.within);
        match expectation.progress(line, &seen) {
            Progress::Met => Look::Met,
            Progress::Never(unmet) => Look::Unmet(unmet),
            Progress::Holds if now >= held => Look::Met,
            Progress::Holds => Look::Until(held),
            Progress::NotYet(unmet) if now >= late => Look::Unmet(Mismatch {
                actual: format!("{} after {} ms", unmet.actual, wait.within.as_millis()),
                ..unmet
            }),
            Progress::NotYet(_) => Look::Until(late),
        }
    }
}

/// One outcome of `one_of` while it is waited for.
struct Path<'s> {
    choice: &'s Choice,
    next: usize,
    trial: Option<Trial>,
    missed: Option<Mismatch>,
}

impl<'s> Path<'s> {
    fn new(choice: &'s Choice) -> Self {
        Self {
            choice,
            next: 0,
            trial: None,
            missed: None,
        }
    }

    fn look(&mut self, play: &Play<'_>, scenario: &Scenario, now: Instant) -> Look {
        if let Some(unmet) = &self.missed {
            return Look::Unmet(unmet.clone());
        }
        while let Some(step) = self.choice.steps.get(self.next) {
            let Act::Expect {
                expectation,
                within,
            } = &step.act
            else {
                self.next += 1;
                continue;
            };
            let wait = Wait {
                at: play.find(&step.on),
                steps: &scenario.steps,
                on: &step.on,
                within: within.unwrap_or(scenario.within),
            };
            let trial = self.trial.get_or_insert_with(|| Trial::new(play, &wait));
            match trial.look(play, expectation, &wait, now) {
                Look::Met => (self.next, self.trial) = (self.next + 1, None),
                other => return other,
            }
        }
        Look::Met
    }
}

/// Asks for a plain reply on a new connection; what came, as far as it did within `within`.
///
/// # Errors
/// What the bench itself could not do.
pub async fn plain(seat: &Seat, log: Log, ask: &Ask, within: Duration) -> Result<Line, Own> {
    let mut play = Play::new(seat, log);
    play.connect("plain").await?;
    let sends = Sends(vec![Item::Request(Box::new(ask.clone()))]);
    play.send(0, &sends, (None, None), within).await?;
    play.settle(0, within).await;
    play.close_all().await;
    let line = play.board.lines().pop();
    Ok(line.unwrap_or_else(|| Line::new("plain", seat.model)))
}
