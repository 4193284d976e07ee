//! Apache httpd: mod_cgid executes programs, and mod_proxy's modules speak the protocols.

use minijinja::context;

use super::{AUTH_USERS, Gateway, Route, render};
use crate::{
    launch::{FileSpec, Launch, Ready},
    model::Model,
};

/// Apache httpd, with the threads of mpm_event.
pub(super) struct Apache;

const TEMPLATE: &str = include_str!("templates/apache.conf");

impl Gateway for Apache {
    fn name(&self) -> &'static str {
        "apache"
    }

    fn variants(&self) -> &'static [&'static str] {
        &["documented", "stock", "keepalive", "fcgid"]
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

    /// What `enablereuse=on` asks for; mod_proxy_http does so unasked.
    fn keeps_connections(&self, variant: &str, model: Model) -> bool {
        model == Model::Http || (variant == "keepalive" && model == Model::FastCgi)
    }

    /// mod_fcgid speaks FastCGI only.
    fn has(&self, variant: &str, model: Model) -> bool {
        variant != "fcgid" || model == Model::FastCgi
    }

    fn spawns(&self, variant: &str) -> bool {
        variant == "fcgid"
    }

    fn program(&self) -> Option<&'static str> {
        Some("httpd")
    }

    /// Debian calls it after the project.
    fn aliases(&self) -> &'static [&'static str] {
        &["apache2"]
    }

    fn source(&self) -> &'static str {
        "apt install apache2"
    }

    fn about(&self) -> &'static [&'static str] {
        &["-V"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let rest = about.split_once("Server version: Apache/")?.1;
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
            name: "apache".to_owned(),
            program: "httpd".to_owned(),
            args: ["-D", "FOREGROUND", "-f"]
                .map(str::to_owned)
                .into_iter()
                .chain([route.run.join("apache.conf").display().to_string()])
                .collect(),
            env: Vec::new(),
            files: vec![
                FileSpec::text("apache.conf", configuration(route)),
                FileSpec::text("users", AUTH_USERS),
                FileSpec::text("htdocs/index.html", "the document root of the bench\n"),
            ],
            ready: Ready::Accepts(route.listen.to_string().parse().expect("an address is one")),
            log_files: vec!["apache-error.log".into()],
        }
    }
}

fn configuration(route: &Route<'_>) -> String {
    let values = context! {
        run => route.run.display().to_string(),
        folder => modules_folder(route.about),
        modules => modules(route.model, route.variant),
        listen => route.listen.to_string(),
        upstream => route.upstream.to_string(),
        model => route.model.word(),
        variant => route.variant,
    };
    render(TEMPLATE, values)
}

/// What a build may have as modules and what as a part of the program.
fn modules(model: Model, variant: &str) -> Vec<&'static str> {
    let mut modules = vec![
        "mpm_event",
        "unixd",
        "log_config",
        "env",
        "alias",
        "authn_core",
        "authn_file",
        "authz_core",
        "authz_user",
        "auth_basic",
    ];
    modules.extend(match model {
        Model::Cgi | Model::CgiWarm => &["cgid"][..],
        Model::FastCgi if variant == "fcgid" => &["fcgid"],
        Model::FastCgi => &["proxy", "proxy_fcgi"],
        Model::Uwsgi => &["proxy", "proxy_uwsgi"],
        Model::Scgi => &["proxy", "proxy_scgi"],
        Model::Http => &["proxy", "proxy_http"],
    });
    modules
}

/// The folder of the modules, from `httpd -V`: Debian's is not below its root.
fn modules_folder(about: &str) -> String {
    let told = about.split_once("HTTPD_ROOT=\"").map(|(_, rest)| rest);
    match told.and_then(|rest| rest.split('"').next()) {
        None | Some("/etc/apache2") => "/usr/lib/apache2/modules".to_owned(),
        Some(root) => format!("{root}/modules"),
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
        insta::assert_snapshot!(configuration(&route(Model::Cgi, "documented")));
    }

    #[test]
    fn documented_fastcgi_splits_script_name_and_path_info() {
        insta::assert_snapshot!(configuration(&route(Model::FastCgi, "documented")));
    }

    #[test]
    fn stock_uwsgi() {
        insta::assert_snapshot!(configuration(&route(Model::Uwsgi, "stock")));
    }

    #[test]
    fn documented_scgi_asks_for_path_info() {
        insta::assert_snapshot!(configuration(&route(Model::Scgi, "documented")));
    }

    #[test]
    fn documented_http_keeps_the_host() {
        insta::assert_snapshot!(configuration(&route(Model::Http, "documented")));
    }

    #[test]
    fn the_keepalive_variant_reuses_fastcgi_connections() {
        let conf = configuration(&route(Model::FastCgi, "keepalive"));
        assert!(conf.contains("retry=0 enablereuse=on"), "{conf}");
    }

    #[test]
    fn mod_fcgid_starts_the_application_itself() {
        insta::assert_snapshot!(configuration(&route(Model::FastCgi, "fcgid")));
        assert!(!Apache.has("fcgid", Model::Uwsgi));
    }

    #[test]
    fn the_version_is_read_from_what_httpd_says() {
        assert_version(
            &Apache,
            "Server version: Apache/2.4.71 (Debian)\nServer built: 2026\n",
            "2.4.71",
        );
    }

    #[test]
    fn the_modules_follow_the_build() {
        let of = |root| modules_folder(&format!(" -D HTTPD_ROOT=\"{root}\"\n -D X"));
        assert_eq!(of("/etc/apache2"), "/usr/lib/apache2/modules");
        assert_eq!(of("/usr/local/apache2"), "/usr/local/apache2/modules");
    }
}
