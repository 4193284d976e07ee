//! gateserve with the Python probe as a WSGI application.

use super::{Backend, Seat};
use crate::{
    address::Address,
    launch::{FileSpec, Launch, Ready},
    model::Model,
};

/// The probe, as the run folder gets it.
const PROBE: &str = include_str!("../../../scenarios/apps/probe.py");

/// The project's own application server with an interpreter inside.
pub(super) struct GateserveWsgi;

impl Backend for GateserveWsgi {
    fn name(&self) -> &'static str {
        "gateserve"
    }

    fn variant(&self, model: Model) -> &'static str {
        match model {
            // Programs are executed by another variant.
            Model::Cgi => "cgi",
            _ => "wsgi",
        }
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http]
    }

    fn takes_cgi_output(&self) -> bool {
        false
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        let option = match seat.model {
            Model::Cgi | Model::FastCgi => "--fastcgi-socket",
            Model::Uwsgi => "--uwsgi-socket",
            Model::Scgi => "--scgi-socket",
            Model::Http => "--http-socket",
        };
        let mut args = vec![option.to_owned(), seat.socket.display().to_string()];
        args.extend(["--chmod-socket=666", "--master", "--disable-logging"].map(str::to_owned));
        args.extend(["--processes".to_owned(), seat.workers.to_string()]);
        let probe = seat.run.join("probe.py").display().to_string();
        args.extend(["--wsgi-file".to_owned(), probe]);
        // The largest block that uwsgi can express (UWSGI-HDR-64K): scenarios send large headers.
        args.extend(["--buffer-size", "65535"].map(str::to_owned));
        Launch {
            name: "gateserve".to_owned(),
            program: seat.programs.gateserve.display().to_string(),
            args,
            env: Vec::new(),
            files: vec![FileSpec::text("probe.py", PROBE)],
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}
