//! Giving up root's rights once the sockets are bound.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Uid, User, initgroups, setgid, setgroups, setuid};

use super::{StartError, system};
use crate::log;
use crate::options::SystemSettings;

/// Becomes the user and group that were asked for. A user without a group gets the one of its
/// account: root's would still open what is root's.
pub(super) fn give_up(settings: &SystemSettings) -> Result<(), StartError> {
    let account = settings.uid.map(User::from_uid);
    let account = account.and_then(Result::ok).flatten();
    let is_root = Uid::effective().is_root();
    let own = account.as_ref().map(|user| user.gid).filter(|_| is_root);
    if let Some(gid) = settings.gid.or(own) {
        // Group first: without root's rights it could not be changed any more.
        change_group(account.as_ref(), gid).map_err(system(format!("run as group {gid}")))?;
    }
    if let Some(uid) = settings.uid {
        let changed = setuid(uid).map_err(io::Error::from);
        changed.map_err(system(format!("run as user {uid}")))?;
    }
    if Uid::effective().is_root() {
        log::tell("*** WARNING: you are running gateserve as root !!! (use the --uid flag) ***");
    }
    Ok(())
}

/// With the other groups of the account, if there is one, and without root's in any case.
fn change_group(account: Option<&User>, gid: Gid) -> io::Result<()> {
    match account {
        Some(user) => initgroups(&CString::new(user.name.as_str())?, gid)?,
        None => setgroups(&[gid])?,
    }
    Ok(setgid(gid)?)
}
