//! How a server ends, and how it begins anew in the same process.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::WaitStatus;

use super::codes;
use super::life::{Curse, Life};
use super::supervise::{Master, Phase};
use crate::log;
use crate::socket::Purpose;

/// A try of the new configuration that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reload that waits for its configuration to be tried.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) check: super::program::Check,
    brutal: bool,
    pub(super) patience: Curse,
}

impl Trial {
    pub(super) fn pid(&self) -> nix::unistd::Pid {
        self.check.pid
    }
}

impl Master<'_, '_> {
    /// Lets the workers finish what they have, then ends with 0. Asked again, ends at once.
    pub(super) fn stop(&mut self) {
        self.board.set_heirs(false);
        match self.phase {
            Phase::Stopping { .. } => return self.stop_now(codes::DONE),
            Phase::Reloading => {}
            Phase::Starting | Phase::Serving => {
                log::fault("graceful shutdown triggered...");
                self.curse_all(Signal::SIGHUP);
            }
        }
        self.beside.stopping();
        self.phase = Phase::Stopping { code: codes::DONE };
    }

    /// Ends as soon as the workers have dropped everything.
    pub(super) fn stop_now(&mut self, code: i32) {
        log::tell("SIGINT/SIGTERM received...killing workers...");
        self.board.set_heirs(false);
        self.beside.stopping();
        self.phase = Phase::Stopping { code };
        self.curse_all(Signal::SIGQUIT);
    }

    /// Begins anew once the workers have finished what they have, or `brutal`ly at once; but first
    /// sees whether the program would start with what is configured now.
    pub(super) fn reload(&mut self, brutal: bool) {
        if self.phase.is_ending() || self.trial.is_some() {
            return;
        }
        if !self.settings.reload.tries {
            return self.leave_for_reload(brutal);
        }
        match self.program.check() {
            Ok(check) => {
                self.trial = Some(Trial {
                    check,
                    brutal,
                    patience: Curse::new(Instant::now(), PATIENCE),
                });
            }
            Err(error) => self.goes_on(&format!("cannot run {}: {error}", self.program.name())),
        }
    }

    /// The try of the new configuration has ended.
    pub(super) fn tried(&mut self, status: WaitStatus) {
        let Some(trial) = self.trial.take() else {
            return;
        };
        if self.phase.is_ending() {
            return;
        }
        if status == WaitStatus::Exited(trial.pid(), 0) {
            return self.leave_for_reload(trial.brutal);
        }
        for line in trial.check.complaints() {
            log::tell(&line);
        }
        self.goes_on("it would not start anew (see above)");
    }

    /// Gives up a try that takes too long.
    pub(super) fn lose_patience(&mut self, now: Instant) {
        if let Some(trial) = &mut self.trial
            && trial.patience.is_over(now)
        {
            let _ = kill(trial.pid(), Signal::SIGKILL);
        }
    }

    fn goes_on(&self, reason: &str) {
        log::fault(&format!(
            "*** reload refused, the running server goes on: {reason} ***"
        ));
    }

    fn leave_for_reload(&mut self, brutal: bool) {
        self.beside.reloading();
        self.phase = Phase::Reloading;
        self.board.set_heirs(!self.settings.reload.exit_on_reload);
        if brutal {
            log::tell("...brutally killing workers...");
            self.curse_all(Signal::SIGQUIT);
        } else {
            log::tell("...gracefully killing workers...");
            self.curse_all(Signal::SIGHUP);
        }
    }

    /// Once no worker is left: the exit code, unless the server begins anew or goes on.
    pub(super) fn last_one_gone(&mut self) -> Option<i32> {
        self.beside.stop(self.phase == Phase::Reloading);
        if let Phase::Stopping { code } = self.phase {
            log::tell("goodbye to gateserve.");
            return Some(code);
        }
        if self.settings.reload.exit_on_reload {
            log::tell("gateserve: GAME OVER (insert coin)");
            return Some(codes::DONE);
        }
        log::tell("binary reloading gateserve...");
        log::tell(&format!("chdir() to {}", self.program.folder()));
        log::tell(&format!("running {}", self.program.name()));
        let listeners = self.settings.listeners.iter();
        let sockets = listeners.zip(&self.sockets);
        let sockets =
            sockets.map(|(listener, bound)| (Purpose::Requests, &listener.address, bound));
        let error = self
            .program
            .run_again(sockets.chain(self.beside.sockets()), &self.relay);
        // The program's file may have gone since it was tried.
        self.goes_on(&format!("cannot run {}: {error}", self.program.name()));
        self.phase = Phase::Serving;
        self.beside.resume();
        let respawn = Instant::now();
        for worker in self.workers.iter_mut().filter(|it| !it.life.is_cheap()) {
            worker.life = Life::Gone { respawn };
        }
        None
    }
}
