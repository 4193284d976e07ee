//! A subject as a child process.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, PipeReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, kill, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};

use super::{
    Launch, LaunchError, RunDir,
    leftovers::Keep,
    procfs::{self, Family, Stat},
};

/// How long a subject may take to end after `SIGTERM`.
const GRACE: Duration = Duration::from_secs(2);
/// How long the killed may take to vanish.
const VANISH: Duration = Duration::from_secs(1);
/// How often an end is looked for.
const LOOK: Duration = Duration::from_millis(2);
/// What a subject inherits; the rest of the caller's environment would make runs differ.
const INHERITED: [&str; 3] = ["PATH", "HOME", "TMPDIR"];

/// A running child, ended on drop with everything that it started.
#[derive(Debug)]
pub(super) struct Process {
    pid: i32,
    _keep: Keep,
}

impl Process {
    /// Executes `program` in a process group of its own, so that a terminal's Ctrl-C reaches the
    /// bench alone and it can end its subjects in order.
    pub(super) fn spawn(
        launch: &Launch,
        dir: &RunDir,
        program: &Path,
    ) -> Result<Self, LaunchError> {
        let log_path = launch.log_path(dir);
        let file_error = |source| LaunchError::File {
            name: launch.name.clone(),
            path: log_path.clone(),
            source,
        };
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log_path)
            .map_err(file_error)?;
        let mut command = command(launch, dir, program);
        command
            .stdout(log.try_clone().map_err(file_error)?)
            .stderr(log);
        let (child, keep) =
            spawn(command, GRACE).map_err(|source| execute_error(launch, program, source))?;
        let pid = lock(&child).id().cast_signed();
        dir.note_process(pid).map_err(file_error)?;
        Ok(Self { pid, _keep: keep })
    }

    pub(super) fn family(&self) -> Family {
        Family { root: self.pid }
    }

    /// How it ended, or `None` while it runs. It stays a zombie until it is dropped, so that its
    /// process id, which names its group, cannot be given to a stranger.
    pub(super) fn ended(&self) -> Option<String> {
        ended(self.pid).map(describe)
    }
}

/// A child that does one job for the bench, such as unpacking; killed on drop.
#[derive(Debug)]
pub(super) struct Helper {
    child: Arc<Mutex<Child>>,
    _keep: Keep,
}

impl Helper {
    pub(super) fn spawn(command: Command) -> io::Result<Self> {
        let (child, keep) = spawn(command, Duration::ZERO)?;
        Ok(Self { child, _keep: keep })
    }

    /// With all that it prints, on either stream, in one.
    pub(super) fn with_output(mut command: Command) -> io::Result<(Self, PipeReader)> {
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        Ok((Self::spawn(command)?, reader))
    }

    /// Its standard output, once, if it was piped.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        lock(&self.child).stdout.take()
    }

    /// Waits for its end, in a way that does not keep a signal from killing it.
    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        let pid = Pid::from_raw(lock(&self.child).id().cast_signed());
        waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
        lock(&self.child).wait()
    }
}

/// Starts a process group, registered to be ended in the same step.
fn spawn(mut command: Command, grace: Duration) -> io::Result<(Arc<Mutex<Child>>, Keep)> {
    command.process_group(0);
    Keep::make(
        || command.spawn().map(|child| Arc::new(Mutex::new(child))),
        |child| {
            let child = Arc::clone(child);
            Box::new(move || end(&mut lock(&child), grace))
        },
    )
}

fn command(launch: &Launch, dir: &RunDir, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(&launch.args)
        .env_clear()
        .envs(inherited())
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .current_dir(dir.path())
        .stdin(Stdio::null());
    command
}

fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    INHERITED
        .into_iter()
        .filter_map(|name| Some((name, env::var_os(name)?)))
}

fn execute_error(launch: &Launch, program: &Path, source: io::Error) -> LaunchError {
    LaunchError::Execute {
        name: launch.name.clone(),
        program: program.to_owned(),
        source,
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks whether a child ended, without reaping it.
fn ended(pid: i32) -> Option<WaitStatus> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::Pid(Pid::from_raw(pid)), flags) {
        Ok(WaitStatus::StillAlive) => None,
        Ok(status) => Some(status),
        Err(_) => Some(WaitStatus::Exited(Pid::from_raw(pid), 0)),
    }
}

fn describe(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, code) => format!("exit status {code}"),
        WaitStatus::Signaled(_, signal, _) => {
            format!("killed by signal {} ({signal})", signal as i32)
        }
        other => format!("{other:?}"),
    }
}

/// Asks the main process to end, which tells its workers; kills what is left of the family.
fn end(child: &mut Child, grace: Duration) {
    let pid = child.id().cast_signed();
    let family = Family { root: pid };
    let mut members = family.members();
    if ended(pid).is_none() {
        // A failure means that it ended just now.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        wait_until(grace, || ended(pid).is_some());
    }
    members.extend(family.members());
    kill_all(pid, &members);
    if let Err(error) = child.wait() {
        tracing::warn!("cannot reap process {pid}: {error}");
    }
}

/// Kills the group and each member that is still the same process.
pub(super) fn kill_all(group: i32, members: &[Stat]) {
    // Errors mean that nobody is left.
    let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    for member in members.iter().filter(|member| procfs::lives(member)) {
        let _ = kill(Pid::from_raw(member.pid), Signal::SIGKILL);
    }
    wait_until(VANISH, || !members.iter().any(procfs::lingers));
}

fn wait_until(within: Duration, done: impl Fn() -> bool) {
    let deadline = Instant::now() + within;
    while !done() && Instant::now() < deadline {
        thread::sleep(LOOK);
    }
}
