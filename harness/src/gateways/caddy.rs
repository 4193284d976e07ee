//! Caddy: reverse_proxy speaks HTTP, and FastCGI by a transport of its own.

use minijinja::context;

use super::{Gateway, Route, render};
use crate::{
    launch::{FileSpec, Launch, Ready},
    model::Model,
};

/// Caddy 2.
pub(super) struct Caddy;

const TEMPLATE: &str = include_str!("templates/Caddyfile");

impl Gateway for Caddy {
    fn name(&self) -> &'static str {
        "caddy"
    }

    fn variants(&self) -> &'static [&'static str] {
        &["documented", "stock"]
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::Cgi, Model::FastCgi, Model::Http]
    }

    fn executes(&self) -> bool {
        false
    }

    /// Its FastCGI transport opens a connection for every request.
    fn keeps_connections(&self, _variant: &str, model: Model) -> bool {
        model == Model::Http
    }

    fn program(&self) -> Option<&'static str> {
        Some("caddy")
    }

    fn source(&self) -> &'static str {
        "apt install caddy"
    }

    fn about(&self) -> &'static [&'static str] {
        &["version"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let word = about.split_whitespace().find(|word| {
            let word = word.strip_prefix('v').unwrap_or(word);
            word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.')
        })?;
        Some(word.trim_start_matches('v').to_owned())
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
            name: "caddy".to_owned(),
            program: "caddy".to_owned(),
            args: ["run", "--adapter", "caddyfile", "--config"]
                .map(str::to_owned)
                .into_iter()
                .chain([route.run.join("Caddyfile").display().to_string()])
                .collect(),
            env: ["XDG_DATA_HOME", "XDG_CONFIG_HOME"]
                .map(|name| {
                    (
                        name.to_owned(),
                        route.run.join("caddy").display().to_string(),
                    )
                })
                .to_vec(),
            files: vec![FileSpec::text("Caddyfile", configuration(route))],
            ready: Ready::Accepts(route.listen.to_string().parse().expect("an address is one")),
            log_files: Vec::new(),
        }
    }
}

fn configuration(route: &Route<'_>) -> String {
    let values = context! {
        run => route.run.display().to_string(),
        address => route.listen.ip().to_string(),
        port => route.listen.port(),
        upstream => route.upstream.to_string(),
        model => route.model.word(),
        variant => route.variant,
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
        insta::assert_snapshot!(configuration(&route(Model::Cgi, "documented")));
    }

    #[test]
    fn documented_fastcgi_splits_script_name_and_path_info() {
        insta::assert_snapshot!(configuration(&route(Model::FastCgi, "documented")));
    }

    #[test]
    fn stock_fastcgi_splits_nothing() {
        let conf = configuration(&route(Model::FastCgi, "stock"));
        assert!(!conf.contains("split"), "{conf}");
    }

    #[test]
    fn proxies_http() {
        insta::assert_snapshot!(configuration(&route(Model::Http, "stock")));
    }

    #[test]
    fn the_version_is_read_from_what_caddy_says() {
        assert_version(&Caddy, "2.6.2\n", "2.6.2");
        assert_version(
            &Caddy,
            "v2.10.0 h1:fonubSaQKF1YANl8TXqGcn4IbIRUDdfAkpcsfI/vX5U=\n",
            "2.10.0",
        );
    }
}
