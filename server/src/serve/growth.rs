//! `reload-on-as` and `reload-on-rss`: a worker that has grown too large makes room for a fresh
//! one.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::Notify;

use crate::master::WorkerSlot;
use crate::memory::Meter;
use crate::options::{MemoryLimits, Settings};

/// How large the worker is, looked at after each request.
pub(crate) struct Growth {
    memory: Option<Memory>,
    /// Why the worker ends, once it does.
    reason: RefCell<Option<String>>,
    due: Rc<Notify>,
}

struct Memory {
    meter: Meter,
    limits: MemoryLimits,
    /// Before that a worker is too young to be replaced.
    from: Instant,
}

impl Growth {
    /// Notifies `due` when the worker is to end; `measured`: its memory is wanted in any case.
    ///
    /// # Errors
    /// The worker's memory cannot be measured.
    pub(crate) fn new(settings: &Settings, measured: bool, due: Rc<Notify>) -> io::Result<Self> {
        let limits = settings.memory.reload;
        let meter = (measured || limits.exist()).then(Meter::new).transpose()?;
        let memory = meter.map(|meter| Memory {
            meter,
            limits,
            from: Instant::now() + settings.recycle.min_lifetime,
        });
        Ok(Self {
            memory,
            reason: RefCell::default(),
            due,
        })
    }

    /// Measures the worker, before its request is told of.
    pub(super) fn measure(&self, slot: WorkerSlot) {
        let Some(memory) = &self.memory else { return };
        let Some(usage) = memory.meter.read() else {
            return;
        };
        slot.set_memory(usage.rss, usage.vsz);
        let excess = usage.beyond(memory.limits);
        if let Some(excess) = excess.filter(|_| Instant::now() >= memory.from) {
            self.reason.replace(Some(excess.reason()));
            self.due.notify_one();
        }
    }

    /// Why the worker ends, in uWSGI's words, if its size is why.
    pub(crate) fn reason(&self) -> Option<String> {
        self.reason.borrow().clone()
    }
}
