//! What a program may do: its user, its limits, the permissions of its files.

use nix::sys::resource::Resource;
use nix::unistd::{Gid, Uid};

/// User and groups of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub uid: Uid,
    /// The main group.
    pub gid: Gid,
    /// All groups that it is in.
    pub groups: Vec<Gid>,
}

/// What is set in a new process before its program starts. Nothing is set by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Whom it runs as; only root may say so.
    pub user: Option<User>,
    /// Permissions that its new files do not get.
    pub umask: Option<u32>,
    /// Bounds on its resources, in the units of `setrlimit(2)`.
    pub limits: Vec<(Resource, u64)>,
}
