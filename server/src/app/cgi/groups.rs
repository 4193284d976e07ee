//! Where this process keeps track of its programs' process groups, for its master to see.

use std::sync::OnceLock;

use nix::unistd::Pid;

use crate::master::Groups;

static GROUPS: OnceLock<&'static Groups> = OnceLock::new();

/// From now on programs are kept track of there.
pub(crate) fn keep_in(groups: &'static Groups) {
    // Set once a process, by its worker's start.
    let _ = GROUPS.set(groups);
}

pub(super) fn enter(group: Pid) {
    if let Some(groups) = GROUPS.get() {
        groups.enter(group.as_raw().unsigned_abs());
    }
}

pub(super) fn leave(group: Pid) {
    if let Some(groups) = GROUPS.get() {
        groups.leave(group.as_raw().unsigned_abs());
    }
}
