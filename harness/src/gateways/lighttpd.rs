//! lighttpd: mod_cgi executes programs; uwsgi is spoken by mod_scgi.

use minijinja::context;

use super::{AUTH_USERS, Gateway, Route, render};
use crate::{
    launch::{FileSpec, Launch, Ready},
    model::Model,
};

/// lighttpd 1.4.
pub(super) struct Lighttpd;

const TEMPLATE: &str = include_str!("templates/lighttpd.conf");

impl Gateway for Lighttpd {
    fn name(&self) -> &'static str {
        "lighttpd"
    }

    fn variants(&self) -> &'static [&'static str] {
        &["stock", "streaming"]
    }

    fn speaks(&self) -> &'static [Model] {
        &[
            Model::Cgi,
            Model::FastCgi,
            Model::Uwsgi,
            Model::Scgi,
            Model::Http,
        ]
    }

    fn executes(&self) -> bool {
        true
    }

    fn program(&self) -> Option<&'static str> {
        Some("lighttpd")
    }

    fn source(&self) -> &'static str {
        "apt install lighttpd"
    }

    fn about(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let rest = about.split_once("lighttpd/")?.1;
        rest.split([' ', '\n']).next().map(str::to_owned)
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
            name: "lighttpd".to_owned(),
            program: "lighttpd".to_owned(),
            args: ["-D", "-f"]
                .map(str::to_owned)
                .into_iter()
                .chain([route.run.join("lighttpd.conf").display().to_string()])
                .collect(),
            env: Vec::new(),
            files: vec![
                FileSpec::text("lighttpd.conf", configuration(route)),
                FileSpec::text("users", AUTH_USERS),
                FileSpec::text("htdocs/index.html", "the document root of the bench\n"),
            ],
            ready: Ready::Accepts(route.listen.to_string().parse().expect("an address is one")),
            log_files: vec!["lighttpd-error.log".into()],
        }
    }
}

fn configuration(route: &Route<'_>) -> String {
    let values = context! {
        run => route.run.display().to_string(),
        module => module(route.model),
        address => route.listen.ip().to_string(),
        port => route.listen.port(),
        upstream => route.upstream.to_string(),
        model => route.model.word(),
        variant => route.variant,
    };
    render(TEMPLATE, values)
}

fn module(model: Model) -> &'static str {
    match model {
        Model::Cgi | Model::CgiWarm => "mod_cgi",
        Model::FastCgi => "mod_fastcgi",
        Model::Uwsgi | Model::Scgi => "mod_scgi",
        Model::Http => "mod_proxy",
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{assert_version, route},
        *,
    };

    #[test]
    fn executes_cgi() {
        insta::assert_snapshot!(configuration(&route(Model::Cgi, "stock")));
    }

    #[test]
    fn streams_fastcgi() {
        insta::assert_snapshot!(configuration(&route(Model::FastCgi, "streaming")));
    }

    #[test]
    fn speaks_uwsgi_by_mod_scgi() {
        insta::assert_snapshot!(configuration(&route(Model::Uwsgi, "stock")));
    }

    #[test]
    fn proxies_http() {
        insta::assert_snapshot!(configuration(&route(Model::Http, "stock")));
    }

    #[test]
    fn scgi_is_what_mod_scgi_speaks_unasked() {
        let conf = configuration(&route(Model::Scgi, "stock"));
        assert!(!conf.contains("scgi.protocol"), "{conf}");
    }

    #[test]
    fn the_version_is_read_from_what_lighttpd_says() {
        let about = "lighttpd/1.4.69 (ssl) - a light and fast webserver\n";
        assert_version(&Lighttpd, about, "1.4.69");
    }
}
