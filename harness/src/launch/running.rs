//! A subject that runs: its health, its log, its end.

use super::{
    LaunchError,
    container::Container,
    process::Process,
    procfs::{self, Family, Stat},
    ready::{self, NotReady, Ready},
    tail::Tail,
};
use crate::witness::Health;

/// A started subject. It is stopped on drop, also by a panic: `SIGTERM`, then `SIGKILL`.
#[derive(Debug)]
pub struct Running {
    name: String,
    body: Body,
    tail: Tail,
    crew: Vec<Worker>,
}

/// What carries the subject.
#[derive(Debug)]
pub(super) enum Body {
    Process(Process),
    Container(Container),
}

impl From<Process> for Body {
    fn from(process: Process) -> Self {
        Self::Process(process)
    }
}

impl From<Container> for Body {
    fn from(container: Container) -> Self {
        Self::Container(container)
    }
}

/// A direct child of the subject's main process, as it was at the last mark.
#[derive(Clone, Copy, Debug)]
struct Worker {
    stat: Stat,
    /// The process id that the subject itself logs: another one in a container.
    inner_pid: i32,
}

impl Running {
    pub(super) fn new(name: &str, body: Body, tail: Tail) -> Self {
        Self {
            name: name.to_owned(),
            body,
            tail,
            crew: Vec::new(),
        }
    }

    pub(super) async fn wait_ready(&mut self, ready: &Ready) -> Result<(), LaunchError> {
        let waited = ready::wait(ready, ready::WITHIN, || self.ended()).await;
        let name = self.name.clone();
        match waited {
            Ok(()) => Ok(()),
            Err(NotReady::Ended(how)) => {
                if let Body::Container(container) = &mut self.body {
                    container.flush_log().await;
                }
                let log = self.tail.read();
                Err(LaunchError::Ended { name, how, log })
            }
            Err(NotReady::TimedOut(last)) => Err(LaunchError::NotReady {
                name,
                waited: ready::WITHIN,
                what: ready.what(),
                last,
                log: self.tail.read(),
            }),
        }
    }

    /// Its processes, as a handle that a meter's thread can keep.
    pub fn family(&self) -> Family {
        match &self.body {
            Body::Process(process) => process.family(),
            Body::Container(container) => container.family(),
        }
    }

    /// Process ids on this machine of all its processes.
    pub fn pids(&self) -> Vec<i32> {
        self.family().pids()
    }

    /// Whether it is as it was at the last [`mark`](Self::mark): the main process runs, and so does
    /// every worker. A worker that died counts even where the subject has already replaced it.
    ///
    /// It never says [`Health::Stuck`], which takes a request to find out.
    pub fn health(&self) -> Health {
        if let Some(how) = self.ended() {
            return Health::Died(format!("{} ended, {how}", self.name));
        }
        match self.crew.iter().find(|worker| !procfs::lives(&worker.stat)) {
            Some(worker) => Health::Died(self.describe_end(worker)),
            None => Health::Alive,
        }
    }

    /// How a worker ended is known to its parent alone, which mostly logs it.
    fn describe_end(&self, worker: &Worker) -> String {
        let pid = worker.inner_pid.to_string();
        match self.tail.last_line_with(&pid) {
            Some(line) => format!("worker {pid} ended; logged: {line}"),
            None => format!("worker {pid} ended"),
        }
    }

    /// Takes the workers of this moment as normal. [`start`](super::start) has done it once, but a
    /// server may be ready before its last worker is up.
    pub fn mark(&mut self) {
        let main = match &self.body {
            Body::Process(process) => process.family(),
            Body::Container(container) => container.main(),
        };
        self.crew = main
            .workers()
            .into_iter()
            .map(|stat| Worker {
                stat,
                inner_pid: procfs::inner_pid(stat.pid).unwrap_or(stat.pid),
            })
            .collect();
    }

    /// What it logged since the last call: standard output and error, then its log files.
    pub fn log_since(&mut self) -> String {
        self.tail.read()
    }

    /// Stops it without holding up other tasks.
    pub async fn stop(self) {
        let stopped = tokio::task::spawn_blocking(move || drop(self)).await;
        if let Err(error) = stopped {
            tracing::warn!("stopping failed: {error}");
        }
    }

    fn ended(&self) -> Option<String> {
        match &self.body {
            Body::Process(process) => process.ended(),
            Body::Container(container) => container.ended(),
        }
    }
}
