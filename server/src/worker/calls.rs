//! A worker with synchronous applications: who turns the event loop, and who answers calls.

use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use super::{Start, live};
use crate::Language;
use crate::app::{Call, Queue, TURN_AFTER, Turner};
use crate::harakiri::{self, Busy};
use crate::master::codes;
use crate::master::scoreboard::CoreSlot;

/// Calls between two turns of the event loop at most.
const MOST_CALLS: usize = 32;

/// Serves until the worker is told to stop; returns its exit code. Nobody waits for threads of the
/// runtime: the process ends after this.
pub(super) fn serve(
    start: &Start<'_>,
    language: &dyn Language,
    runtime: Runtime,
) -> io::Result<i32> {
    if start.settings.processes.lazy_apps && language.load(start.settings).is_err() {
        return Ok(codes::FAILED_APP);
    }
    harakiri::install(start.slot, start.settings.harakiri, language, start.sockets)?;
    language.forked(start.inside());
    let turner = Turner::install(runtime, LocalSet::new());
    let mut served = Ok(codes::DONE);
    language.detached(&mut || {
        served = match start.threads() {
            1 => on_one_thread(start, language, &turner),
            threads => on_many_threads(start, language, &turner, threads),
        };
    });
    served
}

/// Calls run between turns of the event loop.
fn on_one_thread(
    start: &Start<'_>,
    language: &dyn Language,
    turner: &Rc<Turner>,
) -> io::Result<i32> {
    let queue = Queue::default();
    let core = start.slot.core(0);
    turner.take_connections();
    // Looked at only when something woke it, not at every call.
    let mut live = FuturesUnordered::from_iter([live(start, &queue)]);
    loop {
        let answered = answer_some(&queue, core, language, turner);
        let served = turner.until(async {
            // Told within the turn, as whatever the application has asked.
            (0..answered).for_each(|_| queue.done());
            tokio::select! {
                biased;
                served = live.next() => served,
                () = queue.filled() => None,
            }
        });
        if let Some(served) = served {
            return served;
        }
    }
}

/// Answers the calls that wait, up to the next turn of the event loop; returns how many there were.
/// Each reply leaves before the next call is begun.
fn answer_some(queue: &Queue, core: CoreSlot, language: &dyn Language, turner: &Turner) -> usize {
    let began = Instant::now();
    for answered in 0..MOST_CALLS {
        if answered > 0 && began.elapsed() >= TURN_AFTER {
            return answered;
        }
        let Some(call) = queue.take() else {
            return answered;
        };
        answer(call, core, language);
        turner.attend();
    }
    MOST_CALLS
}

/// Calls run on threads of their own, and this one turns the event loop.
fn on_many_threads(
    start: &Start<'_>,
    language: &dyn Language,
    turner: &Turner,
    threads: usize,
) -> io::Result<i32> {
    let queue = Queue::default();
    thread::scope(|scope| {
        for number in 1..=threads {
            let queue = &queue;
            let core = start.slot.core(number - 1);
            // Detached once and not call by call: so the interpreter knows the thread from one
            // request to the next, and with it the thread's own variables.
            let answering = move || {
                core.attach_thread();
                language.detached(&mut || {
                    while let Some(call) = queue.wait() {
                        answer(call, core, language);
                        queue.done();
                    }
                });
            };
            thread::Builder::new()
                .name(format!("request {number}"))
                .spawn_scoped(scope, answering)?;
        }
        let served = turner.until(live(start, &queue));
        queue.close();
        served
    })
}

fn answer(mut call: Call, core: CoreSlot, language: &dyn Language) {
    call.core = core.number();
    call.runs_on(core.number());
    let busy = Busy::new(&call.ticket, core, &call.environ);
    language.call(call);
    drop(busy);
}
