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

/// The variant that forks, for `cgi-warm`.
pub(super) const WARM: &str = "cgi-warm";

/// The project's own application server as a server of Python scripts.
pub(super) struct GateservePython;

impl Backend for GateservePython {
    fn name(&self) -> &'static str {
        "gateserve"
    }

    fn variant(&self, model: Model) -> &'static str {
        match model {
            Model::Cgi => "cgi-python",
            Model::CgiWarm => WARM,
            // Other protocols are served by another variant.
            _ => "probe",
        }
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::Cgi, Model::CgiWarm]
    }

    fn app(&self, model: Model) -> &'static str {
        match model {
            Model::CgiWarm => "probe.py (CGI program, forked from a booted Python)",
            _ => "probe.py (CGI program)",
        }
    }

    fn brings_programs(&self) -> bool {
        true
    }

    fn executed_by(&self) -> Option<&'static dyn Backend> {
        Some(&super::GATESERVE_PYTHON)
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        let folder = seat.run.join(FOLDER).display().to_string();
        // Gateways that execute CGI themselves forward by FastCGI, and so from another path.
        let mounts = [
            format!("/cgi-bin={folder}"),
            format!("/probe={folder}/probe"),
        ];
        let mounts = mounts.into_iter().flat_map(|at| ["--cgi".to_owned(), at]);
        let mut application: Vec<String> = mounts.collect();
        if seat.model == Model::CgiWarm {
            application.extend(["--cgi-mode", "warm", "--cgi-preload", IMPORTS].map(str::to_owned));
        }
        gateserve::start(seat, application, files())
    }
}

/// Where systems have their Python. A version manager's `python3` is a script of its own, which
/// takes longer than Python does and cannot be kept booted.
const PYTHONS: [&str; 2] = ["/usr/bin/python3", "/usr/local/bin/python3"];

/// The one that is here.
pub(crate) fn python() -> Option<&'static str> {
    PYTHONS.into_iter().find(|file| Path::new(file).is_file())
}

/// The probe under both its names, and what cannot be started.
fn files() -> Vec<FileSpec> {
    let probe = match (python(), PROBE.split_once('\n')) {
        (Some(python), Some((_, rest))) => format!("#!{python}\n{rest}"),
        _ => PROBE.to_owned(),
    };
    let file = |name: &str, text: &str, mode| FileSpec {
        mode,
        ..FileSpec::text(format!("{FOLDER}/{name}"), text)
    };
    vec![
        file("probe", &probe, 0o755),
        file(&format!("{NPH}probe"), &probe, 0o755),
        file("not-executable", "#!/bin/sh\necho gatebench\n", 0o644),
        file(
            "bad-interpreter",
            "#!/nonexistent/gatebench-interpreter\n",
            0o755,
        ),
    ]
}
