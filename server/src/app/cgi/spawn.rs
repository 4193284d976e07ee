//! Starts a process without copying this one's address space.
//!
//! `posix_spawn` (glibc, musl: `clone` with `CLONE_VM | CLONE_VFORK`) costs the same however large
//! the server has grown, runs nothing of ours in the child, and reports a failed `exec` as an error
//! here. [`std::process::Command`] takes the same road but resets one signal only and sorts the
//! environment into a map first.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_short};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use super::strings::Strings;

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

/// Starts `program` in a process group of its own, with no signal blocked and every signal at its
/// default. The process has to be waited for.
///
/// # Errors
/// That of `exec` where the file cannot be run (`EACCES`, `ENOEXEC`, `ENOENT` also for a missing
/// interpreter, `E2BIG`), that of `chdir`, or `EAGAIN` and `ENOMEM` where no process can be made.
pub fn spawn(program: &Program<'_>, stdio: Stdio<'_>) -> Result<Pid, Errno> {
    let mut actions = Actions::new()?;
    for (fd, target) in [(stdio.stdin, 0), (stdio.stdout, 1), (stdio.stderr, 2)] {
        actions.dup2(fd.as_raw_fd(), target)?;
    }
    actions.chdir(program.directory)?;
    let attributes = Attributes::clean()?;
    let (argv, environ) = (program.argv.pointers(), program.environ.pointers());
    let mut pid = 0;
    // SAFETY: every pointer is to a live value: `pid` is ours, `path` is a C string, `actions` and
    // `attributes` are initialised, `argv` and `environ` end in a null pointer and point into
    // blocks of C strings that `program` keeps borrowed.
    check(unsafe {
        libc::posix_spawn(
            &mut pid,
            program.path.as_ptr(),
            &actions.0,
            &attributes.0,
            argv.as_ptr(),
            environ.as_ptr(),
        )
    })?;
    Ok(Pid::from_raw(pid))
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

/// `posix_spawn` and its helpers return the error instead of setting `errno`.
fn check(code: c_int) -> Result<(), Errno> {
    match code {
        0 => Ok(()),
        code => Err(Errno::from_raw(code)),
    }
}

/// What the new process does between its start and `exec`.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> Result<Self, Errno> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the pointer is to memory of the right type, which the call initialises.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: the call above succeeded, so the value is initialised.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn dup2(&mut self, fd: RawFd, target: RawFd) -> Result<(), Errno> {
        // SAFETY: `self.0` is initialised; descriptors are plain numbers here.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, fd, target) })
    }

    fn chdir(&mut self, directory: &CStr) -> Result<(), Errno> {
        let directory = directory.as_ptr();
        // SAFETY: `self.0` is initialised and the call copies the C string.
        check(unsafe { libc::posix_spawn_file_actions_addchdir_np(&mut self.0, directory) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: `self.0` is initialised and not used after this.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

/// The state in which the new process starts.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    /// No signal blocked, none ignored, a new process group.
    fn clean() -> Result<Self, Errno> {
        let mut attributes = Self::new()?;
        let flags = libc::POSIX_SPAWN_SETSIGMASK
            | libc::POSIX_SPAWN_SETSIGDEF
            | libc::POSIX_SPAWN_SETPGROUP;
        let flags = c_short::try_from(flags).expect("the flags fit their own type");
        let (none, all) = (signal_set(libc::sigemptyset), signal_set(libc::sigfillset));
        let this = &mut attributes.0;
        // SAFETY: `this` is initialised and the signal sets outlive the calls, which copy them.
        unsafe {
            check(libc::posix_spawnattr_setflags(this, flags))?;
            check(libc::posix_spawnattr_setsigmask(this, &none))?;
            check(libc::posix_spawnattr_setsigdefault(this, &all))?;
            check(libc::posix_spawnattr_setpgroup(this, 0))?;
        }
        Ok(attributes)
    }

    fn new() -> Result<Self, Errno> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the pointer is to memory of the right type, which the call initialises.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: the call above succeeded, so the value is initialised.
        Ok(Self(unsafe { attributes.assume_init() }))
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: `self.0` is initialised and not used after this.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

fn signal_set(fill: unsafe extern "C" fn(*mut libc::sigset_t) -> c_int) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` and `sigfillset` initialise the set and cannot fail on valid memory.
    unsafe {
        fill(set.as_mut_ptr());
        set.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;

    use nix::fcntl::{FcntlArg, FdFlag, OFlag};
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

    fn start(path: &CStr, argv: &[&str], environ: &[&str]) -> Result<(Pid, File), Errno> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        let null = File::open("/dev/null").unwrap();
        let program = Program {
            path,
            argv: &strings(argv),
            environ: &strings(environ),
            directory: c"/usr",
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
        let (pid, mut output) = start(c"/bin/sh", &["sh", "-c", script], environ).unwrap();
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
        assert_eq!(
            start(c"/nonexistent", &["x"], &[]).unwrap_err(),
            Errno::ENOENT
        );
        assert_eq!(
            start(c"/etc/passwd", &["x"], &[]).unwrap_err(),
            Errno::EACCES
        );
    }
}
