//! Everything that the double can do wrong, by where it acts.

use bytes::BytesMut;
use probe::Report;
use wire::{environ::Environ, http::RequestHead};

use super::{
    Setting,
    asked::Asked,
    conduct::Conduct,
    connection::Trouble,
    gateway::habits::Habits,
    reply::{Reply, Script},
};

mod control;
mod field;
mod framing;
mod name;
mod output;
mod path;
mod query;
mod redirect;
mod request_body;
mod response_body;
mod response_head;
mod rfc3875;
mod variable;

/// One fault of `scenarios/faults/pair.toml`.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    /// Its id there.
    pub(crate) id: &'static str,
    /// What it does.
    pub(super) acts: &'static [Act],
}

/// A point at which a fault acts, and how. The points come one after another.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// Changes how the double goes about.
    Conduct(fn(&mut Conduct)),
    /// Changes how it goes about on the wire behind it.
    #[allow(
        dead_code,
        reason = "faults of the wire are not switched on in every test"
    )]
    Habits(fn(&mut Habits)),
    /// Changes the octets of a request whose head is whole.
    Octets(fn(&mut BytesMut)),
    /// Changes the head of the request before anything is made of it.
    Head(fn(&mut RequestHead)),
    /// Lets the gateway answer itself, with this status.
    Answer(fn(&RequestHead) -> Option<u16>),
    /// Changes the meta-variables.
    Environ(fn(&mut Environ, &Asked)),
    /// Changes with what the program is started.
    Start(fn(&mut Report, &Asked)),
    /// Lets the gateway answer itself because of the program's output.
    Judge(fn(&[u8]) -> Option<u16>),
    /// Changes the program's output, whose head is whole.
    Output(fn(&mut BytesMut)),
    /// Changes the reply before it is encoded.
    Reply(fn(&mut Reply, &Script<'_>)),
    /// Changes the octets of the reply's head.
    Wire(fn(&mut BytesMut, &Script<'_>)),
}

/// Every fault that the double has.
pub(crate) fn all() -> impl Iterator<Item = &'static Fault> {
    let lists = [
        path::FAULTS,
        query::FAULTS,
        variable::FAULTS,
        field::FAULTS,
        name::FAULTS,
        request_body::FAULTS,
        redirect::FAULTS,
        response_head::FAULTS,
        control::FAULTS,
        framing::FAULTS,
        response_body::FAULTS,
        output::FAULTS,
        rfc3875::FAULTS,
    ];
    lists.into_iter().flatten()
}

pub(super) const fn fault(id: &'static str, acts: &'static [Act]) -> Fault {
    Fault { id, acts }
}

impl Setting {
    pub(super) fn conduct(&mut self) {
        for act in self.acts {
            if let Act::Conduct(change) = act {
                change(&mut self.conduct);
            }
        }
    }

    pub(super) fn habits(&mut self) {
        for act in self.acts {
            if let Act::Habits(change) = act {
                change(&mut self.habits);
            }
        }
    }

    pub(super) fn octets(&self, octets: &mut BytesMut) {
        for act in self.acts {
            if let Act::Octets(change) = act {
                change(octets);
            }
        }
    }

    pub(super) fn head(&self, head: &mut RequestHead) {
        for act in self.acts {
            if let Act::Head(change) = act {
                change(head);
            }
        }
    }

    pub(super) fn answer(&self, head: &RequestHead) -> Result<(), Trouble> {
        self.refuse(|act| match act {
            Act::Answer(status) => status(head),
            _ => None,
        })
    }

    pub(super) fn environ(&self, environ: &mut Environ, asked: &Asked) {
        for act in self.acts {
            if let Act::Environ(change) = act {
                change(environ, asked);
            }
        }
    }

    pub(super) fn start(&self, report: &mut Report, asked: &Asked) {
        for act in self.acts {
            if let Act::Start(change) = act {
                change(report, asked);
            }
        }
    }

    pub(super) fn judge(&self, output: &[u8]) -> Result<(), Trouble> {
        self.refuse(|act| match act {
            Act::Judge(status) => status(output),
            _ => None,
        })
    }

    pub(super) fn output(&self, output: &mut BytesMut) {
        for act in self.acts {
            if let Act::Output(change) = act {
                change(output);
            }
        }
    }

    pub(super) fn reply(&self, reply: &mut Reply, script: &Script<'_>) {
        for act in self.acts {
            if let Act::Reply(change) = act {
                change(reply, script);
            }
        }
    }

    pub(super) fn wire(&self, octets: &mut BytesMut, script: &Script<'_>) {
        for act in self.acts {
            if let Act::Wire(change) = act {
                change(octets, script);
            }
        }
    }

    fn refuse(&self, status: impl FnMut(&Act) -> Option<u16>) -> Result<(), Trouble> {
        match self.acts.iter().find_map(status) {
            Some(status) => Err(Trouble::Answer(status)),
            None => Ok(()),
        }
    }
}

/// Changes the value of a variable that is there.
fn edit(environ: &mut Environ, name: &str, change: impl FnOnce(&[u8]) -> Vec<u8>) {
    if let Some(value) = environ.get(name).cloned() {
        environ.set(name, change(&value));
    }
}

/// At most 4096 octets: where careless code has its buffers.
fn cut(octets: &[u8]) -> Vec<u8> {
    octets[..octets.len().min(4096)].to_vec()
}

/// `octets` with each `what` replaced.
pub(super) fn replaced(octets: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let (mut result, mut rest) = (Vec::with_capacity(octets.len()), octets);
    while let Some(at) = find(rest, what) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    result.extend_from_slice(rest);
    result
}

/// Where `what` first is in `octets`.
pub(super) fn find(octets: &[u8], what: &[u8]) -> Option<usize> {
    octets.windows(what.len()).position(|window| window == what)
}
