//! The limit: a program in C that answers every request with the same bytes.

use crate::{
    address::Address,
    backends::{Backend, Seat},
    launch::{Launch, Ready},
    model::Model,
};

/// No server: what gateway, kernel and protocol leave at best.
pub(super) struct Responder;

/// The one there is.
pub(super) static RESPONDER: Responder = Responder;

const SOURCE: &str = include_str!("../../../scenarios/apps/peers/responder.c");

impl Backend for Responder {
    fn name(&self) -> &'static str {
        "responder"
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::FastCgi, Model::Uwsgi]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["gatebench-responder"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let (_, rest) = about.split_once("gatebench-responder ")?;
        rest.lines().next().map(|line| line.trim().to_owned())
    }

    fn source(&self) -> &'static str {
        "apt install gcc; the bench compiles it"
    }

    fn c_source(&self) -> Option<&'static str> {
        Some(SOURCE)
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        Launch {
            name: "responder".to_owned(),
            program: "gatebench-responder".to_owned(),
            args: vec![
                seat.socket.display().to_string(),
                seat.workers.to_string(),
                seat.model.word().to_owned(),
            ],
            env: Vec::new(),
            files: Vec::new(),
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}
