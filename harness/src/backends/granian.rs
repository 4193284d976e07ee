//! granian with the Python probe as a WSGI application, over HTTP.

use super::{Backend, Seat, wsgi_files};
use crate::{
    address::Address,
    launch::{Launch, Ready},
    model::Model,
};

/// granian's WSGI side.
pub(super) struct Granian;

impl Backend for Granian {
    fn name(&self) -> &'static str {
        "granian"
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::Http]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["granian"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let (_, rest) = about.split_once("granian ")?;
        let version = rest.split_whitespace().next()?;
        version
            .starts_with(|c: char| c.is_ascii_digit())
            .then(|| version.to_owned())
    }

    fn source(&self) -> &'static str {
        "pip install granian"
    }

    fn app(&self, _: Model) -> &'static str {
        "probe.py (WSGI)"
    }

    fn takes_cgi_output(&self) -> bool {
        false
    }

    fn runs_wsgi(&self, model: Model) -> bool {
        model == Model::Http
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        let (socket, run) = (
            seat.socket.display().to_string(),
            seat.run.display().to_string(),
        );
        let (workers, threads) = (seat.workers.to_string(), seat.threads.to_string());
        let args = [
            "--interface",
            "wsgi",
            "--uds",
            &socket,
            "--workers",
            &workers,
            // As many requests at a time as others have.
            "--blocking-threads",
            &threads,
            "--working-dir",
            &run,
            "probe:application",
        ];
        Launch {
            name: "granian".to_owned(),
            program: "granian".to_owned(),
            args: args.map(str::to_owned).to_vec(),
            env: Vec::new(),
            files: wsgi_files(seat.wsgi, seat.apps),
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}
