//! What the master looks after beside the workers: files, daemons, cron, and who is told of it.

use std::time::{Duration, Instant};

use nix::poll::PollFd;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::Scoreboard;
use super::cron::Cron;
use super::daemon::{Buried, Daemon};
use super::files::Files;
use super::stats::{self, Facts, StatsServer, ToldAt};
use crate::clock;
use crate::log;
use crate::options::Settings;
use crate::socket::{Address, Backlog, Bound, Purpose};
use crate::system::hooks::{self, HookPhase};
use crate::system::notify::Notifier;
use crate::system::procname;

/// How often daemons and crons are looked after, and how often their ends are while they stop.
const TICK: Duration = Duration::from_secs(1);
const SHORT_TICK: Duration = Duration::from_millis(10);

/// How long daemons get to stop, as in uWSGI.
const MERCY: Duration = Duration::from_secs(3);

/// What runs or lies beside the workers.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    settings: &'a Settings,
    files: Files,
    notifier: Option<Notifier>,
    daemons: Vec<Daemon<'a>>,
    crons: Vec<Cron<'a>>,
    stats: StatsServer<'a>,
    /// When to look at the queues of the sockets next.
    next_look: Instant,
    /// When to look after things next; never if there is nothing to look after.
    next: Option<Instant>,
}

impl<'a> Beside<'a> {
    /// For a server that is about to fork its workers.
    pub(super) fn new(
        settings: &'a Settings,
        files: Files,
        notifier: Option<Notifier>,
        told_at: ToldAt,
    ) -> Self {
        if let Some(name) = settings.names.master() {
            procname::set(&name);
        }
        let now = Instant::now();
        let daemons: Vec<_> = settings
            .daemons
            .iter()
            .map(|it| Daemon::new(it, now))
            .collect();
        let crons: Vec<_> = settings.crons.iter().map(Cron::new).collect();
        let next = (!daemons.is_empty() || !crons.is_empty()).then_some(now);
        Self {
            settings,
            files,
            notifier,
            daemons,
            crons,
            stats: StatsServer::new(&settings.stats, told_at),
            next_look: now,
            next,
        }
    }

    /// When something is due that no signal tells of.
    pub(super) fn due(&self) -> Option<Instant> {
        let daemons = self.daemons.iter().filter_map(Daemon::due);
        let sign_of_life = self.notifier.as_ref().and_then(Notifier::due);
        let due = daemons.chain(self.next).chain(sign_of_life);
        let due = due.chain(self.stats.due());
        due.chain([self.next_look]).min()
    }

    /// What the master is to wait for on its behalf.
    pub(super) fn watch(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.stats.watch().map(stats::poll_fd)
    }

    /// The sockets of that, for the server that follows in this process.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (Purpose, &Address, &Bound)> {
        self.stats.sockets()
    }

    /// Tells of the server to whoever wants to know.
    pub(super) fn tell(&mut self, board: Scoreboard, sockets: &[Bound]) {
        let now = Instant::now();
        if self.next_look <= now {
            self.next_look = now + TICK;
            sockets.iter().for_each(look_at_queue);
        }
        let facts = Facts {
            board,
            sockets,
            listeners: &self.settings.listeners,
            daemons: &self.daemons,
            crons: &self.crons,
        };
        self.stats.serve(now, &facts);
    }

    /// Does what is due. `serving` is whether the server is to go on: one that stops starts no
    /// more programs.
    pub(super) fn act(&mut self, now: Instant, serving: bool) {
        if let Some(notifier) = &mut self.notifier {
            notifier.act(now);
        }
        if !serving {
            self.next = self.next.map(|_| now + TICK);
            return;
        }
        for daemon in &mut self.daemons {
            daemon.act(now);
        }
        if self.next.is_some_and(|next| next <= now) {
            self.next = Some(now + TICK);
            self.tick(now);
        }
    }

    fn tick(&mut self, now: Instant) {
        self.daemons.iter_mut().for_each(|daemon| daemon.tick(now));
        let (unix, local) = (clock::unix(), clock::local_time());
        self.crons
            .iter_mut()
            .for_each(|cron| cron.tick(unix, &local));
    }

    /// A process has ended that was no worker. Says whether the server is to stop for it.
    pub(super) fn buried(&mut self, pid: Pid, serving: bool) -> bool {
        let now = Instant::now();
        for daemon in &mut self.daemons {
            match daemon.buried(pid, now, serving) {
                Buried::Other => {}
                Buried::Own => return false,
                Buried::Control => return true,
            }
        }
        let unix = clock::unix();
        self.crons.iter_mut().any(|cron| cron.buried(pid, unix));
        false
    }

    /// All workers accept.
    pub(super) fn ready(&mut self) {
        for file in &self.settings.system.pidfiles.when_ready {
            self.files.write_pidfile(file);
        }
        self.notifier.iter().for_each(Notifier::ready);
    }

    /// Writes the process id into all pidfiles again.
    pub(super) fn write_pidfiles(&mut self) {
        let pidfiles = &self.settings.system.pidfiles;
        let files = [&pidfiles.as_root, &pidfiles.as_user].into_iter().flatten();
        for file in files.chain(&pidfiles.when_ready) {
            self.files.write_pidfile(file);
        }
    }

    /// Workers finish what they have.
    pub(super) fn stopping(&self) {
        self.notifier.iter().for_each(Notifier::stopping);
    }

    /// The same, and a new server follows in this process.
    pub(super) fn reloading(&self) {
        self.notifier.iter().for_each(Notifier::reloading);
    }

    /// All workers have ended. Stops what runs beside them, and waits for that.
    pub(super) fn stop(&mut self, reloading: bool) {
        self.crons.iter().for_each(Cron::stop);
        for daemon in &mut self.daemons {
            daemon.stop(reloading);
        }
        if !self.wait_for_ends(Instant::now() + MERCY) {
            self.daemons.iter().for_each(Daemon::kill);
            self.crons.iter().for_each(Cron::kill);
            self.wait_for_ends(Instant::now() + MERCY);
        }
        hooks::run_all(&self.settings.hooks, HookPhase::AtExit);
    }

    /// Whether all that is to stop with the server has ended by then.
    fn wait_for_ends(&mut self, until: Instant) -> bool {
        loop {
            while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                let Some(pid) = status.pid() else { break };
                self.buried(pid, false);
            }
            let running = self.daemons.iter().any(Daemon::is_bound)
                || self.crons.iter().any(|cron| cron.run.is_some());
            match running {
                false => return true,
                true if Instant::now() >= until => return false,
                true => std::thread::sleep(SHORT_TICK),
            }
        }
    }

    /// A reload has failed, and the server goes on after all.
    pub(super) fn resume(&mut self) {
        let now = Instant::now();
        self.daemons
            .iter_mut()
            .for_each(|daemon| daemon.resume(now));
        self.notifier.iter().for_each(Notifier::ready);
    }

    /// The server has ended: what it made is not to be left.
    pub(super) fn settle(self) {
        self.files.settle(self.settings.sockets.vacuum);
    }
}

/// Tells of a socket with as many connections waiting as may.
fn look_at_queue(bound: &Bound) {
    // Where the kernel does not tell, there is nothing to be told.
    let Backlog { waiting, most } = Backlog::of(bound.socket()).unwrap_or_default();
    if waiting > 0 && waiting >= most {
        let (name, fd) = (&bound.name, bound.fd());
        log::fault(&format!(
            "*** uWSGI listen queue of socket \"{name}\" (fd: {fd}) full !!! ({waiting}/{most}) ***"
        ));
    }
}
