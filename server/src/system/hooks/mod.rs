//! Hooks: what runs at a point of the server's life.

mod action;
mod perform;

use crate::log;
use crate::options::HookSettings;

pub use action::{Action, UNSUPPORTED};

/// A point of the server's life, in the order of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookPhase {
    /// The options are read.
    Asap,
    /// The pidfile is written.
    PreJail,
    /// Right after that; uWSGI's jails and namespaces would be entered in between.
    InJail,
    /// Before `chroot`, as root.
    PostJail,
    /// Before root's rights are given up.
    AsRoot,
    /// After that.
    AsUser,
    /// Before the applications are loaded.
    PreApp,
    /// After that.
    PostApp,
    /// In the master, before the workers are forked.
    MasterStart,
    /// In a worker.
    PostFork,
    /// In a worker that is about to accept.
    Accepting,
    /// In one that is the first in its place.
    AcceptingOnce,
    /// In worker 1.
    Accepting1,
    /// In the first worker 1.
    Accepting1Once,
    /// In the master, at its end.
    AtExit,
}

impl HookPhase {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Asap,
        Self::PreJail,
        Self::InJail,
        Self::PostJail,
        Self::AsRoot,
        Self::AsUser,
        Self::PreApp,
        Self::PostApp,
        Self::MasterStart,
        Self::PostFork,
        Self::Accepting,
        Self::AcceptingOnce,
        Self::Accepting1,
        Self::Accepting1Once,
        Self::AtExit,
    ];

    /// As in `hook-…` and `exec-…`.
    pub fn option(self) -> &'static str {
        match self {
            Self::AsRoot => "as-root",
            Self::AsUser => "as-user",
            Self::PreApp => "pre-app",
            Self::PostApp => "post-app",
            Self::AtExit => "as-user-atexit",
            other => other.name(),
        }
    }

    /// As in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asap => "asap",
            Self::PreJail => "pre-jail",
            Self::InJail => "in-jail",
            Self::PostJail => "post-jail",
            Self::AsRoot => "as root",
            Self::AsUser => "as user",
            Self::PreApp => "pre app",
            Self::PostApp => "post app",
            Self::MasterStart => "master-start",
            Self::PostFork => "post-fork",
            Self::Accepting => "accepting",
            Self::AcceptingOnce => "accepting-once",
            Self::Accepting1 => "accepting1",
            Self::Accepting1Once => "accepting1-once",
            Self::AtExit => "atexit",
        }
    }
}

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// When it runs.
    pub phase: HookPhase,
    /// As it was written, for the log.
    pub text: String,
    /// Whether the log shows that text; not with a `!` before the action.
    pub shown: bool,
    /// What it does.
    pub action: Action,
}

/// A hook that could not do what it was to do.
#[derive(Debug, thiserror::Error)]
#[error("hook `{text}` ({phase}) failed: {reason}", phase = .phase.name())]
pub struct HookError {
    text: String,
    phase: HookPhase,
    reason: String,
}

/// Runs the hooks of a phase, until one fails.
///
/// # Errors
/// The first hook that fails, and why.
pub(crate) fn run(hooks: &HookSettings, phase: HookPhase) -> Result<(), HookError> {
    hooks.of(phase).try_for_each(run_one)
}

/// Runs all hooks of a phase, whether they fail or not: at the end nothing is left to be stopped.
pub(crate) fn run_all(hooks: &HookSettings, phase: HookPhase) {
    for failed in hooks.of(phase).filter_map(|hook| run_one(hook).err()) {
        log::tell(&failed.to_string());
    }
}

fn run_one(hook: &Hook) -> Result<(), HookError> {
    let (text, phase) = (&hook.text, hook.phase.name());
    match hook.shown {
        true => log::tell(&format!("running \"{text}\" ({phase})...")),
        false => log::tell(&format!("running --- PRIVATE HOOK --- ({phase})...")),
    }
    perform::perform(&hook.action).map_err(|reason| HookError {
        text: if hook.shown {
            text.clone()
        } else {
            "---".into()
        },
        phase: hook.phase,
        reason,
    })
}
