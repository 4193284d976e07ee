//! gateserve as the gateway: what the main job runs on where there is neither nginx nor an engine.

use super::{CGI_BIN, Gateway, Route};
use crate::{
    launch::{Launch, Ready},
    model::Model,
    scenario::AUTH_FOLDER,
};

/// The configuration that keeps connections to a FastCGI server, beside the one that is checked: a
/// server with few workers answers nobody else over them.
const KEEPALIVE: &str = "keepalive";

/// The gateway that comes with the bench.
pub(super) struct Builtin;

impl Gateway for Builtin {
    fn name(&self) -> &'static str {
        "builtin"
    }

    fn variants(&self) -> &'static [&'static str] {
        &["default"]
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::Cgi, Model::FastCgi, Model::Uwsgi, Model::Scgi]
    }

    fn executes(&self) -> bool {
        true
    }

    /// Only with `--fastcgi-root`, which is for names in `.php`.
    fn names_the_script(&self, _: &str) -> bool {
        false
    }

    fn program(&self) -> Option<&'static str> {
        None
    }

    fn about(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn version(&self, about: &str) -> Option<String> {
        about.split_whitespace().last().map(str::to_owned)
    }

    fn app(&self, model: Model) -> &'static str {
        match model {
            Model::Cgi => "/cgi-bin/probe",
            _ => "/probe",
        }
    }

    fn launch(&self, route: &Route<'_>) -> Launch {
        let at = |option: &str, mount: &str, what: &str| {
            let behind = |folder: &str| format!("{folder}{mount}={what}");
            let (open, asking) = (behind(""), behind(AUTH_FOLDER));
            [option.to_owned(), open, option.to_owned(), asking]
        };
        let to = |option: &str| at(option, "/probe", &route.upstream.to_string());
        let mut args = vec!["--http".to_owned(), route.listen.to_string()];
        args.extend(["--processes", "2", "--disable-logging"].map(str::to_owned));
        args.extend(["--buffer-size", "65535"].map(str::to_owned));
        if route.variant == KEEPALIVE {
            args.extend(["--fastcgi-keepalive", "32"].map(str::to_owned));
        }
        args.extend([
            "--route".to_owned(),
            format!("^{AUTH_FOLDER}/ basicauth:gatebench,bench:bench"),
        ]);
        args.extend(match route.model {
            Model::Uwsgi => to("--uwsgi-to"),
            Model::FastCgi => to("--fastcgi-to"),
            Model::Scgi => to("--scgi-to"),
            Model::Cgi | Model::CgiWarm | Model::Http => at(
                "--cgi",
                "/cgi-bin",
                &route.run.join(CGI_BIN).display().to_string(),
            ),
        });
        Launch {
            name: "builtin".to_owned(),
            program: route.programs.gateserve.display().to_string(),
            args,
            env: Vec::new(),
            files: Vec::new(),
            ready: Ready::Accepts(route.listen.to_string().parse().expect("an address is one")),
            log_files: Vec::new(),
        }
    }
}
