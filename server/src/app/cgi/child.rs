//! A script's process, which is always waited for.

use std::fmt;
use std::future::pending;
use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use tokio::time::{sleep, timeout};

use super::warm::Link;
use super::{groups, orphans, pidfd};

/// The time a script gets between SIGTERM and SIGKILL (CGI-3.4-ABNORMAL-END).
const MERCY: Duration = Duration::from_secs(2);

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// With this exit status.
    Status(i32),
    /// Killed by this signal.
    Signal(Signal),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
        }
    }
}

/// A process that has ended and was not waited for.
pub(super) struct Ended {
    pid: Pid,
    /// What the interpreter says that forked it, and that waits for it.
    told: Option<Exit>,
}

impl Ended {
    /// Whether this server waits for it.
    pub(super) fn is_own(&self) -> bool {
        self.told.is_none()
    }
}

/// A running script, leader of its process group. Dropped before it has ended, the whole group is
/// told to end and then killed (CGI-DF-ZOMBIE), and with it what has left the group.
#[derive(Debug)]
pub(super) struct Child {
    /// `None` once it was waited for or handed on.
    group: Option<Pid>,
    /// Where the interpreter that forked it tells of its end: it is the parent then.
    link: Option<Link>,
    /// Whether the rest of the group may outlive its leader.
    keeps_others: bool,
}

impl Child {
    pub(super) fn new(pid: Pid) -> Self {
        groups::enter(pid);
        orphans::started(pid);
        Self {
            group: Some(pid),
            link: None,
            keeps_others: false,
        }
    }

    /// A process that is the child of a warm interpreter.
    pub(super) fn warm(pid: Pid, link: Link) -> Self {
        // Not with `..Self::new(pid)`: what that leaves over would be dropped, and end the group.
        let mut child = Self::new(pid);
        child.link = Some(link);
        child
    }

    /// The same, and what the process leaves behind in its group may run on.
    pub(super) fn keeping_others(mut self, keeps_others: bool) -> Self {
        self.keeps_others = keeps_others;
        self
    }

    /// Waits for the end of the process, and for the process; may be given up and called again.
    pub(super) async fn exit(&mut self) -> io::Result<Exit> {
        let ended = self.ended().await?;
        self.reap(ended)
    }

    /// Resolves once the process has ended; may be given up and called again.
    pub(super) async fn ended(&mut self) -> io::Result<Ended> {
        let Some(pid) = self.group else {
            return pending().await;
        };
        if let Some(link) = &mut self.link {
            let told = Some(link.exit().await?);
            return Ok(Ended { pid, told });
        }
        while !has_ended(pid)? {
            ended(pid).await;
        }
        Ok(Ended { pid, told: None })
    }

    /// Waits for a process that has ended. What it leaves behind in its group is killed first.
    pub(super) fn reap(&mut self, Ended { pid, told }: Ended) -> io::Result<Exit> {
        if !self.keeps_others {
            // Not yet reaped, so that the group's number cannot belong to anybody else.
            let _ = killpg(pid, Signal::SIGKILL);
        }
        self.group = None;
        groups::leave(pid);
        let exit = match told {
            Some(exit) => Some(exit),
            None => try_wait(pid)?,
        };
        orphans::waited_for(pid);
        match self.keeps_others {
            true => orphans::keep(),
            false => orphans::clear(),
        }
        Ok(exit.expect("it has ended, and nobody else waits for it"))
    }

    /// Lets the process go on without its request, for at most this long.
    pub(super) fn detach(mut self, limit: Duration) {
        tokio::spawn(async move {
            // Too late: dropping it ends the group.
            let _ = timeout(limit, self.exit()).await;
        });
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(pid) = self.group.take() {
            end(pid, self.link.take());
        }
    }
}

/// Tells the group to end; the rest happens beside the running requests.
fn end(pid: Pid, link: Option<Link>) {
    let group = Doomed(pid, link);
    // Fails only if no process of the group is left.
    let _ = killpg(pid, Signal::SIGTERM);
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(group.end());
    }
}

/// A group that has been sent SIGTERM. However this value goes, SIGKILL follows. An open link keeps
/// the group's number from everybody else.
struct Doomed(
    Pid,
    #[expect(dead_code, reason = "it is there to be open")] Option<Link>,
);

impl Doomed {
    async fn end(self) {
        // Not yet reaped, so that the group's number cannot belong to anybody else.
        let _ = timeout(MERCY, ended(self.0)).await;
        let _ = killpg(self.0, Signal::SIGKILL);
        let _ = ended(self.0).await;
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        // What is left of the group once its leader obeyed, or all of it when the server stops.
        let _ = killpg(self.0, Signal::SIGKILL);
        groups::leave(self.0);
        let _ = try_wait(self.0);
        orphans::waited_for(self.0);
        orphans::clear();
    }
}

/// Resolves once the process has ended and can be waited for.
pub(super) async fn ended(pid: Pid) {
    if pidfd::ended(pid).await.is_err() {
        polled(pid).await;
    }
}

/// Whether the process is a zombie by now.
fn has_ended(pid: Pid) -> Result<bool, Errno> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    Ok(waitid(Id::Pid(pid), flags)? != WaitStatus::StillAlive)
}

/// Where the kernel gives no pidfd: before Linux 5.3, or out of descriptors.
async fn polled(pid: Pid) {
    while has_ended(pid) == Ok(false) {
        sleep(Duration::from_millis(10)).await;
    }
}

/// Reaps the process if it has ended.
fn try_wait(pid: Pid) -> Result<Option<Exit>, Errno> {
    match waitpid(pid, Some(WaitPidFlag::WNOHANG))? {
        WaitStatus::Exited(_, status) => Ok(Some(Exit::Status(status))),
        WaitStatus::Signaled(_, signal, _) => Ok(Some(Exit::Signal(signal))),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;

    use nix::fcntl::OFlag;
    use nix::unistd::pipe2;

    use super::*;
    use crate::app::cgi::spawn::{self, Program, Stdio};
    use crate::app::cgi::strings::Strings;

    /// Runs a shell script; the second value is its standard output.
    fn shell(script: &str) -> (Child, File) {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        let null = File::open("/dev/null").unwrap();
        let (mut argv, mut environ) = (Strings::default(), Strings::default());
        for word in ["sh", "-c", script] {
            argv.push(&[word.as_bytes()]).unwrap();
        }
        environ.push(&[b"PATH=/usr/bin:/bin"]).unwrap();
        let program = Program {
            path: c"/bin/sh",
            argv: &argv,
            environ: &environ,
            directory: c"/",
            rights: &spawn::Rights::default(),
            takes_up_orphans: false,
        };
        let stdio = Stdio {
            stdin: null.as_fd(),
            stdout: writer.as_fd(),
            stderr: null.as_fd(),
        };
        let pid = spawn::spawn(&program, stdio).unwrap();
        (Child::new(pid), reader.into())
    }

    /// Resolves once every process that holds the output has ended.
    async fn closed(mut output: File) {
        let read = move || output.read_to_end(&mut Vec::new());
        tokio::task::spawn_blocking(read).await.unwrap().unwrap();
    }

    /// Resolves once the process is not even a zombie any more.
    async fn gone(pid: Pid) {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(pid), flags) != Err(Errno::ECHILD) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_exit_is_told() {
        assert_eq!(shell("exit 3").0.exit().await.unwrap(), Exit::Status(3));
        let killed = shell("kill -9 $$").0.exit().await.unwrap();
        assert_eq!(killed.to_string(), "killed by SIGKILL");
    }

    #[tokio::test]
    async fn waiting_may_be_given_up_and_taken_up() {
        let (mut child, _output) = shell("sleep 0.05; exit 4");
        assert!(timeout(Duration::ZERO, child.exit()).await.is_err());
        assert_eq!(child.exit().await.unwrap(), Exit::Status(4));
    }

    #[tokio::test]
    async fn a_dropped_child_takes_its_group_along_and_leaves_no_zombie() {
        let (child, output) = shell("trap '' TERM; sleep 3600 & wait; sleep 3600");
        let pid = child.group.unwrap();
        drop(child);
        closed(output).await;
        gone(pid).await;
    }

    #[tokio::test]
    async fn a_detached_child_is_reaped() {
        let (child, output) = shell("exit 0");
        let pid = child.group.unwrap();
        child.detach(Duration::from_secs(60));
        closed(output).await;
        gone(pid).await;
    }

    #[tokio::test]
    async fn a_detached_child_does_not_stay_for_ever() {
        let (child, output) = shell("sleep 3600");
        child.detach(Duration::ZERO);
        closed(output).await;
    }

    #[tokio::test]
    async fn without_a_pidfd_the_end_is_polled_for() {
        let (mut child, _output) = shell("sleep 0.05");
        polled(child.group.unwrap()).await;
        assert_eq!(
            try_wait(child.group.take().unwrap()),
            Ok(Some(Exit::Status(0)))
        );
    }
}
