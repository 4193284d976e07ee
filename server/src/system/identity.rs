//! Giving up root's rights: user, group, supplementary groups.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Group, Uid, User, getgroups, initgroups, setgid, setgroups, setuid};

use crate::log;
use crate::options::Identity;

/// A user or group that the process cannot become.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Without root's rights.
    #[error("cannot {0} as non-root user")]
    NotRoot(&'static str),
    /// With them.
    #[error("cannot {what}: {source}")]
    Refused {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

fn refused(what: impl Into<String>) -> impl FnOnce(nix::Error) -> IdentityError {
    let what = what.into();
    move |error| IdentityError::Refused {
        what,
        source: error.into(),
    }
}

/// Whether the process has root's rights.
pub(crate) fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Becomes the user and group that were asked for. A user without a group gets the one of its
/// account: root's would still open what is root's. Without root's rights only what one is already
/// can be asked for.
pub(crate) fn assume(wanted: &Identity) -> Result<(), IdentityError> {
    if !is_root() {
        return already(wanted);
    }
    let account = wanted.uid.map(User::from_uid);
    let account = account.and_then(Result::ok).flatten();
    if let Some(gid) = group(wanted, account.as_ref()) {
        log::tell(&format!("setgid() to {gid}"));
        // Group first: without root's rights it could not be changed any more.
        change_group(wanted, account.as_ref(), gid)?;
        tell_groups(gid);
    }
    if let Some(uid) = wanted.uid {
        log::tell(&format!("setuid() to {uid}"));
        setuid(uid).map_err(refused(format!("run as user {uid}")))?;
    }
    if is_root() {
        log::tell("*** WARNING: you are running gateserve as root !!! (use the --uid flag) ***");
    }
    Ok(())
}

/// The owner that files get which are made for the server to use later: who it will be.
pub(crate) fn owner(wanted: &Identity) -> Option<(Uid, Option<Gid>)> {
    let uid = wanted.uid.filter(|uid| is_root() && !uid.is_root())?;
    let account = User::from_uid(uid).ok().flatten();
    Some((uid, group(wanted, account.as_ref())))
}

fn group(wanted: &Identity, account: Option<&User>) -> Option<Gid> {
    wanted.gid.or_else(|| account.map(|user| user.gid))
}

/// Nothing to do, or nothing that could be done. After a reload the process is already who it is
/// to be.
fn already(wanted: &Identity) -> Result<(), IdentityError> {
    if wanted.gid.is_some_and(|gid| gid != Gid::current()) {
        return Err(IdentityError::NotRoot("setgid()"));
    }
    if wanted.uid.is_some_and(|uid| uid != Uid::current()) {
        return Err(IdentityError::NotRoot("setuid()"));
    }
    Ok(())
}

/// With the other groups of the account, if there is one, or with those that were asked for; in
/// any case without root's.
fn change_group(wanted: &Identity, account: Option<&User>, gid: Gid) -> Result<(), IdentityError> {
    let what = || format!("run as group {gid}");
    setgid(gid).map_err(refused(what()))?;
    let others = match account.filter(|_| wanted.initgroups) {
        _ if !wanted.groups.is_empty() => setgroups(&wanted.groups),
        // An account's name holds no NUL, as it was read from a C string.
        Some(user) => initgroups(&CString::new(user.name.as_str()).unwrap_or_default(), gid),
        None => setgroups(&[]),
    };
    others.map_err(refused(what()))
}

fn tell_groups(gid: Gid) {
    for other in getgroups().unwrap_or_default() {
        if other != gid {
            let name = Group::from_gid(other).ok().flatten();
            let name = name.map_or_else(String::new, |group| format!(" ({})", group.name));
            log::tell(&format!("set additional group {other}{name}"));
        }
    }
}
