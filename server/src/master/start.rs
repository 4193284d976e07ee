//! The start: from the options to bound sockets and loaded applications, in uWSGI's order.
//!
//! ```text
//! hooks asap · daemonize · log · pidfile · hooks pre-jail, in-jail
//!   as root: hooks post-jail · chroot · hooks as-root
//! chdir · sockets · uid and gid · hooks as-user · logto2 · pidfile2 · limits
//! hooks pre-app · applications · hooks post-app · daemonize2
//! ```
//!
//! uWSGI binds after it has given up root's rights; here it is before, so that low ports can be
//! bound. Unix sockets get the owner that they would have had.

use std::fs::File;
use std::path::Path;

use super::files::Files;
use super::stats::ToldAt;
use super::{StartError, system};
use super::{banner, daemonize, sockets};
use crate::Language;
use crate::app::Queue;
use crate::log;
use crate::options::{RootUntil, Settings};
use crate::socket::{Bound, Handover};
use crate::system::hooks::{self, HookPhase};
use crate::system::{environment, identity, limits};

/// Does all that comes before the workers. The files made on the way are added to `files`. After a
/// reload there is a `handover`, and the process is a daemon already.
pub(super) fn start(
    settings: &Settings,
    language: Option<&dyn Language>,
    handover: Option<Handover>,
    files: &mut Files,
) -> Result<(Vec<Bound>, ToldAt), StartError> {
    let resumed = handover.is_some();
    let (system, hooks) = (&settings.system, &settings.hooks);
    limits::mask_files(system.umask);
    environment::change(&system.environment);
    hooks::run(hooks, HookPhase::Asap)?;
    if settings.destinations.daemonize.is_some() && !resumed {
        daemonize::detach(language, system.umask.is_none()).map_err(super::system("daemonize"))?;
    }
    open_log(settings, resumed)?;
    banner::begin();
    write_pidfile(system.pidfiles.as_root.as_deref(), files);
    if !resumed {
        hooks::run(hooks, HookPhase::PreJail)?;
    }
    hooks::run(hooks, HookPhase::InJail)?;
    let was_root = identity::is_root();
    as_root(settings, was_root, resumed)?;
    // Where the hooks still are when the sockets are bound already.
    let outside = File::open(".").ok();
    change_folder(system.chdir.as_deref())?;
    let (sockets, told_at) = sockets::open(settings, handover, files)?;
    if system.identity.until == RootUntil::Bound {
        identity::assume(&system.identity)?;
    }
    if was_root && system.identity.until != RootUntil::Forked {
        back_to(outside.as_ref());
        hooks::run(hooks, HookPhase::AsUser)?;
        return_to(system.chdir.as_deref())?;
    }
    log::begin_unprivileged(settings, resumed).map_err(super::system("open the log of logto2"))?;
    write_pidfile(system.pidfiles.as_user.as_deref(), files);
    limits::set(&system.limits);
    banner::serving(settings);
    load(settings, language)?;
    match resumed {
        true => log::begin_loaded(settings, resumed).map_err(super::system("open the log"))?,
        false => daemonize_loaded(settings, language, files)?,
    }
    Ok((sockets, told_at))
}

fn open_log(settings: &Settings, resumed: bool) -> Result<(), StartError> {
    log::begin(settings, resumed).map_err(system("open the log"))
}

/// `daemonize2`. The process has another id then, which goes into the pidfiles again.
fn daemonize_loaded(
    settings: &Settings,
    language: Option<&dyn Language>,
    files: &mut Files,
) -> Result<(), StartError> {
    if settings.destinations.daemonize_loaded.is_none() {
        return Ok(());
    }
    log::tell("*** daemonizing gateserve ***");
    let umask = settings.system.umask.is_none();
    daemonize::detach(language, umask).map_err(system("daemonize"))?;
    log::begin_loaded(settings, false).map_err(system("open the log"))?;
    let pidfiles = &settings.system.pidfiles;
    write_pidfile(pidfiles.as_root.as_deref(), files);
    write_pidfile(pidfiles.as_user.as_deref(), files);
    Ok(())
}

fn write_pidfile(file: Option<&Path>, files: &mut Files) {
    if let Some(file) = file {
        files.write_pidfile(file);
    }
}

/// What only root may do, or is only run as root. A reload happens within the root that there is.
fn as_root(settings: &Settings, is_root: bool, resumed: bool) -> Result<(), StartError> {
    let chroot = settings.system.chroot.as_deref().filter(|_| !resumed);
    if !is_root {
        return match chroot {
            Some(_) => Err(identity::IdentityError::NotRoot("chroot()").into()),
            None => Ok(()),
        };
    }
    hooks::run(&settings.hooks, HookPhase::PostJail)?;
    if let Some(folder) = chroot {
        let name = folder.display();
        log::tell(&format!("chroot() to {name}"));
        let inside = nix::unistd::chroot(folder).and_then(|()| nix::unistd::chdir("/"));
        inside.map_err(|error| system(format!("make {name} the root"))(error.into()))?;
    }
    Ok(hooks::run(&settings.hooks, HookPhase::AsRoot)?)
}

pub(super) fn change_folder(folder: Option<&Path>) -> Result<(), StartError> {
    let Some(folder) = folder else { return Ok(()) };
    let name = folder.display();
    log::tell(&format!("chdir() to {name}"));
    return_to(Some(folder))
}

/// The same once it has been told. The new user may have no right to what root could enter.
fn return_to(folder: Option<&Path>) -> Result<(), StartError> {
    let Some(folder) = folder else { return Ok(()) };
    let name = folder.display();
    std::env::set_current_dir(folder).map_err(system(format!("change to folder {name}")))
}

fn back_to(folder: Option<&File>) {
    // Where it cannot be gone back to, the hooks run in the folder of `chdir`.
    let _ = folder.map(nix::unistd::fchdir);
}

fn load(settings: &Settings, language: Option<&dyn Language>) -> Result<(), StartError> {
    if let Some(language) = language {
        language.prepare(settings)?;
    }
    hooks::run(&settings.hooks, HookPhase::PreApp)?;
    load_apps(settings, language)?;
    hooks::run(&settings.hooks, HookPhase::PostApp)?;
    if settings.system.identity.until == RootUntil::AppsLoaded {
        identity::assume(&settings.system.identity)?;
    }
    Ok(())
}

/// The applications that the master loads. Those that are loaded again after the fork are loaded
/// here to be refused here.
pub(super) fn load_apps(
    settings: &Settings,
    language: Option<&dyn Language>,
) -> Result<(), StartError> {
    crate::app::load(settings, None, &Queue::default())?;
    if let Some(language) = language.filter(|_| !settings.processes.lazy_apps) {
        language.load(settings)?;
    }
    Ok(())
}
