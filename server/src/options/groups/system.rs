//! The process in its system: folder, user, files.

use std::path::PathBuf;

use nix::unistd::{Gid, Uid};

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::One;
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};
use crate::options::values;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "chdir",
        One("DIR"),
        Processes,
        "Change to DIR before anything else is opened",
    ),
    opt(
        "uid",
        One("USER"),
        Processes,
        "Run as USER (name or number), and as its group unless --gid says else, once the sockets \
         are bound",
    ),
    opt(
        "gid",
        One("GROUP"),
        Processes,
        "Run as GROUP (name or number) once the sockets are bound",
    ),
    opt(
        "pidfile",
        One("FILE"),
        Processes,
        "Write the master's process id to FILE",
    ),
];

/// The process in its system: folder, user, files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemSettings {
    /// `chdir`.
    pub chdir: Option<PathBuf>,
    /// `uid`.
    pub uid: Option<Uid>,
    /// `gid`.
    pub gid: Option<Gid>,
    /// `pidfile`.
    pub pidfile: Option<PathBuf>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<SystemSettings, OptionError> {
    let user = |given: &Given| given.read("a user of this machine", values::user);
    let group = |given: &Given| given.read("a group of this machine", values::group);
    Ok(SystemSettings {
        chdir: gathered.path("chdir"),
        uid: gathered.last("uid").map(user).transpose()?,
        gid: gathered.last("gid").map(group).transpose()?,
        pidfile: gathered.path("pidfile"),
    })
}
