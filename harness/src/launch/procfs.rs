//! Processes as `/proc` shows them: who descends from whom, and who is still there.

use std::{collections::HashSet, fs, path::PathBuf};

/// One line of `/proc/PID/stat`, as far as the bench needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    /// `R`, `S`, `Z`, …
    pub(crate) state: char,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// Clock ticks since boot: with the pid, the identity of a process.
    pub(crate) started: u64,
    /// It is on its way out: its connections are cut before it is a zombie.
    pub(crate) is_exiting: bool,
}

/// `PF_EXITING` of the kernel's task flags.
const EXITING: u32 = 0x4;

impl Stat {
    /// Neither ended nor on its way out.
    pub(crate) fn lives(&self) -> bool {
        !self.is_exiting && !self.has_ended()
    }

    /// A zombie has ended, even if its parent has not asked yet.
    fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// The name in parentheses may hold spaces and parentheses itself: fields follow the last one.
    fn parse(pid: i32, line: &str) -> Option<Self> {
        let (_, fields) = line.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        Some(Self {
            pid,
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            is_exiting: fields.get(6)?.parse::<u32>().ok()? & EXITING != 0,
        })
    }
}

/// The process with this id, or `None` if there is none.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Stat::parse(pid, &line)
}

/// Whether the very same process is still there and not a zombie.
pub(crate) fn lives(process: &Stat) -> bool {
    stat(process.pid).is_some_and(|now| now.started == process.started && now.lives())
}

/// Whether the very same process has not ended yet; on its way out it still holds its files.
pub(crate) fn lingers(process: &Stat) -> bool {
    stat(process.pid).is_some_and(|now| now.started == process.started && !now.has_ended())
}

/// Its process id inside its own namespace, which is what it logs.
pub(crate) fn inner_pid(pid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .collect()
}

/// A process and everything that came from it.
///
/// Cheap to clone and to send, so that a meter's thread can ask while the subject runs.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    pub(super) root: i32,
}

impl Family {
    /// Process id on this machine of the main process.
    pub fn root(&self) -> i32 {
        self.root
    }

    /// Process ids on this machine of the root, its descendants and the rest of its process group.
    pub fn pids(&self) -> Vec<i32> {
        self.members().iter().map(|member| member.pid).collect()
    }

    pub(super) fn members(&self) -> Vec<Stat> {
        members(self.root, all())
    }

    /// Living direct children of the root.
    pub(super) fn children(&self) -> Vec<Stat> {
        let mut processes = all();
        processes.retain(|process| process.parent == self.root && process.lives());
        processes.sort_by_key(|process| (process.started, process.pid));
        processes
    }

    /// Living direct children of the root that run its program. Others are programs that it
    /// executes, CGI scripts for example, which come and go.
    pub(super) fn workers(&self) -> Vec<Stat> {
        let own = program(self.root);
        let is_own = |pid| match (&own, program(pid)) {
            (Some(own), Some(other)) => *own == other,
            // Whose program cannot be told, of another user for example, is taken for one of them.
            _ => true,
        };
        let mut workers = self.children();
        workers.retain(|process| is_own(process.pid));
        workers
    }
}

/// The file that a process runs.
fn program(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn members(root: i32, mut processes: Vec<Stat>) -> Vec<Stat> {
    processes.sort_by_key(|process| (process.started, process.pid));
    let mut family = HashSet::from([root]);
    loop {
        let before = family.len();
        let related = |p: &&Stat| family.contains(&p.parent) || p.group == root;
        let found: Vec<i32> = processes.iter().filter(related).map(|p| p.pid).collect();
        family.extend(found);
        if family.len() == before {
            break;
        }
    }
    processes.retain(|process| family.contains(&process.pid) && process.lives());
    processes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, group: i32) -> Stat {
        Stat {
            pid,
            state: 'S',
            parent,
            group,
            started: 1,
            is_exiting: false,
        }
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_is_no_field() {
        let tail = "S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2 3";
        let stat = Stat::parse(5, &format!("5 (a) b (c)) {tail}")).unwrap();
        let expected = Stat {
            pid: 5,
            state: 'S',
            parent: 7,
            group: 8,
            started: 4711,
            is_exiting: false,
        };
        assert_eq!(stat, expected);
    }

    #[test]
    fn a_family_is_descendants_and_the_process_group() {
        let processes = vec![
            process(2, 1, 2),
            process(10, 1, 10),
            process(11, 10, 10),
            process(12, 11, 12),
            process(13, 1, 10),
        ];
        let pids: Vec<i32> = members(10, processes).iter().map(|p| p.pid).collect();
        assert_eq!(pids, [10, 11, 12, 13]);
    }

    #[test]
    fn a_process_on_its_way_out_is_dead_before_it_is_a_zombie() {
        let line = |flags: u32| {
            let tail = format!("R 7 8 9 0 -1 {flags} 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2 3");
            Stat::parse(5, &format!("5 (nginx) {tail}")).unwrap()
        };
        assert!(line(0x40_0140).lives());
        assert!(!line(0x40_0144).lives());
    }

    #[test]
    fn a_zombie_is_no_member() {
        let zombie = Stat {
            state: 'Z',
            ..process(11, 10, 10)
        };
        let pids = members(10, vec![process(10, 1, 10), zombie]).len();
        assert_eq!(pids, 1);
    }

    #[test]
    fn this_process_is_its_own_namespace_member() {
        let pid = std::process::id().cast_signed();
        assert!(lives(&stat(pid).unwrap()));
        assert_eq!(inner_pid(pid), Some(pid));
    }
}
