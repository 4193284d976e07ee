//! `--backend-at`, `--gateway-at`: an application server or a gateway that runs already.

use std::{path::PathBuf, str::FromStr};

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::{
    address::{BadAddress, Endpoint},
    model::Model,
    seating::{Driver, Fronted, Judged, Recorder, Seating, gateway_at},
    seats::driver::Way,
};

/// Options that say what the bench shall start.
const STARTED: [&str; 5] = ["gateway", "backend", "via", "image", "binary"];

/// The same, and the other side.
const STARTED_OR_BEHIND: [&str; 6] = ["gateway", "backend", "via", "image", "binary", "backend_at"];

/// A server that runs already.
#[derive(Args, Debug)]
#[command(next_help_heading = "A server that runs already")]
pub(super) struct RunningArgs {
    /// Judge this application server: fastcgi://HOST:PORT, uwsgi:///path, scgi://, http://, or cgi:///path/to/program
    #[arg(long, value_name = "PROTO://ADDR", conflicts_with_all = STARTED)]
    backend_at: Option<At>,
    /// What runs behind it: the probe of `gatebench probe`, or none, for the scenarios that need none
    #[arg(long, value_enum, default_value_t = App::Probe, requires = "backend_at")]
    app: App,
    /// Path of the application's file as the server sees it: SCRIPT_FILENAME, which php-fpm needs
    #[arg(long, value_name = "PATH", requires = "backend_at")]
    app_file: Option<String>,
    /// A variable of every request, for example DOCUMENT_ROOT=/srv
    #[arg(long, value_name = "NAME=VALUE", requires = "backend_at", value_parser = param)]
    param: Vec<(String, String)>,
    /// Judge this gateway, which forwards to --recorder: http://HOST:PORT[/app]; see docs/judge-your-gateway.md
    #[arg(long, value_name = "URL", conflicts_with_all = STARTED_OR_BEHIND, requires = "recorder")]
    gateway_at: Option<String>,
    /// Where that gateway forwards to, and the bench listens: fastcgi://HOST:PORT, uwsgi:///path, scgi://, http://
    #[arg(long, value_name = "PROTO://ADDR", requires = "gateway_at")]
    recorder: Option<Endpoint>,
}

/// What runs behind a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum App {
    Probe,
    None,
}

/// Where an application server is reached, and what it speaks, if that was told.
#[derive(Clone, Debug)]
struct At {
    model: Option<Model>,
    way: Way,
}

/// What stands behind `--backend-at` names no server.
#[derive(Debug, thiserror::Error)]
enum BadAt {
    #[error(
        "unknown protocol `{0}`; write fastcgi://, uwsgi://, scgi:// or http:// before an address, \
         or cgi:// before the path of a program"
    )]
    Protocol(String),
    #[error("cgi:// names no program; write its path, as in cgi:///usr/lib/cgi-bin/probe")]
    NoProgram,
    #[error(transparent)]
    Address(BadAddress),
}

impl From<BadAddress> for BadAt {
    fn from(bad: BadAddress) -> Self {
        match bad {
            BadAddress::Protocol(name) => Self::Protocol(name),
            other => Self::Address(other),
        }
    }
}

impl FromStr for At {
    type Err = BadAt;

    fn from_str(text: &str) -> Result<Self, BadAt> {
        if let Some(path) = text.strip_prefix("cgi://") {
            return match path.is_empty() {
                true => Err(BadAt::NoProgram),
                false => Ok(Self {
                    model: Some(Model::Cgi),
                    way: Way::Program(PathBuf::from(path)),
                }),
            };
        }
        let endpoint: Endpoint = text.parse()?;
        Ok(Self {
            model: endpoint.protocol,
            way: Way::Socket(endpoint.address),
        })
    }
}

impl RunningArgs {
    /// What is judged instead of pairings, if a server was named; `models` are those of `--model`.
    ///
    /// # Errors
    /// Nothing, or two different things, say which protocol is spoken there.
    pub(super) fn seating(&self, models: &[Model]) -> anyhow::Result<Option<Seating>> {
        if let (Some(url), Some(recorder)) = (&self.gateway_at, &self.recorder) {
            return fronted(url, recorder, models).map(Some);
        }
        let Some(at) = &self.backend_at else {
            return Ok(None);
        };
        let way = &at.way;
        let model = match (at.model, models) {
            (Some(model), []) => model,
            (Some(model), [asked]) if *asked == model => model,
            (None, [asked]) if !asked.is_cgi() => *asked,
            (Some(model), _) => bail!("--backend-at says {model}, --model something else"),
            (None, _) => bail!(
                "--backend-at {way} does not say what is spoken there; write fastcgi://{way}, \
                 uwsgi://{way}, scgi://{way} or http://{way}"
            ),
        };
        let judged = Judged::At {
            way: way.clone(),
            probe: self.app == App::Probe,
            params: self.params(),
        };
        Ok(Some(Seating::Driver(Driver { model, judged })))
    }

    fn params(&self) -> Vec<(String, String)> {
        let file = self.app_file.iter();
        let file = file.map(|file| ("SCRIPT_FILENAME".to_owned(), file.clone()));
        file.chain(self.param.iter().cloned()).collect()
    }
}

/// A gateway that runs already, with the recorder behind it.
fn fronted(url: &str, recorder: &Endpoint, models: &[Model]) -> anyhow::Result<Seating> {
    let at = &recorder.address;
    let model = match (recorder.protocol, models) {
        (Some(model), []) => model,
        (Some(model), [asked]) if *asked == model => model,
        (None, [asked]) if !asked.is_cgi() => *asked,
        (Some(model), _) => bail!("--recorder says {model}, --model something else"),
        (None, _) => bail!(
            "--recorder {at} does not say what the gateway speaks there; write fastcgi://{at}, \
             uwsgi://{at}, scgi://{at} or http://{at}"
        ),
    };
    let (listen, place) = gateway_at(url)?;
    let fronted = Fronted::At {
        url: url.to_owned(),
        listen,
        place,
        recorder: at.clone(),
    };
    Ok(Seating::Recorder(Recorder { model, fronted }))
}

fn param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it reads NAME=VALUE, for example DOCUMENT_ROOT=/srv".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        text.parse().unwrap()
    }

    #[test]
    fn a_program_is_an_address_as_well() {
        let probe = at("cgi:///srv/probe");
        assert_eq!(probe.model, Some(Model::Cgi));
        assert_eq!(probe.way, Way::Program("/srv/probe".into()));
        assert!("cgi://".parse::<At>().is_err());
    }

    #[test]
    fn a_gateway_is_told_with_the_protocol_that_it_speaks_behind() {
        let url = "http://127.0.0.1:8080/app/";
        let recorder = |text: &str| text.parse::<Endpoint>().unwrap();
        let seating = fronted(url, &recorder("scgi:///run/r.sock"), &[]).unwrap();
        assert_eq!(seating.model(), Model::Scgi);
        assert_eq!(seating.gateway_id().as_deref(), Some(url));
        let refused = |at: &str, models: &[Model]| {
            let error = fronted(url, &recorder(at), models).err().unwrap();
            error.to_string()
        };
        assert!(refused("@r", &[]).contains("write fastcgi://@r"));
        assert!(refused("scgi://@r", &[Model::Uwsgi]).contains("--recorder says scgi"));
    }

    #[test]
    fn the_protocol_is_told_with_the_address() {
        assert_eq!(at("fastcgi://127.0.0.1:9000").model, Some(Model::FastCgi));
        assert_eq!(at("uwsgi:///run/app.sock").model, Some(Model::Uwsgi));
        assert_eq!(at("@name").model, None);
    }
}
