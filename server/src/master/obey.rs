//! What the master does when it is asked to.

use nix::sys::signal::Signal;

use super::chain::{Link, Step};
use super::codes;
use super::command::Command;
use super::doing;
use super::supervise::Master;
use crate::log;

impl Master<'_, '_> {
    /// Does what was asked for.
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Stop => self.stop(),
            Command::StopNow => self.stop_now(codes::DONE),
            Command::Reload => self.reload(false),
            Command::BrutalReload => self.reload(true),
            Command::ReloadWorkers => self.curse_all(Signal::SIGHUP),
            Command::BrutalReloadWorkers => self.replace_at_once(),
            Command::ChainReload => self.begin_chain(),
            Command::ReopenLog => log::reopen(),
            Command::RotateLog => log::rotate(),
            Command::Pause => self.pause(),
            Command::Statistics => doing::statistics(&self.settings.given, self.board),
            Command::Doing => doing::requests(self.board),
            Command::Pidfiles => self.beside.write_pidfiles(),
            Command::Slot(slot) => self.fifo.select(slot),
            Command::GoCheap => self.go_cheap(),
            Command::More => self.cheaper.ask(1),
            Command::Fewer => self.cheaper.ask(-1),
        }
    }

    fn replace_at_once(&mut self) {
        for number in 0..self.workers.len() {
            if let Some(pid) = self.workers[number].pid {
                log::fault(&format!("killing worker {} (pid: {pid})", number + 1));
                self.curse(number, Signal::SIGQUIT);
            }
        }
    }

    fn begin_chain(&mut self) {
        if self.phase.is_ending() {
            return;
        }
        if !self.chain.begin() {
            return log::fault("chain reload already running...");
        }
        log::fault("chain reload starting...");
        if self.language.is_some() && !self.settings.processes.lazy_apps {
            log::fault(
                "chain reload without lazy-apps: the fresh workers run the code that the master \
                 has loaded; for new code use lazy-apps, or reload all with SIGHUP",
            );
        }
        self.go_on_with_chain(false);
    }

    /// Replaces the next worker of a chain reload if it is its turn; told of every second if not.
    pub(super) fn go_on_with_chain(&mut self, tell: bool) {
        if !self.chain.is_running() {
            return;
        }
        let links = self.workers.iter().map(|worker| match worker {
            worker if worker.life.is_cheap() => Link::Cheap,
            worker if worker.is_accepting() => Link::Accepting,
            _ => Link::Between,
        });
        let links: Vec<_> = links.collect();
        match self.chain.step(&links) {
            Step::Nothing => {}
            Step::WaitFor(number) if tell => log::fault(&format!(
                "chain is still waiting for worker {}...",
                number + 1
            )),
            Step::WaitFor(_) => {}
            Step::Replace(number) => {
                log::fault(&format!("chain next victim is worker {}", number + 1));
                self.curse(number, Signal::SIGHUP);
            }
            Step::Complete => log::fault("chain reloading complete"),
        }
    }

    /// Has all workers rest, or go on.
    fn pause(&mut self) {
        self.paused = !self.paused;
        log::fault(match self.paused {
            true => {
                "*** PAUSE (press start to resume, if you do not have a joypad send SIGTSTP) ***"
            }
            false => "*** (SIGTSTP received) resuming workers ***",
        });
        for number in 0..self.workers.len() {
            self.rest(number);
        }
    }
}
