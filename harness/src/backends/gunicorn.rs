//! gunicorn with the Python probe as a WSGI application, over HTTP and, from version 24 on, uwsgi.

use super::{Backend, Seat, wsgi_files};
use crate::{
    address::Address,
    launch::{Launch, Ready},
    model::Model,
};

/// gunicorn with its threaded workers.
pub(super) struct Gunicorn;

impl Backend for Gunicorn {
    fn name(&self) -> &'static str {
        "gunicorn"
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::Uwsgi, Model::Http]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["gunicorn"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let (_, rest) = about.split_once("(version ")?;
        let (version, _) = rest.split_once(')')?;
        Some(version.to_owned())
    }

    fn source(&self) -> &'static str {
        "pip install gunicorn"
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
        let bind = format!("unix:{}", seat.socket.display());
        let (workers, run) = (seat.workers.to_string(), seat.run.display().to_string());
        let threads = seat.threads.to_string();
        let mut args = ["--bind", &bind, "--workers", &workers, "--chdir", &run].to_vec();
        // As many requests at a time as others have.
        args.extend(["--worker-class", "gthread", "--threads", &threads]);
        if seat.model == Model::Uwsgi {
            args.extend(["--protocol", "uwsgi", "--uwsgi-allow-from", "*"]);
        }
        // Scenarios send large headers.
        args.extend(["--limit-request-field_size", "65535", "probe:application"]);
        Launch {
            name: "gunicorn".to_owned(),
            program: "gunicorn".to_owned(),
            args: args.into_iter().map(str::to_owned).collect(),
            // Its control socket lies in the home folder, one for all that run.
            env: vec![("HOME".to_owned(), run)],
            files: wsgi_files(seat.wsgi, seat.apps),
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}
