//! gateserve with the Python probe as a WSGI application.

use super::{Backend, Seat, gateserve, wsgi_files};
use crate::{launch::Launch, model::Model};

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
            Model::CgiWarm => "cgi-warm",
            _ => "wsgi",
        }
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http]
    }

    fn app(&self, _: Model) -> &'static str {
        "probe.py (WSGI)"
    }

    fn takes_cgi_output(&self) -> bool {
        false
    }

    fn runs_wsgi(&self, model: Model) -> bool {
        self.speaks().contains(&model)
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        let probe = seat.run.join("probe.py").display().to_string();
        let application = vec!["--wsgi-file".to_owned(), probe];
        gateserve::start(seat, application, wsgi_files(seat.wsgi, seat.apps))
    }
}
