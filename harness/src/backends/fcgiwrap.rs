//! fcgiwrap, which executes a CGI program for each FastCGI request.

use super::{Backend, Seat};
use crate::{
    address::Address,
    gateways::CGI_BIN,
    launch::{Launch, Ready},
    model::Model,
};

/// fcgiwrap with the native probe as the program.
pub(super) struct Fcgiwrap;

impl Backend for Fcgiwrap {
    fn name(&self) -> &'static str {
        "fcgiwrap"
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::Cgi]
    }

    /// What it speaks itself is FastCGI.
    fn driven(&self, model: Model) -> Option<Model> {
        matches!(model, Model::Cgi | Model::FastCgi).then_some(Model::FastCgi)
    }

    fn programs(&self) -> &'static [&'static str] {
        &["fcgiwrap"]
    }

    fn about(&self) -> &'static [&'static str] {
        &["-h"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let (_, rest) = about.split_once("fcgiwrap version ")?;
        rest.split_whitespace().next().map(str::to_owned)
    }

    fn source(&self) -> &'static str {
        "apt install fcgiwrap"
    }

    fn params(&self, seat: &Seat<'_>) -> Vec<(String, String)> {
        let program = seat.run.join(CGI_BIN).join("probe").display().to_string();
        vec![("SCRIPT_FILENAME".to_owned(), program)]
    }

    fn app(&self, _: Model) -> &'static str {
        "probe (CGI program)"
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        let socket = format!("unix:{}", seat.socket.display());
        let workers = seat.workers.to_string();
        Launch {
            name: "fcgiwrap".to_owned(),
            program: "fcgiwrap".to_owned(),
            // -f: what the program complains of goes to the gateway.
            args: ["-f", "-c", &workers, "-s", &socket]
                .map(str::to_owned)
                .to_vec(),
            env: Vec::new(),
            files: Vec::new(),
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}
