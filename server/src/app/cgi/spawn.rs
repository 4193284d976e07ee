//! Starts a process without copying this one's address space.
//!
//! `clone` with `CLONE_VM | CLONE_VFORK`, as in `posix_spawn`, costs the same however large the
//! server has grown, and reports a failed `exec` as an error here. Unlike `posix_spawn` it can set
//! user, limits and the signal at this server's death, and it resets those signals only that are not
//! at their default instead of asking the kernel for each.

#![allow(unsafe_code)]

mod rights;

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use super::strings::Strings;
pub use rights::{Rights, User};

/// What a new process is to run.
#[derive(Debug)]
pub struct Program<'a> {
    /// Path of the executable file; not searched for.
    pub path: &'a CStr,
    /// Command line; the first word is the program's own name.
    pub argv: &'a Strings,
    /// The whole environment, as `NAME=value`.
    pub environ: &'a Strings,
    /// Working directory.
    pub directory: &'a CStr,
    /// User and limits.
    pub rights: &'a Rights,
    /// It takes up the orphans among its descendants, so that they are nobody else's as long as it
    /// runs (`PR_SET_CHILD_SUBREAPER`).
    pub takes_up_orphans: bool,
}

/// The descriptors that become 0, 1 and 2. All others must be close-on-exec, as this server opens
/// them all.
#[derive(Clone, Copy, Debug)]
pub struct Stdio<'a> {
    /// Becomes descriptor 0.
    pub stdin: BorrowedFd<'a>,
    /// Becomes descriptor 1.
    pub stdout: BorrowedFd<'a>,
    /// Becomes descriptor 2.
    pub stderr: BorrowedFd<'a>,
}

/// What a new process was about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To come to life.
    Start,
    /// To get its descriptors and its process group.
    Descriptors,
    /// To take its user and limits.
    Rights,
    /// To enter its folder.
    Folder,
    /// To run its program.
    Exec,
}

/// A program that did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step:?}: {errno}")]
pub struct NotStarted {
    /// Where it failed.
    pub step: Step,
    /// What the kernel said.
    pub errno: Errno,
}

/// Starts `program` in a process group of its own, without a controlling terminal, with no signal
/// blocked and every signal at its default. It is killed when the calling thread ends. The process has to be waited for.
///
/// # Errors
/// That of `exec` where the file cannot be run (`EACCES`, `ENOEXEC`, `ENOENT` also for a missing
/// interpreter, `E2BIG`), those of what comes before it, or `EAGAIN` and `ENOMEM` where no process
/// can be made.
pub fn spawn(program: &Program<'_>, stdio: Stdio<'_>) -> Result<Pid, NotStarted> {
    spawn_timed(program, stdio, false).map(|(pid, _)| pid)
}

/// The same; if asked, also when the process came to life, which is before it execs.
///
/// # Errors
/// As for [`spawn`].
pub(super) fn spawn_timed(
    program: &Program<'_>,
    stdio: Stdio<'_>,
    timed: bool,
) -> Result<(Pid, Option<Instant>), NotStarted> {
    let (argv, environ) = (program.argv.pointers(), program.environ.pointers());
    let fds = [stdio.stdin, stdio.stdout, stdio.stderr].map(|fd| fd.as_raw_fd());
    let mut plan = Plan {
        program,
        argv: argv.as_ptr(),
        environ: environ.as_ptr(),
        fds,
        signals: changed_signals(),
        parent: nix::unistd::getpid().as_raw(),
        on_terminal: on_terminal(),
        timed,
        born: None,
        failed: None,
    };
    let pid = STACK.with_borrow_mut(|stack| vfork(stack, &mut plan));
    let pid = pid.map_err(|errno| NotStarted {
        step: Step::Start,
        errno,
    })?;
    match plan.failed {
        None => Ok((pid, plan.born)),
        Some((step, errno)) => {
            // It has ended already.
            let _ = nix::sys::wait::waitpid(pid, None);
            Err(NotStarted { step, errno })
        }
    }
}

/// What the new process does until `exec`; its memory is ours, so that it can tell of a failure.
struct Plan<'a> {
    program: &'a Program<'a>,
    argv: *const *mut c_char,
    environ: *const *mut c_char,
    fds: [RawFd; 3],
    signals: &'a [c_int],
    parent: libc::pid_t,
    /// Whether this server has a controlling terminal, which the program must not get.
    on_terminal: bool,
    timed: bool,
    born: Option<Instant>,
    failed: Option<(Step, Errno)>,
}

/// Whether this process has a controlling terminal. Asked once: nobody here opens one later.
fn on_terminal() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    // ENXIO is the kernel's word for a session without one; whatever else keeps it from being opened
    // here may not keep a program from it.
    *FOUND.get_or_init(|| {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        nix::fcntl::open("/dev/tty", flags, Mode::empty()).err() != Some(Errno::ENXIO)
    })
}

/// Enough for the calls below, which are hardly more than system calls.
const STACK_BYTES: usize = 64 * 1024;

thread_local! {
    /// The new process runs here while this thread waits, so one is enough.
    static STACK: RefCell<Box<[MaybeUninit<u128>]>> =
        RefCell::new(Box::new_uninit_slice(STACK_BYTES / size_of::<u128>()));
}

/// Runs [`child`] in a process that shares our memory, and waits until it execs or ends.
fn vfork(stack: &mut [MaybeUninit<u128>], plan: &mut Plan<'_>) -> Result<Pid, Errno> {
    // A handler of ours must not run in the child, where it would take itself for us.
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the sets are initialised by the calls. The stack, which grows downwards from its end
    // and is aligned to 16, is used by nobody else while CLONE_VFORK makes this thread wait; `plan`
    // outlives the call for the same reason.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let top = stack.as_mut_ptr_range().end.cast::<c_void>();
        let pid = libc::clone(child, top, flags, (&raw mut *plan).cast());
        let pid = Errno::result(pid);
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), null_mut());
        pid.map(Pid::from_raw)
    }
}

/// Runs in the new process, on memory shared with a thread that waits: it allocates nothing, takes
/// no lock and never returns.
extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: `vfork` gives a `Plan` that lives until `exec`, and nobody else uses it meanwhile.
    let plan = unsafe { &mut *plan.cast::<Plan<'_>>() };
    plan.born = plan.timed.then(Instant::now);
    let failed = prepare(plan).err();
    plan.failed = failed.or_else(|| Some((Step::Exec, exec(plan))));
    // SAFETY: ends this process alone, without running anything of ours.
    unsafe { libc::_exit(127) }
}

fn prepare(plan: &mut Plan<'_>) -> Result<(), (Step, Errno)> {
    let rights = plan.program.rights;
    descriptors(plan.fds).map_err(|errno| (Step::Descriptors, errno))?;
    group(plan.on_terminal).map_err(|errno| (Step::Descriptors, errno))?;
    take(rights).map_err(|errno| (Step::Rights, errno))?;
    // SAFETY: `directory` is a C string; the other calls take numbers, or copy what they point to.
    unsafe {
        let entered = libc::chdir(plan.program.directory.as_ptr());
        Errno::result(entered).map_err(|errno| (Step::Folder, errno))?;
        // After the change of user, which makes the kernel forget it.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if plan.program.takes_up_orphans {
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
        }
        if libc::getppid() != plan.parent {
            libc::_exit(127);
        }
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        for &signal in plan.signals {
            libc::sigaction(signal, &default, null_mut());
        }
        let mut none = MaybeUninit::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), null_mut());
    }
    Ok(())
}

/// A process group; in a session of its own where there is a terminal to leave behind. Without one
/// that would be dear: the kernel's scheduler may make a group of its own for each session.
fn group(on_terminal: bool) -> Result<(), Errno> {
    // SAFETY: both take numbers at most, and this process leads no group yet.
    unsafe {
        match on_terminal {
            true => Errno::result(libc::setsid()).map(drop),
            false => Errno::result(libc::setpgid(0, 0)).map(drop),
        }
    }
}

/// 0, 1 and 2, whatever numbers they have here.
fn descriptors(mut fds: [RawFd; 3]) -> Result<(), Errno> {
    // SAFETY: descriptors and processes are plain numbers here; this process has a table of its own.
    unsafe {
        for fd in &mut fds {
            if *fd < 3 {
                *fd = Errno::result(libc::fcntl(*fd, libc::F_DUPFD_CLOEXEC, 3))?;
            }
        }
        for (fd, target) in fds.into_iter().zip(0..) {
            Errno::result(libc::dup2(fd, target))?;
        }
    }
    Ok(())
}

/// System calls alone: the C library's functions for user and groups change all threads of the
/// process, which here are the server's.
fn take(rights: &Rights) -> Result<(), Errno> {
    // SAFETY: the calls take numbers or pointers to values that live across them.
    unsafe {
        if let Some(mask) = rights.umask {
            libc::umask(mask);
        }
        for &(resource, bound) in &rights.limits {
            let limit = libc::rlimit64 {
                rlim_cur: bound,
                rlim_max: bound,
            };
            let none = null_mut::<libc::rlimit64>();
            let set = libc::syscall(
                libc::SYS_prlimit64,
                0,
                resource as c_int,
                &raw const limit,
                none,
            );
            Errno::result(set)?;
        }
        if let Some(user) = &rights.user {
            let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
            let (count, groups) = (user.groups.len(), user.groups.as_ptr());
            Errno::result(libc::syscall(libc::SYS_setgroups, count, groups))?;
            Errno::result(libc::syscall(libc::SYS_setresgid, gid, gid, gid))?;
            Errno::result(libc::syscall(libc::SYS_setresuid, uid, uid, uid))?;
        }
    }
    Ok(())
}

/// Returns only if it fails.
fn exec(plan: &Plan<'_>) -> Errno {
    // SAFETY: `path` is a C string; both lists end in a null pointer and point into blocks of C
    // strings that `program` keeps borrowed.
    unsafe {
        libc::execve(
            plan.program.path.as_ptr(),
            plan.argv.cast(),
            plan.environ.cast(),
        );
    }
    Errno::last()
}

/// The signals that are not at their default in this process, looked up once: whatever ignores or
/// handles signals does so before the first request.
fn changed_signals() -> &'static [c_int] {
    static CHANGED: OnceLock<Vec<c_int>> = OnceLock::new();
    CHANGED.get_or_init(|| {
        let is_changed = |&signal: &c_int| {
            let mut action = MaybeUninit::<libc::sigaction>::uninit();
            // SAFETY: without a new action the call only fills the old one in, where it succeeds.
            unsafe {
                libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
                    && action.assume_init().sa_sigaction != libc::SIG_DFL
            }
        };
        (1..=libc::SIGRTMAX()).filter(is_changed).collect()
    })
}

/// Marks every descriptor above 2 close-on-exec, so that what this server was started with does not
/// reach a script either (CGI-DF-FD-LEAK).
///
/// # Errors
/// `ENOSYS` before Linux 5.11.
pub fn seal_descriptors() -> Result<(), Errno> {
    let (first, last, flags) = (3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    // SAFETY: the call closes nothing, it sets a flag; it touches no memory of ours.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;

    use nix::fcntl::{FcntlArg, FdFlag, OFlag};
    use nix::sys::resource::Resource;
    use nix::sys::signal::{SigSet, Signal};
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::pipe2;

    use super::*;

    fn strings(words: &[&str]) -> Strings {
        let mut strings = Strings::default();
        for word in words {
            strings.push(&[word.as_bytes()]).unwrap();
        }
        strings
    }

    fn start(
        path: &CStr,
        argv: &[&str],
        environ: &[&str],
        rights: &Rights,
    ) -> Result<(Pid, File), NotStarted> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        let null = File::open("/dev/null").unwrap();
        let program = Program {
            path,
            argv: &strings(argv),
            environ: &strings(environ),
            directory: c"/usr",
            rights,
            takes_up_orphans: false,
        };
        let stdio = Stdio {
            stdin: null.as_fd(),
            stdout: writer.as_fd(),
            stderr: writer.as_fd(),
        };
        Ok((spawn(&program, stdio)?, reader.into()))
    }

    /// What a shell script prints and how it ends.
    fn shell(script: &str, environ: &[&str]) -> (String, WaitStatus) {
        shell_as(script, environ, &Rights::default())
    }

    fn shell_as(script: &str, environ: &[&str], rights: &Rights) -> (String, WaitStatus) {
        let (pid, mut output) = start(c"/bin/sh", &["sh", "-c", script], environ, rights).unwrap();
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        (text, waitpid(pid, None).unwrap())
    }

    #[test]
    fn a_process_gets_its_words_environment_and_directory() {
        let (text, status) = shell("echo \"$A $0\"; pwd; exit 3", &["A=b c"]);
        assert_eq!(text, "b c sh\n/usr\n");
        assert!(matches!(status, WaitStatus::Exited(_, 3)), "{status:?}");
    }

    #[test]
    fn a_process_leads_its_own_group() {
        let (text, status) = shell(
            "read -r pid comm state ppid pgrp rest < /proc/$$/stat; echo $pgrp",
            &[],
        );
        assert_eq!(text.trim(), status.pid().unwrap().to_string());
    }

    #[test]
    fn blocked_signals_are_not_inherited() {
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGTERM);
        blocked.add(Signal::SIGUSR1);
        blocked.thread_block().unwrap();
        let script = "while read -r name set; do case $name in Sig[BI]*) echo $set; esac; done";
        let (text, _) = shell(&format!("{script} < /proc/$$/status"), &[]);
        blocked.thread_unblock().unwrap();
        let sets = text
            .lines()
            .map(|set| u64::from_str_radix(set, 16).unwrap());
        // Signals 32 and 33 are the C library's own.
        let sets: Vec<_> = sets.map(|set| set & !(0b11 << 31)).collect();
        // Rust's own start-up ignores SIGPIPE, which must not reach a script either.
        assert_eq!(sets, [0, 0], "blocked, ignored");
    }

    #[test]
    fn only_three_descriptors_are_inherited() {
        let leak = File::open("/dev/null").unwrap();
        nix::fcntl::fcntl(&leak, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        seal_descriptors().unwrap();
        let (text, _) = shell("exec ls /proc/$$/fd", &["PATH=/usr/bin:/bin"]);
        // `ls` itself opens the folder as 3.
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>(),
            ["0", "1", "2", "3"]
        );
    }

    #[test]
    fn a_program_that_cannot_run_is_an_error_here() {
        let refused = |path| start(path, &["x"], &[], &Rights::default()).unwrap_err();
        for (path, errno) in [
            (c"/nonexistent", Errno::ENOENT),
            (c"/etc/passwd", Errno::EACCES),
        ] {
            let step = Step::Exec;
            assert_eq!(refused(path), NotStarted { step, errno });
        }
    }

    #[test]
    fn mask_and_limits_hold_for_the_process_alone() {
        let rights = Rights {
            umask: Some(0o027),
            limits: vec![(Resource::RLIMIT_NOFILE, 77), (Resource::RLIMIT_CPU, 5)],
            user: None,
        };
        let (text, _) = shell_as("umask; ulimit -n; ulimit -t", &[], &rights);
        assert_eq!(text, "0027\n77\n5\n");
        assert_ne!(shell("ulimit -n", &[]).0, "77\n");
    }

    #[test]
    fn another_user_needs_root() {
        let user = User {
            uid: 65534.into(),
            gid: 65534.into(),
            groups: vec![65534.into()],
        };
        let rights = Rights {
            user: Some(user),
            ..Rights::default()
        };
        let words = ["sh", "-c", "exec id -u -G"];
        let started = start(c"/bin/sh", &words, &["PATH=/usr/bin:/bin"], &rights);
        if nix::unistd::geteuid().is_root() {
            let (pid, _) = started.unwrap();
            waitpid(pid, None).unwrap();
        } else {
            let (step, errno) = (Step::Rights, Errno::EPERM);
            assert_eq!(started.unwrap_err(), NotStarted { step, errno });
        }
    }
}
