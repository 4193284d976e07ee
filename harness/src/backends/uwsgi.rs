//! uWSGI with the Python probe as a WSGI application, over each of its four protocols.

use super::{Backend, Seat, wsgi_files};
use crate::{
    address::Address,
    launch::{Launch, Ready},
    model::Model,
};

/// uWSGI, from PyPI or from a distribution.
pub(super) struct Uwsgi;

impl Backend for Uwsgi {
    fn name(&self) -> &'static str {
        "uwsgi"
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["uwsgi"]
    }

    /// It tells its plugins, then starts and finds no socket: a distribution's uWSGI has Python in
    /// a plugin of its own.
    fn about(&self) -> &'static [&'static str] {
        &["--plugin-list"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let (_, rest) = about.split_once("*** Starting uWSGI ")?;
        rest.split_whitespace().next().map(str::to_owned)
    }

    fn source(&self) -> &'static str {
        "pip install uwsgi"
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
        let socket = match seat.model {
            Model::FastCgi => "--fastcgi-socket",
            Model::Scgi => "--scgi-socket",
            Model::Http => "--http-socket",
            _ => "--uwsgi-socket",
        };
        let mut args = Vec::new();
        if !has_python(seat.about) {
            args.extend(["--plugin", "python3"].map(str::to_owned));
        }
        args.extend([socket.to_owned(), seat.socket.display().to_string()]);
        args.extend(["--chmod-socket=666", "--master", "--die-on-term"].map(str::to_owned));
        args.extend(["--need-app", "--disable-logging"].map(str::to_owned));
        args.extend(["--processes".to_owned(), seat.workers.to_string()]);
        if seat.threads > 1 {
            args.extend(["--threads".to_owned(), seat.threads.to_string()]);
        }
        let probe = seat.run.join("probe.py").display().to_string();
        args.extend(["--wsgi-file".to_owned(), probe]);
        // As for gateserve: scenarios send large headers, and some wait for longer than 4 s.
        args.extend(["--buffer-size", "65535", "--socket-timeout", "60"].map(str::to_owned));
        Launch {
            name: "uwsgi".to_owned(),
            program: "uwsgi".to_owned(),
            args,
            env: Vec::new(),
            files: wsgi_files(seat.wsgi, seat.apps),
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}

/// Whether Python is in the program itself, as in a build from PyPI.
fn has_python(about: &str) -> bool {
    about.lines().any(|line| line.trim() == "0: python")
}
