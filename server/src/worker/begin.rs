//! What a worker does right after the fork: its name, its rights, its processors, its hooks.

use std::io;

use super::Start;
use crate::log;
use crate::options::RootUntil;
use crate::system::hooks::{self, HookPhase};
use crate::system::{identity, limits, procname};

/// In uWSGI's order; nothing but this thread runs yet.
pub(super) fn begin(start: &Start<'_>) -> io::Result<()> {
    let settings = start.settings;
    let number = start.number + 1;
    crate::app::cgi::keep_in(start.slot.groups());
    if start.language.is_none()
        && let Err(error) = crate::app::cgi::take_up_orphans()
    {
        // What CGI programs leave behind in their groups is ended all the same.
        tell_once(start, &error);
    }
    if let Some(name) = settings.names.worker(number) {
        procname::set(&name);
    }
    limits::tie_to_processors(number, settings.system.limits.cpu_affinity);
    let identity = &settings.system.identity;
    if identity.until == RootUntil::Forked && identity::is_root() {
        identity::assume(identity).map_err(io::Error::other)?;
        run(start, HookPhase::AsUser)?;
        // The change of user has made the kernel forget it.
        super::stay_with_master(start)?;
    }
    run(start, HookPhase::PostFork)
}

fn tell_once(start: &Start<'_>, error: &io::Error) {
    if start.number == 0 && start.slot.facts().spawns <= 1 {
        log::tell(&format!(
            "processes that leave the group of their CGI program are out of reach: {error}"
        ));
    }
}

/// Once the applications are loaded, before anything is accepted.
pub(super) fn accepting(start: &Start<'_>) -> io::Result<()> {
    if let Some(folder) = &start.settings.system.chdir2 {
        log::tell(&format!("chdir() to {}", folder.display()));
        std::env::set_current_dir(folder)?;
    }
    let first = start.slot.facts().spawns <= 1;
    let in_one = start.number == 0;
    run(start, HookPhase::Accepting)?;
    if first {
        run(start, HookPhase::AcceptingOnce)?;
    }
    if in_one {
        run(start, HookPhase::Accepting1)?;
    }
    if in_one && first {
        run(start, HookPhase::Accepting1Once)?;
    }
    Ok(())
}

/// A hook that fails ends the whole server, as in uWSGI.
fn run(start: &Start<'_>, phase: HookPhase) -> io::Result<()> {
    hooks::run(&start.settings.hooks, phase).map_err(|failed| {
        log::fault("FATAL hook failed, destroying instance");
        // The master is there: `stay_with_master` has looked.
        let _ = nix::sys::signal::kill(nix::unistd::getppid(), nix::sys::signal::Signal::SIGINT);
        io::Error::other(failed)
    })
}
