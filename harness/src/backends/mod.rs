//! The application servers behind. Adding one is a file here and a line in [`BACKENDS`].

mod fcgiwrap;
mod flup;
mod gateserve;
mod gateserve_python;
mod gateserve_wsgi;
mod granian;
mod gunicorn;
pub(crate) mod libfcgi;
mod php;
mod php_cgi;
mod php_cgi_program;
mod php_fpm;
#[cfg(test)]
mod tests;
mod uwsgi;

use std::path::Path;

use crate::{
    launch::{FileSpec, Launch},
    model::Model,
    programs::Programs,
    scenario::AppFile,
};

pub(crate) use gateserve_python::python;

/// An application server under test, running the probe.
///
/// An implementation is pure: it says what to write and what to run.
pub trait Backend: Sync {
    /// Plain name, as on the command line.
    fn name(&self) -> &'static str;

    /// What of it runs for a model: a variant of the subject; empty where there is but one.
    fn variant(&self, _: Model) -> &'static str {
        ""
    }

    /// Protocols that it serves; for CGI, that it executes programs behind FastCGI.
    fn speaks(&self) -> &'static [Model];

    /// The protocol in which the harness itself talks to it where this model was asked for.
    ///
    /// A server that executes CGI programs is reached by FastCGI: where it serves that as well, it
    /// is judged there.
    fn driven(&self, model: Model) -> Option<Model> {
        (!model.is_cgi() && self.speaks().contains(&model)).then_some(model)
    }

    /// Names of its program, the usual one first; none where it comes with the bench.
    fn programs(&self) -> &'static [&'static str] {
        &[]
    }

    /// Arguments that make the program tell its version.
    fn about(&self) -> &'static [&'static str] {
        &["--version"]
    }

    /// The version in what the program told; `None` where it cannot serve.
    fn version(&self, _about: &str) -> Option<String> {
        None
    }

    /// How to get it on a machine that has neither its program nor an image.
    fn source(&self) -> &'static str {
        "comes with the bench"
    }

    /// The C source of its program, where one is compiled on the spot.
    fn c_source(&self) -> Option<&'static str> {
        None
    }

    /// What the compiler links to that program, `-lNAME` for each library.
    fn c_libraries(&self) -> &'static [&'static str] {
        &[]
    }

    /// Variables that it needs of each request that the harness sends itself.
    fn params(&self, _seat: &Seat<'_>) -> Vec<(String, String)> {
        Vec::new()
    }

    /// What the application is, in a report of its speed.
    fn app(&self, model: Model) -> &'static str {
        match model {
            Model::Cgi => PROGRAM,
            _ => "probe (native)",
        }
    }

    /// Whether it has CGI programs of its own, so that it stands behind a gateway too that would
    /// execute those of the bench itself.
    fn brings_programs(&self) -> bool {
        false
    }

    /// The backend that executes, for each request, what this one forks: what a program costs by
    /// the one is fairly compared with what it costs by the other alone.
    fn executed_by(&self) -> Option<&'static dyn Backend> {
        None
    }

    /// Whether its application replies as a CGI program does, where the protocol allows it. An
    /// interface such as WSGI makes the head itself.
    fn takes_cgi_output(&self) -> bool {
        true
    }

    /// Whether for this model it runs the probe as a WSGI application, beside which others can
    /// be asked for.
    fn runs_wsgi(&self, _: Model) -> bool {
        false
    }

    /// Whether it finds its application by `SCRIPT_FILENAME` alone, where requests come by this model.
    fn needs_the_scripts_name(&self, _: Model) -> bool {
        false
    }

    /// Whether for this model its program runs below gateserve, which is what is started then.
    fn runs_below_gateserve(&self, _: Model) -> bool {
        false
    }

    /// What to write and run.
    fn launch(&self, seat: &Seat<'_>) -> Launch;
}

/// Where a backend listens and what it serves.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// Way to the application.
    pub model: Model,
    /// Unix socket to listen on.
    pub socket: &'a Path,
    /// Path under which the gateway mounts the application; empty before the driver.
    pub app: &'a str,
    /// What the program told of itself.
    pub about: &'a str,
    /// Its program, where it runs as a process; else the name that the image has it by.
    pub program: &'a str,
    /// The run folder.
    pub run: &'a Path,
    /// Worker processes to start.
    pub workers: u32,
    /// Threads of each that run the application.
    pub threads: u32,
    /// The WSGI application that stands in `probe.py`, where a server runs such.
    pub wsgi: &'a str,
    /// The bench's own programs.
    pub programs: &'a Programs,
    /// WSGI applications that stand beside the probe.
    pub apps: &'a [AppFile],
}

/// The probe as the CGI program that gateways execute too.
pub const PROGRAM: &str = "probe (CGI program)";

/// The probe in Python, as the run folder gets it.
pub const PROBE: &str = include_str!("../../../scenarios/apps/probe.py");

/// What a WSGI server needs in its run folder: `probe.py`, whose `application` it runs, with this
/// text, and the applications of the scenarios.
pub fn wsgi_files(application: &str, apps: &[AppFile]) -> Vec<FileSpec> {
    let beside = apps
        .iter()
        .map(|file| FileSpec::text(&file.path, &*file.text));
    let application = FileSpec::text("probe.py", application);
    beside.chain([application]).collect()
}

static GATESERVE_PYTHON: gateserve_python::GateservePython = gateserve_python::GateservePython;

/// Every backend that the bench knows.
///
/// Several of one name are variants of one program; the first is what the plain name means.
pub static BACKENDS: &[&dyn Backend] = &[
    &gateserve::Gateserve,
    &gateserve_wsgi::GateserveWsgi,
    &GATESERVE_PYTHON,
    &uwsgi::Uwsgi,
    &gunicorn::Gunicorn,
    &granian::Granian,
    &php_fpm::PhpFpm,
    &php_cgi::PhpCgi,
    &fcgiwrap::Fcgiwrap,
    &libfcgi::Libfcgi,
    &flup::Flup,
];

/// The subject id of what a backend runs for a model: `gateserve:wsgi`, `uwsgi`.
pub fn id(backend: &dyn Backend, model: Model) -> String {
    match backend.variant(model) {
        "" => backend.name().to_owned(),
        variant => format!("{}:{variant}", backend.name()),
    }
}

/// Finds a backend by its plain name.
pub fn named(name: &str) -> Option<&'static dyn Backend> {
    BACKENDS
        .iter()
        .copied()
        .find(|backend| backend.name() == name)
}
