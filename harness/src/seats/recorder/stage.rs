//! What all connections of a recorder share: the case that is played, and what came in it.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::{
    model::Model,
    scenario::{
        Place,
        reply::{Act, Item, Part, Until},
    },
    seats::reply::{hex, take},
    transcript::Log,
    witness::recorded::{Asked, End, Line, Recorded},
};

/// The recorder's memory.
pub(super) struct Shared {
    pub(super) model: Model,
    pub(super) log: Log,
    stage: Mutex<Stage>,
    /// Counts whatever happened, so that who waits looks again.
    changed: watch::Sender<u64>,
}

struct Stage {
    /// Number of the present case; the log numbers its own.
    case: u64,
    begun: Instant,
    part: Part,
    follows: bool,
    closed: bool,
    lines: Vec<Taken>,
    trouble: Option<String>,
}

/// One connection within the present case.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) line: Line,
    bodies: Vec<Sha256>,
    /// Replies that are complete, by request.
    answered: Vec<bool>,
    /// Players at work.
    pub(super) playing: usize,
    /// What a transcript shows of what came, where that is not the octets themselves.
    pub(super) shown: Vec<u8>,
    /// How far may be read.
    pub(super) gate: Option<(Option<usize>, Until)>,
    begun: Option<Instant>,
    follows: bool,
}

/// A connection's place in a case.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) shared: Arc<Shared>,
    case: u64,
    /// The log's number of the case.
    logged: u64,
    pub(super) line: usize,
}

impl Shared {
    pub(super) fn new(model: Model, log: Log) -> Self {
        Self {
            model,
            log,
            stage: Mutex::new(Stage {
                case: 0,
                begun: Instant::now(),
                part: Part::default(),
                follows: false,
                closed: false,
                lines: Vec::new(),
                trouble: None,
            }),
            changed: watch::Sender::new(0),
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits to look again.
    pub(super) fn tell(&self) {
        self.changed
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn prepare(&self, part: Part) {
        let mut stage = self.stage();
        stage.case += 1;
        stage.begun = Instant::now();
        stage.part = part;
        stage.follows = false;
        stage.lines.clear();
        stage.trouble = None;
        drop(stage);
        self.tell();
    }

    /// Where clients ask the gateway.
    pub(super) fn place(&self) -> Place {
        self.stage().part.place.clone()
    }

    pub(super) fn follow_up(&self) {
        self.stage().follows = true;
    }

    /// Ends all connections.
    pub(super) fn close(&self) {
        self.stage().closed = true;
        self.prepare(Part::default());
    }

    pub(super) fn recorded(&self) -> Recorded {
        let stage = self.stage();
        let lines = stage.lines.iter().map(Taken::line).collect();
        Recorded { lines }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.stage().trouble.clone()
    }

    pub(super) fn note(&self, trouble: String) {
        self.stage().trouble = Some(trouble);
    }

    /// Numbers a connection within the present case; `None` where nobody records any more.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let mut stage = self.stage();
        if stage.closed {
            return None;
        }
        let taken = Taken {
            begun: Some(stage.begun),
            ..Taken::default()
        };
        stage.lines.push(taken);
        Some(Seat {
            shared: self.clone(),
            case: stage.case,
            logged: self.log.case(),
            line: stage.lines.len() - 1,
        })
    }

    /// The reply to whoever is first to ask in this part of the case; `None` for the report.
    fn claim(stage: &mut Stage) -> Option<Vec<Item>> {
        match stage.follows {
            false => stage.part.reply.take(),
            true => stage.part.next.take(),
        }
    }
}

impl Seat {
    /// Whether its case is the present one.
    pub(super) fn is_present(&self) -> bool {
        let stage = self.shared.stage();
        stage.case == self.case && !stage.closed
    }

    /// Number of the case in the log.
    pub(super) fn logged(&self) -> u64 {
        self.logged
    }

    /// Number of the connection in transcripts.
    pub(super) fn number(&self) -> u32 {
        u32::try_from(self.line).unwrap_or(u32::MAX)
    }

    /// Works on what was taken; `None` where the case is over.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Taken) -> T) -> Option<T> {
        let mut stage = self.shared.stage();
        if stage.case != self.case || stage.closed {
            return None;
        }
        let follows = stage.follows;
        let taken = stage.lines.get_mut(self.line)?;
        taken.follows = follows;
        Some(work(taken))
    }

    /// The reply that a new connection gets before anything is read of it.
    pub(super) fn claim_unread(&self) -> Option<Vec<Item>> {
        let mut stage = self.shared.stage();
        let part = &stage.part;
        let reply = if stage.follows {
            &part.next
        } else {
            &part.reply
        };
        let first = reply.as_ref()?.first()?;
        let is_unread = first.act == Act::Read(Until::Nothing);
        if !is_unread || stage.case != self.case {
            return None;
        }
        let reply = Shared::claim(&mut stage);
        let taken = stage.lines.get_mut(self.line)?;
        taken.gate = Some((None, Until::Nothing));
        taken.playing += 1;
        reply
    }

    /// The reply to a request that has begun, and how far it may be read meanwhile.
    pub(super) fn claim(&self, request: usize) -> Option<Vec<Item>> {
        let mut stage = self.shared.stage();
        if stage.case != self.case {
            return None;
        }
        let reply = Shared::claim(&mut stage);
        let first = reply.as_ref().and_then(|items| items.first());
        let gate = match first.map(|item| &item.act) {
            Some(Act::Read(until)) => Some((Some(request), *until)),
            _ => None,
        };
        let taken = stage.lines.get_mut(self.line)?;
        taken.gate = gate;
        taken.playing += 1;
        reply
    }

    /// Waits until `look` finds something; `None` where the case is over before.
    pub(super) async fn until<T>(
        &self,
        mut look: impl FnMut(&mut Taken) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.shared.changes();
        loop {
            if let Some(found) = self.with(&mut look)? {
                return Some(found);
            }
            changes.changed().await.ok()?;
        }
    }
}

impl Taken {
    /// Since the case began.
    pub(super) fn now(&self) -> Duration {
        self.begun.map_or(Duration::ZERO, |begun| begun.elapsed())
    }

    /// A request begins; its number on the line.
    pub(super) fn begin(&mut self, id: u16) -> usize {
        let mut before = self.line.requests.iter().zip(&self.answered);
        self.line.overlaps |= before.any(|(asked, answered)| asked.id == id && !answered);
        self.line.requests.push(Asked {
            id,
            follows: self.follows,
            ..Asked::default()
        });
        self.bodies.push(Sha256::new());
        self.answered.push(false);
        self.line.requests.len() - 1
    }

    /// A request that has begun.
    pub(super) fn asked(&mut self, request: usize) -> &mut Asked {
        &mut self.line.requests[request]
    }

    /// Adds to the body of a request.
    pub(super) fn body(&mut self, request: usize, octets: &[u8]) {
        let body = &mut self.line.requests[request].body;
        take(octets, body, &mut self.bodies[request]);
    }

    /// The reply to a request is complete.
    pub(super) fn answered(&mut self, request: usize) {
        self.answered[request] = true;
    }

    /// Whether the reply to a request is complete.
    pub(super) fn is_answered(&self, request: usize) -> bool {
        self.answered.get(request).copied().unwrap_or(false)
    }

    /// The gateway ended its side; what was not answered yet is given up.
    pub(super) fn ended(&mut self, how: End) {
        let now = self.now();
        self.line.ended.get_or_insert((how, now));
        for (asked, answered) in self.line.requests.iter_mut().zip(&self.answered) {
            asked.aborted |= !answered;
        }
    }

    /// What is known of a request, its digest included.
    pub(super) fn view(&self, request: usize) -> Asked {
        let mut asked = self.line.requests[request].clone();
        asked.body.sha256 = hex(&self.bodies[request].clone().finalize());
        asked
    }

    /// What is known of the line.
    fn line(&self) -> Line {
        let gone = self.line.pid.map(is_gone);
        let requests = (0..self.line.requests.len()).map(|request| {
            let mut asked = self.view(request);
            if let Some(program) = &mut asked.program {
                program.gone = gone;
            }
            asked
        });
        Line {
            requests: requests.collect(),
            ..self.line.clone()
        }
    }

    /// Whether no more may be read for now.
    pub(super) fn is_shut(&self) -> bool {
        match self.gate {
            None | Some((_, Until::Whole)) => false,
            Some((_, Until::Nothing)) => true,
            Some((request, until)) => {
                let asked = request.and_then(|request| self.line.requests.get(request));
                asked.is_some_and(|asked| has_come(asked, until))
            }
        }
    }
}

/// Whether the system has no such process any more, nor what is left of one that nobody waited for.
fn is_gone(pid: i32) -> bool {
    !Path::new("/proc").join(pid.to_string()).exists()
}

/// Whether so much of a request has come.
pub(super) fn has_come(asked: &Asked, until: Until) -> bool {
    match until {
        Until::Nothing => true,
        Until::Head => asked.has_head,
        Until::Body(size) => {
            asked.has_head && (asked.body.size >= size || asked.is_whole || asked.has_ended)
        }
        Until::Whole => asked.is_whole || asked.has_ended,
    }
}
