//! Hooks: actions and programs that run at a point of the server's life.

use nix::sys::signal::Signal;

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::Many;
use crate::options::opt::Topic::Hooks;
use crate::options::opt::{Opt, opt};
use crate::system::hooks::{Action, Hook, HookPhase, UNSUPPORTED};

const ACTION: &str = "ACTION:ARG";
const COMMAND: &str = "COMMAND";

/// The options of this group.
#[rustfmt::skip]
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt("hook-asap", Many(ACTION), Hooks, "Run ACTION as soon as the options are read: exec, safeexec, chdir, mkdir, putenv, print, write, append, chmod, chown, unlink and others of uWSGI"),
    opt("exec-asap", Many(COMMAND), Hooks, "Run a shell command as soon as the options are read; the server does not start if it fails"),
    opt("hook-pre-jail", Many(ACTION), Hooks, "Run ACTION after the pidfile is written"),
    opt("exec-pre-jail", Many(COMMAND), Hooks, "Run a shell command after the pidfile is written"),
    opt("hook-in-jail", Many(ACTION), Hooks, "Run ACTION after those of pre-jail"),
    opt("exec-in-jail", Many(COMMAND), Hooks, "Run a shell command after those of pre-jail"),
    opt("hook-post-jail", Many(ACTION), Hooks, "Run ACTION as root, before --chroot"),
    opt("exec-post-jail", Many(COMMAND), Hooks, "Run a shell command as root, before --chroot"),
    opt("hook-as-root", Many(ACTION), Hooks, "Run ACTION as root, before root's rights are given up; not at all without them"),
    opt("exec-as-root", Many(COMMAND), Hooks, "Run a shell command as root, before root's rights are given up; not at all without them"),
    opt("hook-as-user", Many(ACTION), Hooks, "Run ACTION after root's rights were given up"),
    opt("exec-as-user", Many(COMMAND), Hooks, "Run a shell command after root's rights were given up"),
    opt("hook-pre-app", Many(ACTION), Hooks, "Run ACTION before the applications are loaded"),
    opt("exec-pre-app", Many(COMMAND), Hooks, "Run a shell command before the applications are loaded"),
    opt("hook-post-app", Many(ACTION), Hooks, "Run ACTION after the applications were loaded"),
    opt("exec-post-app", Many(COMMAND), Hooks, "Run a shell command after the applications were loaded"),
    opt("hook-master-start", Many(ACTION), Hooks, "Run ACTION in the master before the workers are forked"),
    opt("hook-post-fork", Many(ACTION), Hooks, "Run ACTION in each worker after the fork"),
    opt("hook-accepting", Many(ACTION), Hooks, "Run ACTION in each worker before it accepts"),
    opt("hook-accepting-once", Many(ACTION), Hooks, "The same, but not in workers that replace others"),
    opt("hook-accepting1", Many(ACTION), Hooks, "Run ACTION in the first worker before it accepts"),
    opt("hook-accepting1-once", Many(ACTION), Hooks, "The same, but not in one that replaces another"),
    opt("hook-as-user-atexit", Many(ACTION), Hooks, "Run ACTION in the master when it ends"),
    opt("exec-as-user-atexit", Many(COMMAND), Hooks, "Run a shell command in the master when it ends"),
];

/// Every hook, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookSettings(pub Vec<Hook>);

impl HookSettings {
    /// The signal whose meaning this one gets, by `unix_signal`.
    pub fn rebound(&self, signal: Signal) -> Option<Signal> {
        self.0.iter().rev().find_map(|hook| match hook.action {
            Action::UnixSignal(bound, meaning) if bound == signal => Some(meaning),
            _ => None,
        })
    }

    /// The hooks of one phase: as in uWSGI, all of `hook-…` come before those of `exec-…`.
    pub fn of(&self, phase: HookPhase) -> impl Iterator<Item = &Hook> {
        self.0.iter().filter(move |hook| hook.phase == phase)
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<HookSettings, OptionError> {
    let mut hooks = Vec::new();
    for phase in HookPhase::ALL {
        for given in gathered.all(&format!("hook-{}", phase.option())) {
            hooks.push(hook(phase, given)?);
        }
        for given in gathered.all(&format!("exec-{}", phase.option())) {
            hooks.push(Hook {
                phase,
                text: given.value.clone(),
                shown: true,
                action: Action::Exec(given.value.clone()),
            });
        }
    }
    Ok(HookSettings(hooks))
}

fn hook(phase: HookPhase, given: &Given) -> Result<Hook, OptionError> {
    let (shown, text) = match given.value.strip_prefix('!') {
        Some(text) => (false, text),
        None => (true, given.value.as_str()),
    };
    let action = Action::read(text).ok_or_else(|| {
        let unsupported = UNSUPPORTED.join(", ");
        given.refuse(&format!(
            "ACTION:ARG with one of uWSGI's actions and what it needs, as in exec:COMMAND or \
             chmod:FILE MODE (without {unsupported})"
        ))
    })?;
    Ok(Hook {
        phase,
        text: text.to_owned(),
        shown,
        action,
    })
}
