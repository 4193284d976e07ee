//! php-fpm, PHP's own manager of FastCGI processes.

use super::{Backend, Seat, php};
use crate::{
    address::Address,
    launch::{FileSpec, Launch, Ready},
    model::Model,
};

/// php-fpm with the probe in PHP.
pub(super) struct PhpFpm;

impl Backend for PhpFpm {
    fn name(&self) -> &'static str {
        "php-fpm"
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::FastCgi]
    }

    fn programs(&self) -> &'static [&'static str] {
        &[
            "php-fpm",
            "php-fpm8.5",
            "php-fpm8.4",
            "php-fpm8.3",
            "php-fpm8.2",
            "php-fpm8.1",
            "php-fpm7.4",
        ]
    }

    fn about(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn version(&self, about: &str) -> Option<String> {
        php::version(about)
    }

    fn source(&self) -> &'static str {
        "apt install php-fpm"
    }

    fn params(&self, seat: &Seat<'_>) -> Vec<(String, String)> {
        php::params(seat)
    }

    fn app(&self, _: Model) -> &'static str {
        php::APP
    }

    fn needs_the_scripts_name(&self, model: Model) -> bool {
        model == Model::FastCgi
    }

    fn takes_cgi_output(&self) -> bool {
        false
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        let conf = seat.run.join("php-fpm.conf").display().to_string();
        let mut files = php::files(seat);
        files.push(FileSpec::text("php-fpm.conf", configuration(seat)));
        Launch {
            name: "php-fpm".to_owned(),
            program: "php-fpm".to_owned(),
            // As root it asks for -R, since it names no other user.
            args: [
                "--nodaemonize",
                "--allow-to-run-as-root",
                "--fpm-config",
                &conf,
            ]
            .map(str::to_owned)
            .to_vec(),
            env: Vec::new(),
            files,
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: vec!["php-fpm-error.log".into()],
        }
    }
}

fn configuration(seat: &Seat<'_>) -> String {
    let settings =
        php::SETTINGS.map(|(name, value)| format!("php_admin_value[{name}] = {value}\n"));
    format!(
        "[global]\n\
         error_log = {run}/php-fpm-error.log\n\
         [probe]\n\
         listen = {socket}\n\
         listen.mode = 0666\n\
         pm = static\n\
         pm.max_children = {workers}\n\
         ; the probe's path has no extension\n\
         security.limit_extensions =\n\
         {settings}",
        run = seat.run.display(),
        socket = seat.socket.display(),
        workers = seat.workers,
        settings = settings.concat(),
    )
}
