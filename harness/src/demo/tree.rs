//! The process tree of a site, and how it changed while a request was on its way.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde::Serialize;

use super::clock;

/// How often the tree is looked at while a request is on its way.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// A process as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    /// `gateway` or `server`: whose it is.
    pub(super) side: &'static str,
    /// Its command line, shortened.
    pub(super) command: String,
}

/// A process that was seen while a request was on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Seen {
    #[serde(flatten)]
    pub(super) process: Process,
    /// Microseconds of the monotonic clock: first seen; not before is known.
    pub(super) from_us: u64,
    /// First time that it was gone; `None` if it was there to the end.
    pub(super) gone_us: Option<u64>,
}

/// All processes below `roots`, parents before their children.
pub(super) fn tree(roots: &[(&'static str, i32)]) -> Vec<Process> {
    let mut found = Vec::new();
    for &(side, root) in roots {
        descend(side, root, 0, &mut found);
    }
    found
}

/// A process and those below it, so many generations deep.
pub(super) fn pids_to_depth(root: i32, depth: u32) -> Vec<i32> {
    let mut pids = vec![root];
    if depth > 1 {
        for child in children(root) {
            pids.extend(pids_to_depth(child, depth - 1));
        }
    }
    pids
}

fn descend(side: &'static str, pid: i32, parent: i32, found: &mut Vec<Process>) {
    found.push(Process {
        pid,
        parent,
        side,
        command: command(pid),
    });
    for child in children(pid) {
        descend(side, child, pid, found);
    }
}

/// Children of a process, of all its threads.
fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        let line = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.extend(
            line.split_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    children.sort_unstable();
    children
}

/// The command line in at most 120 characters; of a zombie its name.
fn command(pid: i32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line
        .split(|&octet| octet == 0)
        .filter(|word| !word.is_empty())
        .map(String::from_utf8_lossy)
        .collect();
    let text = match words.is_empty() {
        true => {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("[{}]", name.trim())
        }
        false => words.join(" "),
    };
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Looks at the tree again and again, on a thread of its own.
pub(super) struct Watcher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Seen>>,
}

impl Watcher {
    /// Begins to watch.
    pub(super) fn begin(roots: Vec<(&'static str, i32)>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let until = stop.clone();
        Self {
            stop,
            thread: thread::spawn(move || watch(&roots, &until)),
        }
    }

    /// What was seen, in the order of appearance.
    pub(super) fn end(self) -> Vec<Seen> {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn watch(roots: &[(&'static str, i32)], until: &AtomicBool) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    let mut living: BTreeMap<i32, usize> = BTreeMap::new();
    loop {
        let last = until.load(Relaxed);
        let (now, at) = (tree(roots), clock::now_us());
        for process in &now {
            match living.get(&process.pid) {
                // Between fork and exec a process has its parent's command line.
                Some(&index) => seen[index].process.command.clone_from(&process.command),
                None => {
                    living.insert(process.pid, seen.len());
                    seen.push(Seen {
                        process: process.clone(),
                        from_us: at,
                        gone_us: None,
                    });
                }
            }
        }
        living.retain(|pid, index| {
            let is_there = now.iter().any(|process| process.pid == *pid);
            if !is_there {
                seen[*index].gone_us = Some(at);
            }
            is_there
        });
        if last {
            return seen;
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn a_child_is_seen_while_it_lives_and_known_to_be_gone_after() {
        let watcher = Watcher::begin(vec![("server", id().cast_signed())]);
        let mut child = Command::new("sleep").arg("0.2").spawn().unwrap();
        let pid = child.id().cast_signed();
        child.wait().unwrap();
        let seen = watcher.end();
        let of_it = seen.iter().find(|seen| seen.process.pid == pid).unwrap();
        assert!(of_it.gone_us.is_some_and(|gone| gone > of_it.from_us));
        assert_eq!(of_it.process.parent, id().cast_signed());
    }
}
