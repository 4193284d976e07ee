//! The driver: the harness in the gateway's seat. It sends what steps say, reads all the while,
//! and waits for what they expect.

mod link;
mod play;
mod program;
mod socket;

use std::{fmt, path::PathBuf};

use crate::{
    address::Address,
    model::Model,
    scenario::{Place, steps::Base},
};

pub use play::{Play, plain};

/// Where an application server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It listens here.
    Socket(Address),
    /// It is a CGI program that is executed for each request.
    Program(PathBuf),
}

/// The gateway's seat before one application server.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Where it is reached.
    pub way: Way,
    /// What is spoken.
    pub model: Model,
    /// What placeholders stand for.
    pub place: Place,
    /// Variables that the server needs of each request, such as SCRIPT_FILENAME.
    pub params: Vec<(String, String)>,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(address) => address.fmt(f),
            Self::Program(path) => path.display().fmt(f),
        }
    }
}

impl Seat {
    /// The seat before a server that speaks `model` at `way`.
    pub fn new(way: Way, model: Model) -> Self {
        let host = match &way {
            Way::Socket(Address::Tcp(host)) => host.clone(),
            _ => "localhost".to_owned(),
        };
        Self {
            way,
            model,
            place: Place::new("", host),
            params: Vec::new(),
        }
    }

    /// What the encoding of steps depends on.
    pub fn base(&self) -> Base<'_> {
        Base {
            model: self.model,
            place: &self.place,
            params: &self.params,
        }
    }
}
