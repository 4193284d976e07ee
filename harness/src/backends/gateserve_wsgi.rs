//! gateserve with the Python probe as a WSGI application.

use super::{Backend, Seat, gateserve};
use crate::{
    launch::{FileSpec, Launch},
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
        let probe = seat.run.join("probe.py").display().to_string();
        let files = vec![FileSpec::text("probe.py", PROBE)];
        gateserve::start(seat, vec!["--wsgi-file".to_owned(), probe], files)
    }
}
