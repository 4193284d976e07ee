//! The process in its system: names, folder, user, files, environment, limits.

use std::path::PathBuf;

use nix::unistd::{Gid, Uid};

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Many, One};
use crate::options::opt::Topic::System;
use crate::options::opt::{Opt, opt};
use crate::options::values;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "chdir",
        One("DIR"),
        System,
        "Change to DIR before the sockets are bound and the applications loaded",
    ),
    opt(
        "chdir2",
        One("DIR"),
        System,
        "Change to DIR in each worker, once the applications are loaded",
    ),
    opt(
        "chroot",
        One("DIR"),
        System,
        "Make DIR the root of all paths before the sockets are bound; takes root's rights",
    ),
    opt(
        "uid",
        One("USER"),
        System,
        "Run as USER (name or number), and as its group unless --gid says else, once the sockets \
         are bound",
    ),
    opt(
        "gid",
        One("GROUP"),
        System,
        "Run as GROUP (name or number) once the sockets are bound",
    ),
    opt(
        "add-gid",
        Many("GROUP"),
        System,
        "Have GROUP as a supplementary group, in place of those of the user's account",
    ),
    opt(
        "no-initgroups",
        Flag,
        System,
        "Leave the supplementary groups of the user's account out",
    ),
    opt(
        "master-as-root",
        Flag,
        System,
        "Give up root's rights in the workers only; the master keeps them",
    ),
    opt(
        "drop-after-apps",
        Flag,
        System,
        "Give up root's rights once the applications are loaded",
    ),
    opt(
        "drop-after-init",
        Flag,
        System,
        "Give up root's rights once the sockets are bound; always so here",
    ),
    opt(
        "umask",
        One("MASK"),
        System,
        "Permissions that new files do not get, as three octal digits",
    ),
    opt(
        "pidfile",
        One("FILE"),
        System,
        "Write the master's process id to FILE before root's rights are given up",
    ),
    opt(
        "pidfile2",
        One("FILE"),
        System,
        "Write the master's process id to FILE after root's rights were given up",
    ),
    opt(
        "safe-pidfile",
        One("FILE"),
        System,
        "Write the master's process id to FILE once all workers accept",
    ),
    opt(
        "safe-pidfile2",
        One("FILE"),
        System,
        "Write the master's process id to FILE once all workers accept; the same as \
         --safe-pidfile, as it is in uWSGI",
    ),
    opt(
        "env",
        Many("NAME=VALUE"),
        System,
        "Set a variable of the server's own environment; without `=` it is removed",
    ),
    opt(
        "unenv",
        Many("NAME"),
        System,
        "Remove a variable from the server's own environment",
    ),
    opt(
        "limit-as",
        One("MB"),
        System,
        "Limit the address space of each process to MB megabytes",
    ),
    opt(
        "limit-nproc",
        One("N"),
        System,
        "Limit the processes of the user to N",
    ),
    opt(
        "max-fd",
        One("N"),
        System,
        "Allow each process N open files; more than the hard limit takes root's rights",
    ),
    opt(
        "prio",
        One("N"),
        System,
        "Scheduling priority (niceness) of all processes, from -20 to 19",
    ),
    opt(
        "cpu-affinity",
        One("N"),
        System,
        "Tie each worker to N processors, the next N to the next worker",
    ),
    opt(
        "no-orphans",
        Flag,
        System,
        "Kill the workers at once if the master dies; else they finish what runs",
    ),
];

/// The process in its system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemSettings {
    /// `chdir`: the folder to work in.
    pub chdir: Option<PathBuf>,
    /// `chdir2`: the folder that workers serve in.
    pub chdir2: Option<PathBuf>,
    /// `chroot`: what is to be `/`.
    pub chroot: Option<PathBuf>,
    /// Who to run as.
    pub identity: Identity,
    /// `umask`: permissions that new files do not get.
    pub umask: Option<u32>,
    /// `pidfile`, `pidfile2` and the safe ones.
    pub pidfiles: Pidfiles,
    /// `env` and `unenv` in order: a variable, and its value unless it is to be removed.
    pub environment: Vec<(String, Option<String>)>,
    /// What the kernel is to bound.
    pub limits: ProcessLimits,
    /// `no-orphans`: whether workers are killed with their master.
    pub no_orphans: bool,
}

/// Who to run as, and from when on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `uid`.
    pub uid: Option<Uid>,
    /// `gid`.
    pub gid: Option<Gid>,
    /// `add-gid`: the supplementary groups, if there are any.
    pub groups: Vec<Gid>,
    /// Whether the account's supplementary groups are taken over (not `no-initgroups`).
    pub initgroups: bool,
    /// When root's rights are given up.
    pub until: RootUntil,
}

/// How long the server keeps root's rights, if it was started with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootUntil {
    /// Until the sockets are bound.
    Bound,
    /// Until the applications are loaded: `drop-after-apps`.
    AppsLoaded,
    /// The workers until they are forked, the master for ever: `master-as-root`.
    Forked,
}

/// Files that get the master's process id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pidfiles {
    /// Before root's rights are given up: `pidfile`.
    pub as_root: Option<PathBuf>,
    /// After that: `pidfile2`.
    pub as_user: Option<PathBuf>,
    /// Once all workers accept: `safe-pidfile` and `safe-pidfile2`.
    pub when_ready: Vec<PathBuf>,
}

/// Bounds that the kernel keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessLimits {
    /// `limit-as`: address space in bytes.
    pub address_space: Option<u64>,
    /// `limit-nproc`: processes of the user.
    pub processes: Option<u64>,
    /// `max-fd`: open files of a process.
    pub open_files: Option<u64>,
    /// `prio`: niceness; 0 leaves it alone.
    pub priority: i32,
    /// `cpu-affinity`: processors a worker; 0 leaves it to the kernel.
    pub cpu_affinity: u32,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<SystemSettings, OptionError> {
    let mask = |given: &Given| given.read("three octal digits, as in 022", values::mode);
    Ok(SystemSettings {
        chdir: gathered.path("chdir"),
        chdir2: gathered.path("chdir2"),
        chroot: gathered.path("chroot"),
        identity: identity(gathered)?,
        umask: gathered.last("umask").map(mask).transpose()?,
        pidfiles: Pidfiles {
            as_root: gathered.path("pidfile"),
            as_user: gathered.path("pidfile2"),
            when_ready: ["safe-pidfile", "safe-pidfile2"]
                .into_iter()
                .filter_map(|name| gathered.path(name))
                .collect(),
        },
        environment: environment(gathered),
        limits: limits(gathered)?,
        no_orphans: gathered.flag("no-orphans")?,
    })
}

fn identity(gathered: &Gathered) -> Result<Identity, OptionError> {
    let user = |given: &Given| given.read("a user of this machine", values::user);
    let group = |given: &Given| given.read("a group of this machine", values::group);
    gathered.flag("drop-after-init")?;
    let until = match gathered.flag("master-as-root")? {
        true => RootUntil::Forked,
        false if gathered.flag("drop-after-apps")? => RootUntil::AppsLoaded,
        false => RootUntil::Bound,
    };
    Ok(Identity {
        uid: gathered.last("uid").map(user).transpose()?,
        gid: gathered.last("gid").map(group).transpose()?,
        groups: gathered
            .all("add-gid")
            .map(group)
            .collect::<Result<_, _>>()?,
        initgroups: !gathered.flag("no-initgroups")?,
        until,
    })
}

/// `env` and `unenv` in the order in which they were given, as uWSGI follows them.
pub(super) fn environment(gathered: &Gathered) -> Vec<(String, Option<String>)> {
    let change = |given: &Given| {
        let named = |value: Option<&str>, name: &str| (name.to_owned(), value.map(str::to_owned));
        match (given.opt.name, given.value.split_once('=')) {
            ("env", Some((name, value))) => Some(named(Some(value), name)),
            ("env", None) | ("unenv", _) => Some(named(None, &given.value)),
            _ => None,
        }
    };
    gathered.given.iter().filter_map(change).collect()
}

fn limits(gathered: &Gathered) -> Result<ProcessLimits, OptionError> {
    const MEGABYTE: u64 = 1024 * 1024;
    // As in uWSGI, 0 is no limit.
    let some = |name| -> Result<Option<u64>, OptionError> {
        let number = gathered.number(name, 0, 0, u32::MAX)?;
        Ok((number > 0).then_some(u64::from(number)))
    };
    let niceness = |value: &str| value.trim().parse().ok().filter(|n| (-20..=19).contains(n));
    let priority = gathered
        .last("prio")
        .map(|given| given.read("a number from -20 to 19", niceness));
    Ok(ProcessLimits {
        address_space: some("limit-as")?.map(|megabytes| megabytes * MEGABYTE),
        processes: some("limit-nproc")?,
        open_files: some("max-fd")?,
        priority: priority.transpose()?.unwrap_or_default(),
        cpu_affinity: gathered.number("cpu-affinity", 0, 0, 4096)?,
    })
}
