//! A worker process: an event loop, started after the fork, that serves until it is told to stop.

mod accept;
mod begin;
mod calls;
mod orders;

use std::io;
use std::rc::Rc;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{Pid, getppid};
use tokio::runtime::Builder;
use tokio::sync::{Notify, watch};
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::Language;
use crate::app::Queue;
use crate::harakiri;
use crate::inside::Inside;
use crate::log;
use crate::master::{Event, News, Scoreboard, State, WorkerSlot, codes};
use crate::options::Settings;
use crate::socket::{Bound, Relay};
use orders::{Order, Orders};

/// What a worker gets from its master.
pub(crate) struct Start<'a> {
    /// Counted from 0.
    pub(crate) number: usize,
    pub(crate) settings: &'a Settings,
    pub(crate) language: Option<&'a dyn Language>,
    pub(crate) sockets: &'a [Bound],
    /// Takes the idle connections of a worker that leaves.
    pub(crate) relay: &'a Relay,
    /// Takes the worker's news of itself.
    pub(crate) tell: &'a io::PipeWriter,
    /// All workers' places.
    pub(crate) board: Scoreboard,
    /// Its place on the scoreboard.
    pub(crate) slot: WorkerSlot,
    /// The signal mask from before the master blocked its signals.
    pub(crate) signal_mask: SigSet,
    /// The master's process id.
    pub(crate) master: u32,
}

/// Runs in the forked child; returns its exit code.
pub(crate) fn run(start: &Start<'_>) -> i32 {
    start.slot.occupy();
    let begun = stay_with_master(start).and_then(|()| begin::begin(start));
    match begun.and_then(|()| serve(start)) {
        Ok(code) => code,
        Err(error) => {
            log::tell(&format!(
                "worker {} cannot go on: {error}",
                start.number + 1
            ));
            codes::FAILED
        }
    }
}

/// A worker without a master would hold the sockets for ever: it finishes what runs, or is killed
/// under `no-orphans`.
fn stay_with_master(start: &Start<'_>) -> io::Result<()> {
    let signal = match start.settings.system.no_orphans {
        true => Signal::SIGKILL,
        false => Signal::SIGTERM,
    };
    nix::sys::prctl::set_pdeathsig(signal)?;
    // The master may have died before the line above.
    match start.has_master() {
        true => Ok(()),
        false => Err(io::Error::other("the master is gone")),
    }
}

/// Returns the exit code.
fn serve(start: &Start<'_>) -> io::Result<i32> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    if let Some(language) = start.language {
        return calls::serve(start, language, runtime);
    }
    let served = LocalSet::new().block_on(&runtime, live(start, &Queue::default()));
    // Threads that still read or write a file are not waited for.
    runtime.shutdown_background();
    served
}

/// Serves until the worker is told to stop; returns its exit code.
async fn live(start: &Start<'_>, calls: &Queue) -> io::Result<i32> {
    let mut orders = Orders::listen()?;
    start
        .signal_mask
        .thread_swap_mask(SigmaskHow::SIG_SETMASK)?;

    let (drain, draining) = watch::channel(false);
    let (pause, paused) = watch::channel(false);
    harakiri::rests_by(&pause);
    let retire = Rc::new(Notify::new());
    let growth = accept::start(start, draining, paused, &retire, calls)?;
    begin::accepting(start)?;
    if start.language.is_none() || start.threads() == 1 {
        start.slot.core(0).attach_thread();
    }
    start.slot.set_accepting(true);
    start.slot.set_state(State::Serving);
    start.tell(Event::Ready)?;

    let code = tokio::select! {
        order = orders.until_end(start, &pause) => match order {
            Order::EndNow => return Ok(codes::END),
            Order::Finish(code) => {
                start.slot.set_accepting(false);
                code
            }
        },
        () = retire.notified() => {
            retired(start, growth.reason());
            codes::DONE
        }
    };
    drain.send_replace(true);
    if !start.has_master() {
        // What runs is finished, but another server may begin now.
        start.sockets.iter().for_each(Bound::let_go);
    }
    // Every listener and every connection holds a receiver.
    let finished = timeout(start.settings.reload.mercy, drain.closed());
    tokio::select! {
        finished = finished => if finished.is_err() {
            let (number, pid) = (start.number + 1, std::process::id());
            log::fault(&format!(
                "worker {number} (pid: {pid}) is taking too much time to die...NO MERCY !!!"
            ));
        },
        () = orders.until_end_now(start, &pause) => return Ok(codes::END),
    }
    Ok(code)
}

/// The worker has served its share. Its place is filled at once, since a last request may run on
/// for long.
fn retired(start: &Start<'_>, reason: Option<String>) {
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    let pid = std::process::id();
    // Before its place goes to another process.
    start.slot.set_accepting(false);
    log::tell(&format!(
        "...The work of process {pid} is done{reason}. Seeya!"
    ));
    // Without a master nobody is to fill the place.
    let _ = start.tell(Event::Leaving);
}

impl Start<'_> {
    /// How many synchronous requests run at a time.
    fn threads(&self) -> usize {
        self.settings.processes.threads as usize
    }

    /// This worker, as code inside it sees it.
    fn inside(&self) -> Inside {
        let master = Pid::from_raw(self.master.cast_signed());
        Inside::new(self.board, self.slot, master)
    }

    fn has_master(&self) -> bool {
        getppid().as_raw().unsigned_abs() == self.master
    }

    fn tell(&self, event: Event) -> io::Result<()> {
        let from = nix::unistd::getpid();
        News { from, event }.send(self.tell)
    }
}
