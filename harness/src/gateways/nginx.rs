//! nginx. It has no CGI of its own: there it is carried over FastCGI to a server that executes.

use super::{AUTH_USERS, Approach, Gateway, Route};
use crate::{
    launch::{FileSpec, Launch, Ready},
    model::Model,
};
use minijinja::{Environment, context};

/// nginx, open source.
pub(super) struct Nginx;

const TEMPLATE: &str = include_str!("templates/nginx.conf");

impl Gateway for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn variants(&self) -> &'static [&'static str] {
        &[
            "documented",
            "stock",
            "keepalive",
            "unbuffered",
            "tcp",
            "localhost",
            "ipv6",
            "tls",
        ]
    }

    fn speaks(&self) -> &'static [Model] {
        &Model::ALL
    }

    fn executes(&self) -> bool {
        false
    }

    /// uwsgi and SCGI carry one request per connection.
    fn keeps_connections(&self, variant: &str, model: Model) -> bool {
        matches!(variant, "keepalive" | "unbuffered")
            && !matches!(model, Model::Uwsgi | Model::Scgi)
    }

    /// `uwsgi_pass suwsgi://` and `proxy_pass https://`; the other modules have no TLS.
    fn has(&self, variant: &str, model: Model) -> bool {
        variant != "tls" || matches!(model, Model::Uwsgi | Model::Http)
    }

    /// `fastcgi_params` as shipped lack it; a distribution's `fastcgi.conf` has it.
    fn names_the_script(&self, variant: &str) -> bool {
        variant != "stock"
    }

    fn approach(&self, variant: &str) -> Approach {
        match variant {
            "tcp" => Approach::Tcp,
            "localhost" => Approach::Localhost,
            "ipv6" => Approach::Ipv6,
            "tls" => Approach::Tls,
            _ => Approach::Unix,
        }
    }

    fn program(&self) -> Option<&'static str> {
        Some("nginx")
    }

    fn source(&self) -> &'static str {
        "apt install nginx"
    }

    fn about(&self) -> &'static [&'static str] {
        &["-V"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let rest = about.split_once("nginx version: ")?.1;
        let version = rest.split_once('/')?.1.split([' ', '\n']).next()?;
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
        let conf = route.run.join("nginx.conf");
        Launch {
            name: "nginx".to_owned(),
            program: "nginx".to_owned(),
            args: vec!["-c".to_owned(), conf.display().to_string()],
            env: Vec::new(),
            files: vec![
                FileSpec::text("nginx.conf", configuration(route)),
                FileSpec::text("users", AUTH_USERS.to_owned()),
                FileSpec::text(
                    "htdocs/index.html",
                    "the document root of the bench\n".to_owned(),
                ),
            ],
            ready: Ready::Accepts(route.listen.to_string().parse().expect("an address is one")),
            log_files: vec!["nginx-error.log".into()],
        }
    }
}

fn configuration(route: &Route<'_>) -> String {
    let values = context! {
        run => route.run.display().to_string(),
        params => conf_folder(route.about),
        listen => route.listen.to_string(),
        upstream => route.upstream.to_string(),
        pass => pass(route),
        keeps => matches!(route.variant, "keepalive" | "unbuffered"),
        model => route.model.word(),
        variant => route.variant,
    };
    let environment = Environment::new();
    environment
        .render_str(TEMPLATE, values)
        .expect("the template is tested with every variant")
}

/// What the model's `_pass` directive is given: a group of servers, or an address as it is.
fn pass(route: &Route<'_>) -> String {
    let scheme = match (Nginx.approach(route.variant), route.model) {
        (Approach::Unix, _) => return "backend".to_owned(),
        (Approach::Tls, Model::Uwsgi) => "suwsgi://",
        (Approach::Tls, Model::Http) => "https://",
        // What an address without a scheme means: one of the forms says it.
        (Approach::Tcp, Model::Uwsgi) => "uwsgi://",
        _ => "",
    };
    format!("{scheme}{}", route.upstream)
}

/// The folder of the params files as shipped, from `nginx -V`.
pub(crate) fn conf_folder(about: &str) -> &str {
    let told = about
        .split_once("--conf-path=")
        .and_then(|(_, rest)| rest.split_whitespace().next());
    let folder = told
        .and_then(|path| path.rsplit_once('/'))
        .map(|(folder, _)| folder);
    folder.unwrap_or("/etc/nginx")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::programs::Programs;

    fn with(model: Model, variant: &str) -> String {
        at(model, variant, "/run/gb/sockets/tap.sock")
    }

    fn at(model: Model, variant: &str, upstream: &str) -> String {
        configuration(&Route {
            model,
            variant,
            listen: "127.0.0.1:8080".parse().unwrap(),
            upstream: &upstream.parse().unwrap(),
            run: Path::new("/run/gb"),
            about: "configure arguments: --conf-path=/etc/nginx/nginx.conf --user=nginx",
            programs: &Programs {
                gateserve: "gateserve".into(),
                probe: "probe".into(),
            },
        })
    }

    #[test]
    fn carries_cgi_over_fastcgi() {
        insta::assert_snapshot!(with(Model::Cgi, "documented"));
    }

    #[test]
    fn documented_uwsgi_splits_script_name_and_path_info() {
        insta::assert_snapshot!(with(Model::Uwsgi, "documented"));
    }

    #[test]
    fn stock_configurations_hold_the_params_as_shipped_and_no_more() {
        for model in [Model::FastCgi, Model::Uwsgi, Model::Scgi] {
            let conf = with(model, "stock");
            assert!(
                conf.contains(&format!("include /etc/nginx/{model}_params;")),
                "{conf}"
            );
            assert!(!conf.contains("PATH_INFO"), "{conf}");
        }
    }

    #[test]
    fn the_keepalive_variant_keeps_fastcgi_connections() {
        let conf = with(Model::FastCgi, "keepalive");
        assert!(conf.contains("fastcgi_keep_conn on;"), "{conf}");
        assert!(conf.contains("keepalive 32;"), "{conf}");
    }

    #[test]
    fn the_unbuffered_variant_passes_bodies_on_as_they_come() {
        insta::assert_snapshot!(with(Model::FastCgi, "unbuffered"));
    }

    #[test]
    fn a_backend_is_named_in_each_form_of_an_address() {
        for (model, variant, upstream, pass) in [
            (
                Model::Uwsgi,
                "tcp",
                "127.0.0.1:9000",
                "uwsgi_pass uwsgi://127.0.0.1:9000;",
            ),
            (
                Model::Uwsgi,
                "localhost",
                "localhost:9000",
                "uwsgi_pass localhost:9000;",
            ),
            (Model::Uwsgi, "ipv6", "[::1]:9000", "uwsgi_pass [::1]:9000;"),
            (
                Model::Uwsgi,
                "tls",
                "127.0.0.1:9000",
                "uwsgi_pass suwsgi://127.0.0.1:9000;",
            ),
            (
                Model::FastCgi,
                "tcp",
                "127.0.0.1:9000",
                "fastcgi_pass 127.0.0.1:9000;",
            ),
            (Model::Scgi, "ipv6", "[::1]:9000", "scgi_pass [::1]:9000;"),
            (
                Model::Http,
                "tcp",
                "127.0.0.1:9000",
                "proxy_pass http://127.0.0.1:9000;",
            ),
            (
                Model::Http,
                "tls",
                "127.0.0.1:9000",
                "proxy_pass https://127.0.0.1:9000;",
            ),
        ] {
            let conf = at(model, variant, upstream);
            assert!(conf.contains(pass), "{conf}");
            assert!(!conf.contains("upstream backend"), "{conf}");
        }
        assert!(Nginx.has("tls", Model::Uwsgi) && !Nginx.has("tls", Model::FastCgi));
    }

    #[test]
    fn the_version_is_read_from_what_nginx_says() {
        let about = "nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.8\n";
        assert_eq!(Nginx.version(about), Some("1.22.1".to_owned()));
    }

    #[test]
    fn the_params_folder_follows_the_build() {
        assert_eq!(
            conf_folder("--prefix=/opt --conf-path=/opt/nginx/conf/nginx.conf -x"),
            "/opt/nginx/conf"
        );
        assert_eq!(conf_folder("nothing told"), "/etc/nginx");
    }
}
