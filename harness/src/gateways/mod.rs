//! The web servers in front. Adding one is a file here and a line in [`GATEWAYS`].

mod apache;
mod approach;
mod builtin;
mod caddy;
mod haproxy;
mod lighttpd;
mod nginx;
#[cfg(test)]
mod testing;

use std::{net::SocketAddr, path::Path};

use crate::{address::Address, launch::Launch, model::Model, programs::Programs};

pub use approach::Approach;
pub(crate) use nginx::conf_folder;

/// A web server in front of the backend under test.
///
/// An implementation is pure: it says what to write and what to run.
pub trait Gateway: Sync {
    /// Plain name, as on the command line.
    fn name(&self) -> &'static str;

    /// Named configurations; the first is the default.
    fn variants(&self) -> &'static [&'static str];

    /// Models it can reach an application by; [`reaches`](Self::reaches) adds `cgi-warm`.
    fn speaks(&self) -> &'static [Model];

    /// Whether it executes CGI programs itself; if not, CGI is carried over FastCGI.
    fn executes(&self) -> bool;

    /// Whether it can reach an application by this model. A program that is forked is carried over
    /// FastCGI by every gateway that speaks it, so none has to name [`Model::CgiWarm`].
    fn reaches(&self, model: Model) -> bool {
        match model {
            Model::CgiWarm => self.speaks().contains(&Model::FastCgi),
            own => self.speaks().contains(&own),
        }
    }

    /// The model that it is set up for where a server behind it runs the CGI programs: that of CGI
    /// where it carries CGI anyway, so that both are carried alike, else FastCGI.
    fn carries_cgi_as(&self) -> Model {
        match self.speaks().contains(&Model::Cgi) && !self.executes() {
            true => Model::Cgi,
            false => Model::FastCgi,
        }
    }

    /// Whether it is gateserve, which can write down the steps of CGI requests.
    fn is_gateserve(&self) -> bool {
        self.program().is_none()
    }

    /// Whether a variant keeps its connections to the backend for the next request.
    fn keeps_connections(&self, _variant: &str, _model: Model) -> bool {
        false
    }

    /// Whether a variant is there for a model that it reaches.
    fn has(&self, _variant: &str, _model: Model) -> bool {
        true
    }

    /// Whether a variant tells a FastCGI server by `SCRIPT_FILENAME` which file to run
    /// (DF-VAR-SCRIPT-FILENAME).
    fn names_the_script(&self, _variant: &str) -> bool {
        true
    }

    /// How a variant is told where its backend is.
    fn approach(&self, _variant: &str) -> Approach {
        Approach::Unix
    }

    /// Whether a variant starts the application's process itself, with the listening socket as its
    /// standard input. The bench then gives it `relay` in the run folder, which passes on to
    /// [`Route::upstream`].
    fn spawns(&self, _variant: &str) -> bool {
        false
    }

    /// Program to start, unless the bench brings it along.
    fn program(&self) -> Option<&'static str>;

    /// Other names of the same program.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// How to get it where it is not there.
    fn source(&self) -> &'static str {
        "comes with the bench"
    }

    /// Arguments that make the program tell its version and how it was built.
    fn about(&self) -> &'static [&'static str];

    /// The version in what the program told.
    fn version(&self, about: &str) -> Option<String>;

    /// Path prefix under which this gateway mounts the probe.
    fn app(&self, model: Model) -> &'static str;

    /// What to write and run.
    fn launch(&self, route: &Route<'_>) -> Launch;
}

/// Where a gateway listens and where it forwards to.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// Way to the application, [`Model::CgiWarm`] never: see [`Gateway::carries_cgi_as`].
    pub model: Model,
    /// Named configuration.
    pub variant: &'a str,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// The backend (or the tap in front of it).
    pub upstream: &'a Address,
    /// The run folder; the document root is `htdocs` in it.
    pub run: &'a Path,
    /// What the program told of itself.
    pub about: &'a str,
    /// The bench's own programs.
    pub programs: &'a Programs,
}

/// Every gateway that the bench knows.
pub static GATEWAYS: &[&dyn Gateway] = &[
    &nginx::Nginx,
    &apache::Apache,
    &lighttpd::Lighttpd,
    &haproxy::Haproxy,
    &caddy::Caddy,
    &builtin::Builtin,
];

/// Who may pass where a gateway asks for a user: `bench` with password `bench`, as htpasswd
/// writes it.
const AUTH_USERS: &str = "bench:{SHA}5cicUp3MubQnFvTZEY1hB5yIPZ4=\n";

/// A configuration from its template.
fn render(template: &str, values: minijinja::Value) -> String {
    let rendered = minijinja::Environment::new()
        .render_str(template, values)
        .expect("the template is tested with every variant");
    // The engine drops the last newline, which HAProxy insists on.
    rendered + "\n"
}

/// The subject id of a gateway in one of its variants: `nginx:stock`.
pub fn id(gateway: &dyn Gateway, variant: &str) -> String {
    match gateway.variants() {
        [_only] => gateway.name().to_owned(),
        _ => format!("{}:{variant}", gateway.name()),
    }
}

/// Finds a gateway by its plain name.
pub fn named(name: &str) -> Option<&'static dyn Gateway> {
    GATEWAYS
        .iter()
        .copied()
        .find(|gateway| gateway.name() == name)
}

/// CGI programs, within the run folder.
pub const CGI_BIN: &str = "htdocs/cgi-bin";
