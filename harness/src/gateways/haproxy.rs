//! HAProxy: a load balancer that speaks FastCGI and HTTP to the servers behind.

use minijinja::context;

use super::{Gateway, Route, render};
use crate::{
    launch::{FileSpec, Launch, Ready},
    model::Model,
};

/// HAProxy.
pub(super) struct Haproxy;

const TEMPLATE: &str = include_str!("templates/haproxy.cfg");

impl Gateway for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn variants(&self) -> &'static [&'static str] {
        &["default"]
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::Cgi, Model::FastCgi, Model::Http]
    }

    fn executes(&self) -> bool {
        false
    }

    /// `option keep-conn` and `http-reuse safe` are its defaults.
    fn keeps_connections(&self, _variant: &str, _model: Model) -> bool {
        true
    }

    fn program(&self) -> Option<&'static str> {
        Some("haproxy")
    }

    fn source(&self) -> &'static str {
        "apt install haproxy"
    }

    fn about(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let rest = about.split_once("version ")?.1;
        let version = rest.split([' ', '-', '\n']).next()?;
        Some(version.to_owned())
    }

    fn app(&self, model: Model) -> &'static str {
        match model {
            Model::Cgi | Model::CgiWarm => "/cgi-bin/probe",
            Model::Http => "",
            Model::FastCgi | Model::Uwsgi | Model::Scgi => "/probe",
        }
    }

    fn launch(&self, route: &Route<'_>) -> Launch {
        Launch {
            name: "haproxy".to_owned(),
            program: "haproxy".to_owned(),
            args: ["-db", "-f"]
                .map(str::to_owned)
                .into_iter()
                .chain([route.run.join("haproxy.cfg").display().to_string()])
                .collect(),
            env: Vec::new(),
            files: vec![FileSpec::text("haproxy.cfg", configuration(route))],
            ready: Ready::Accepts(route.listen.to_string().parse().expect("an address is one")),
            log_files: Vec::new(),
        }
    }
}

fn configuration(route: &Route<'_>) -> String {
    let values = context! {
        run => route.run.display().to_string(),
        listen => route.listen.to_string(),
        upstream => route.upstream.to_string(),
        model => route.model.word(),
    };
    render(TEMPLATE, values)
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{assert_version, route},
        *,
    };

    #[test]
    fn carries_cgi_over_fastcgi() {
        insta::assert_snapshot!(configuration(&route(Model::Cgi, "default")));
    }

    #[test]
    fn speaks_fastcgi() {
        insta::assert_snapshot!(configuration(&route(Model::FastCgi, "default")));
    }

    #[test]
    fn proxies_http() {
        insta::assert_snapshot!(configuration(&route(Model::Http, "default")));
    }

    #[test]
    fn the_version_is_read_from_what_haproxy_says() {
        let about = "HAProxy version 2.6.12-1+deb12u3 2025/10/03 - https://haproxy.org/\n";
        assert_version(&Haproxy, about, "2.6.12");
    }
}
