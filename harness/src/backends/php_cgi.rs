//! php-cgi as a FastCGI server, and as the CGI program that it is called after.

use super::{Backend, Seat, php, php_cgi_program};
use crate::{
    address::Address,
    launch::{Launch, Ready},
    model::Model,
};

/// php-cgi with the probe in PHP.
pub(super) struct PhpCgi;

impl Backend for PhpCgi {
    fn name(&self) -> &'static str {
        "php-cgi"
    }

    fn variant(&self, model: Model) -> &'static str {
        match model {
            Model::Cgi => "program",
            _ => "",
        }
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::FastCgi, Model::Cgi]
    }

    fn brings_programs(&self) -> bool {
        true
    }

    fn runs_below_gateserve(&self, model: Model) -> bool {
        model == Model::Cgi
    }

    fn programs(&self) -> &'static [&'static str] {
        &["php-cgi", "php-cgi8.4", "php-cgi8.3", "php-cgi8.2"]
    }

    fn about(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn version(&self, about: &str) -> Option<String> {
        php::version(about)
    }

    fn source(&self) -> &'static str {
        "apt install php-cgi"
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
        if self.runs_below_gateserve(seat.model) {
            return php_cgi_program::launch(seat);
        }
        let mut args = vec!["-b".to_owned(), seat.socket.display().to_string()];
        for (name, value) in php::SETTINGS {
            args.extend(["-d".to_owned(), format!("{name}={value}")]);
        }
        // A child would end after 500 requests, which looks like a death.
        let env = [
            ("PHP_FCGI_CHILDREN", seat.workers.to_string()),
            ("PHP_FCGI_MAX_REQUESTS", "0".to_owned()),
        ];
        Launch {
            name: "php-cgi".to_owned(),
            program: "php-cgi".to_owned(),
            args,
            env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            files: php::files(seat),
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}
