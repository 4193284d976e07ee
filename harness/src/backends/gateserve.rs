//! gateserve with its native probe, or executing the probe as a CGI program.

use super::{Backend, GATESERVE_PYTHON, PROGRAM, Seat, gateserve_python};
use crate::{
    address::Address,
    gateways::CGI_BIN,
    launch::{FileSpec, Launch, Ready},
    model::Model,
};

/// The project's own application server.
pub(super) struct Gateserve;

impl Backend for Gateserve {
    fn name(&self) -> &'static str {
        "gateserve"
    }

    fn variant(&self, model: Model) -> &'static str {
        match model {
            Model::Cgi => "cgi",
            Model::CgiWarm => gateserve_python::WARM,
            _ => "probe",
        }
    }

    fn speaks(&self) -> &'static [Model] {
        &Model::ALL
    }

    fn app(&self, model: Model) -> &'static str {
        match model {
            Model::Cgi => PROGRAM,
            Model::CgiWarm => GATESERVE_PYTHON.app(model),
            _ => "probe (native)",
        }
    }

    fn executed_by(&self) -> Option<&'static dyn Backend> {
        Some(&GATESERVE_PYTHON)
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        let application = match seat.model {
            Model::CgiWarm => return GATESERVE_PYTHON.launch(seat),
            Model::Cgi => vec![
                "--cgi".to_owned(),
                format!("/cgi-bin={}", seat.run.join(CGI_BIN).display()),
            ],
            _ => vec!["--probe".to_owned()],
        };
        start(seat, application, Vec::new())
    }
}

/// gateserve with the options of an application, which may need files in the run folder.
pub(super) fn start(seat: &Seat<'_>, application: Vec<String>, files: Vec<FileSpec>) -> Launch {
    let socket = match seat.model {
        Model::Cgi | Model::CgiWarm | Model::FastCgi => "--fastcgi-socket",
        Model::Uwsgi => "--uwsgi-socket",
        Model::Scgi => "--scgi-socket",
        Model::Http => "--http-socket",
    };
    let mut args = vec![socket.to_owned(), seat.socket.display().to_string()];
    args.extend(["--chmod-socket=666", "--master", "--disable-logging"].map(str::to_owned));
    args.extend(["--processes".to_owned(), seat.workers.to_string()]);
    if seat.threads > 1 {
        args.extend(["--threads".to_owned(), seat.threads.to_string()]);
    }
    args.extend(application);
    // The largest block that uwsgi can express (UWSGI-HDR-64K): scenarios send large headers, and
    // some wait for longer than the 4 s that uWSGI gives a peer.
    args.extend(["--buffer-size", "65535", "--socket-timeout", "60"].map(str::to_owned));
    Launch {
        name: "gateserve".to_owned(),
        program: seat.programs.gateserve.display().to_string(),
        args,
        env: Vec::new(),
        files,
        ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
        log_files: Vec::new(),
    }
}
