//! A worker process: an event loop, started after the fork, that serves until it is told to stop.

mod accept;
mod begin;
mod calls;

use std::io;
use std::rc::Rc;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::getppid;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::Language;
use crate::app::Queue;
use crate::log;
use crate::master::{Event, News, State, WorkerSlot};
use crate::options::Settings;
use crate::socket::Bound;

/// The exit code of a worker that ended as it should.
pub(crate) const DONE: i32 = 0;

/// The exit code of a worker that could not start or go on.
const FAILED: i32 = 1;

/// What a worker gets from its master.
pub(crate) struct Start<'a> {
    /// Counted from 0.
    pub(crate) number: usize,
    pub(crate) settings: &'a Settings,
    pub(crate) language: Option<&'a dyn Language>,
    pub(crate) sockets: &'a [Bound],
    /// Takes the worker's news of itself.
    pub(crate) tell: &'a io::PipeWriter,
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
        Ok(()) => DONE,
        Err(error) => {
            log::tell(&format!(
                "worker {} cannot go on: {error}",
                start.number + 1
            ));
            FAILED
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
    match getppid().as_raw().unsigned_abs() == start.master {
        true => Ok(()),
        false => Err(io::Error::other("the master is gone")),
    }
}

fn serve(start: &Start<'_>) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    if let Some(language) = start.language {
        return calls::serve(start, language, runtime);
    }
    let served = LocalSet::new().block_on(&runtime, live(start, &Queue::default()));
    // Threads that still read or write a file are not waited for.
    runtime.shutdown_background();
    served
}

async fn live(start: &Start<'_>, calls: &Queue) -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut quit = signal(SignalKind::quit())?;
    // A terminal sends these to every process, and so does `killall`; what they mean is up to the
    // master. Ignoring them instead would make CGI programs ignore them too.
    let _heard = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
        signal(SignalKind::user_defined1())?,
        signal(SignalKind::user_defined2())?,
    ];
    start
        .signal_mask
        .thread_swap_mask(SigmaskHow::SIG_SETMASK)?;

    let (drain, draining) = watch::channel(false);
    let retire = Rc::new(Notify::new());
    accept::start(start, draining, &retire, calls)?;
    begin::accepting(start)?;
    if start.language.is_none() || start.threads() == 1 {
        start.slot.core(0).attach_thread();
    }
    start.slot.set_accepting(true);
    start.slot.set_state(State::Serving);
    start.tell(Event::Ready)?;

    let finished = async {
        tokio::select! {
            _ = term.recv() => start.slot.set_accepting(false),
            () = retire.notified() => retired(start),
        }
        drain.send_replace(true);
        // Every listener and every connection holds a receiver.
        timeout(start.settings.reload.mercy, drain.closed()).await
    };
    tokio::select! {
        _ = finished => {}
        _ = quit.recv() => {}
    }
    Ok(())
}

/// The worker has served its share. Its place is filled at once, since a last request may run on
/// for long.
fn retired(start: &Start<'_>) {
    let pid = std::process::id();
    // Before its place goes to another process.
    start.slot.set_accepting(false);
    log::tell(&format!("...The work of process {pid} is done. Seeya!"));
    // Without a master nobody is to fill the place.
    let _ = start.tell(Event::Leaving);
}

impl Start<'_> {
    /// How many synchronous requests run at a time.
    fn threads(&self) -> usize {
        self.settings.processes.threads as usize
    }

    fn tell(&self, event: Event) -> io::Result<()> {
        let from = nix::unistd::getpid();
        News { from, event }.send(self.tell)
    }
}
