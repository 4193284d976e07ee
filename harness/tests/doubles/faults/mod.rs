//! Everything that the double can do wrong, by where it acts.

use probe::Report;
use wire::{
    environ::Environ,
    http::{RequestHead, ResponseHead},
};

use super::{Setting, asked::Asked, conduct::Conduct, connection::Trouble};

mod query;

/// One fault of `scenarios/faults.toml`.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    /// Its id there.
    pub(crate) id: &'static str,
    /// What it does.
    pub(super) act: Act,
}

/// Where a fault acts, and how.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// Changes the head of the request before anything is made of it.
    Head(fn(&mut RequestHead)),
    /// Answers with this status instead of the application.
    Refuse(fn(&RequestHead) -> Option<u16>),
    /// Changes the meta-variables.
    Environ(fn(&mut Environ, &Asked)),
    /// Changes with what the program is started.
    Start(fn(&mut Report, &Asked)),
    /// Changes the head of the reply.
    Reply(fn(&mut ResponseHead, &RequestHead)),
    /// Changes how the double goes about.
    Conduct(fn(&mut Conduct)),
}

/// Every fault that the double has.
pub(crate) fn all() -> impl Iterator<Item = &'static Fault> {
    [query::FAULTS].into_iter().flatten()
}

const fn fault(id: &'static str, act: Act) -> Fault {
    Fault { id, act }
}

impl Setting {
    pub(super) fn head(&self, head: &mut RequestHead) {
        if let Some(Act::Head(change)) = self.act {
            change(head);
        }
    }

    pub(super) fn refuse(&self, head: &RequestHead) -> Result<(), Trouble> {
        match self.act {
            Some(Act::Refuse(refuse)) => {
                refuse(head).map_or(Ok(()), |status| Err(Trouble::Refuse(status)))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn environ(&self, environ: &mut Environ, asked: &Asked) {
        if let Some(Act::Environ(change)) = self.act {
            change(environ, asked);
        }
    }

    pub(super) fn start(&self, report: &mut Report, asked: &Asked) {
        if let Some(Act::Start(change)) = self.act {
            change(report, asked);
        }
    }

    pub(super) fn reply(&self, reply: &mut ResponseHead, request: &RequestHead) {
        if let Some(Act::Reply(change)) = self.act {
            change(reply, request);
        }
    }
}
