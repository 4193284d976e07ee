//! Processes that programs leave behind, whatever group or session they have made for themselves.
//!
//! A program takes up the orphans among its own descendants (it is their subreaper, `prctl(2)`), and
//! a worker takes up those of a program that has ended. So whoever is a child of the worker and was
//! not started by it was left behind by a program whose request is over.
//!
//! A worker that runs applications has children that it does not know of, and takes up nobody.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::child;

/// The pauses between two looks at those that have been killed and have not ended yet: the first,
/// and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

thread_local! {
    static WARD: RefCell<Option<Ward>> = const { RefCell::new(None) };
}

/// The children of this process.
#[derive(Debug)]
struct Ward {
    /// The kernel's list of them.
    children: File,
    /// Those that were started by this process and not waited for yet, and those that may run on.
    known: BTreeSet<i32>,
    /// Somebody looks again until all that were killed have ended.
    is_clearing: bool,
}

/// From now on this process takes up what ended programs leave behind, and [`clear`] ends that. The
/// children that it has are its own. Only for a process whose one thread starts all programs.
///
/// # Errors
/// The kernel does not take the wish, or keeps no list of children (before Linux 3.5, or built
/// without `CONFIG_PROC_CHILDREN`): then what leaves its group is out of reach.
pub(crate) fn take_up() -> io::Result<()> {
    let pid = std::process::id();
    let children = File::open(format!("/proc/{pid}/task/{pid}/children"))?;
    set_child_subreaper(true)?;
    let mut ward = Ward {
        children,
        known: BTreeSet::new(),
        is_clearing: false,
    };
    ward.known = ward.list()?.into_iter().collect();
    WARD.set(Some(ward));
    Ok(())
}

/// This process has started a program.
pub(super) fn started(pid: Pid) {
    with(|ward| ward.known.insert(pid.as_raw()));
}

/// It was waited for.
pub(super) fn waited_for(pid: Pid) {
    with(|ward| ward.known.remove(&pid.as_raw()));
}

/// Ends what programs have left behind.
pub(super) fn clear() {
    let is_left = with(Ward::end_strangers);
    let is_first = || with(|ward| !std::mem::replace(&mut ward.is_clearing, true));
    // Where the event loop is over the process is about to end.
    if is_left == Some(true) && Handle::try_current().is_ok() && is_first() == Some(true) {
        // It stays on this thread, the only one of the event loop.
        tokio::spawn(clear_all());
    }
}

/// What programs have left behind may run on, and is waited for when it ends.
pub(super) fn keep() {
    let adopted = with(|ward| {
        let strangers = ward.strangers();
        ward.known.extend(&strangers);
        strangers
    });
    for pid in adopted.unwrap_or_default().into_iter().map(Pid::from_raw) {
        tokio::spawn(async move {
            child::ended(pid).await;
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
            waited_for(pid);
        });
    }
}

fn with<T>(work: impl FnOnce(&mut Ward) -> T) -> Option<T> {
    WARD.with_borrow_mut(|ward| ward.as_mut().map(work))
}

/// Those that have been killed take a moment to end, and leave children of their own behind.
async fn clear_all() {
    let [mut pause, longest] = PAUSES;
    loop {
        sleep(pause).await;
        if with(Ward::end_strangers) != Some(true) {
            break;
        }
        pause = (2 * pause).min(longest);
    }
    with(|ward| ward.is_clearing = false);
}

impl Ward {
    fn list(&self) -> io::Result<Vec<i32>> {
        let mut text = Vec::new();
        let mut piece = [0; 1024];
        loop {
            match self.children.read_at(&mut piece, text.len() as u64)? {
                0 => break,
                read => text.extend_from_slice(&piece[..read]),
            }
        }
        let text = String::from_utf8_lossy(&text);
        Ok(text
            .split_ascii_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect())
    }

    /// Children that this process has not started.
    fn strangers(&self) -> Vec<i32> {
        let mut children = self.list().unwrap_or_default();
        children.retain(|pid| !self.known.contains(pid));
        children
    }

    /// Kills them, and waits for those that have ended; whether any has not yet. Of one that ends,
    /// children of its own may be left.
    fn end_strangers(&mut self) -> bool {
        loop {
            let strangers = self.strangers();
            if strangers.is_empty() {
                return false;
            }
            let mut is_left = false;
            for pid in strangers.into_iter().map(Pid::from_raw) {
                // Not waited for yet, so that the number is nobody else's.
                let _ = kill(pid, Signal::SIGKILL);
                let ended = waitpid(pid, Some(WaitPidFlag::WNOHANG));
                is_left |= ended == Ok(WaitStatus::StillAlive);
            }
            if is_left {
                return true;
            }
        }
    }
}
