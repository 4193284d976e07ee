//! gateserve with the Python probe as a CGI program: executed for each request, or forked from a
//! booted interpreter. Both run the same script, so that the difference is what starting costs.

use std::path::Path;

use super::{Backend, PROBE, Seat, gateserve};
use crate::{
    launch::{FileSpec, Launch},
    model::Model,
    scenario::NPH,
};

/// Folder of the script, within the run folder.
const FOLDER: &str = "python-cgi";

/// What the probe imports.
const IMPORTS: &str = "hashlib,json,re,runpy,tempfile,threading";

/// The project's own application server as a server of Python scripts.
pub(super) enum GateservePython {
    /// A Python is executed for each request.
    Exec,
    /// A booted one is forked.
    Warm,
}

impl Backend for GateservePython {
    fn name(&self) -> &'static str {
        "gateserve"
    }

    fn variant(&self, model: Model) -> &'static str {
        match (model, self) {
            (Model::Cgi, Self::Exec) => "cgi-python",
            (Model::Cgi, Self::Warm) => "cgi-warm",
            // Other protocols are served by another variant.
            _ => "probe",
        }
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::Cgi]
    }

    fn app(&self, _: Model) -> &'static str {
        match self {
            Self::Exec => "probe.py (CGI program)",
            Self::Warm => "probe.py (CGI program, forked from a booted Python)",
        }
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        let folder = seat.run.join(FOLDER).display().to_string();
        let mut application = vec!["--cgi".to_owned(), format!("/cgi-bin={folder}")];
        if matches!(self, Self::Warm) {
            application.extend(["--cgi-mode", "warm", "--cgi-preload", IMPORTS].map(str::to_owned));
        }
        gateserve::start(seat, application, scripts())
    }
}

/// Where systems have their Python. A version manager's `python3` is a script of its own, which
/// takes longer than Python does and cannot be kept booted.
const PYTHONS: [&str; 2] = ["/usr/bin/python3", "/usr/local/bin/python3"];

/// The probe under both its names.
fn scripts() -> Vec<FileSpec> {
    let python = PYTHONS.into_iter().find(|file| Path::new(file).is_file());
    let probe = match (python, PROBE.split_once('\n')) {
        (Some(python), Some((_, rest))) => format!("#!{python}\n{rest}"),
        _ => PROBE.to_owned(),
    };
    let names = ["probe".to_owned(), format!("{NPH}probe")];
    let file = |name| FileSpec {
        mode: 0o755,
        ..FileSpec::text(format!("{FOLDER}/{name}"), &*probe)
    };
    names.into_iter().map(file).collect()
}
