//! flup, a FastCGI server in pure Python, with the Python probe as a WSGI application. Its SCGI side
//! (flup6 1.1.1) imports cStringIO, which only Python 2 has.

use super::{Backend, Seat, wsgi_files};
use crate::{
    address::Address,
    launch::{FileSpec, Launch, Ready},
    model::Model,
};

/// flup's preforking server.
pub(super) struct Flup;

/// flup is a library: this program serves with it.
const SERVE: &str = include_str!("flup_serve.py");

/// Prints its version; two packages provide it.
const VERSION: &str = "\
import flup.server, importlib.metadata as of
names = [d.metadata['Name'] for d in of.distributions()]
print('flup', of.version('flup6' if 'flup6' in names else 'flup'))";

impl Backend for Flup {
    fn name(&self) -> &'static str {
        "flup"
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::FastCgi]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["python3"]
    }

    fn about(&self) -> &'static [&'static str] {
        &["-c", VERSION]
    }

    fn version(&self, about: &str) -> Option<String> {
        let line = about.lines().find_map(|line| line.strip_prefix("flup "))?;
        Some(line.trim().to_owned())
    }

    fn source(&self) -> &'static str {
        "pip install flup6, then --binary flup=PYTHON names the Python that has it"
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
        let mut files = wsgi_files(seat.wsgi, seat.apps);
        files.push(FileSpec::text("flup_serve.py", SERVE));
        Launch {
            name: "flup".to_owned(),
            program: "python3".to_owned(),
            args: vec![
                seat.run.join("flup_serve.py").display().to_string(),
                seat.socket.display().to_string(),
                seat.workers.to_string(),
            ],
            env: Vec::new(),
            files,
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}
