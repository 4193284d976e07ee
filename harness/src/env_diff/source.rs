//! Where an environment comes from: servers that are started, a probe that runs, or a file.

use std::{fs, net::ToSocketAddrs, path::PathBuf, str::FromStr, time::Duration};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::Environ;
use crate::{
    address::{Address, Endpoint},
    backends,
    bench::Bench,
    decode,
    event::Observer,
    gateways,
    model::Model,
    pairing::Pairing,
    scenario::{Action, Script},
    seats::client::Client,
    subject::SubjectId,
    tap::{Conversation, Happened},
    transcript::{Log, Way},
    witness::ClientView,
};

/// One side of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A gateway and a model, started with the probe behind.
    Pairing(SubjectId, Model),
    /// A probe that runs behind a URL.
    Url(Endpoint, String, String),
    /// Captured octets, a line of `gatebench tap --json`, or the probe's own report.
    File(PathBuf),
}

/// The request that both sides get.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Method.
    pub method: String,
    /// Path and query, below where the probe is mounted.
    pub target: String,
    /// The Host field.
    pub host: String,
    /// Further fields, as lines.
    pub fields: Vec<String>,
    /// The body.
    pub body: Option<String>,
    /// Whether the body is sent in chunks.
    pub chunked: bool,
    /// The application server of pairings.
    pub backend: String,
}

/// A reply comes within this.
const WITHIN: Duration = Duration::from_secs(30);

impl FromStr for Source {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Some(rest) = text.strip_prefix("http://") {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let at: Endpoint = format!("http://{host}").parse()?;
            let path = path.trim_end_matches('/').to_owned();
            return Ok(Self::Url(at, host.to_owned(), path));
        }
        if std::path::Path::new(text).is_file() {
            return Ok(Self::File(text.into()));
        }
        let (id, model) = match text.rsplit_once(':') {
            Some((id, word)) if word.parse::<Model>().is_ok() => (id, word.parse()?),
            _ => (text, Model::FastCgi),
        };
        let id: SubjectId = id.parse().with_context(|| {
            format!(
                "`{text}` is no file, http:// URL, or gateway with a model such as nginx:fastcgi"
            )
        })?;
        ensure!(
            gateways::named(&id.name).is_some(),
            "`{text}` is no file and no http:// URL, and the bench knows no gateway `{}`; nginx:fastcgi, builtin:uwsgi, nginx:cgi are some",
            id.name
        );
        Ok(Self::Pairing(id, model))
    }
}

impl Source {
    /// Gets the environment.
    ///
    /// # Errors
    /// It cannot be started or asked, or no probe answers.
    pub async fn environ(
        &self,
        bench: &mut Option<Bench>,
        ask: &Ask,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<Environ> {
        match self {
            Self::File(file) => file_environ(file),
            Self::Url(at, host, path) => {
                let Address::Tcp(host_port) = &at.address else {
                    bail!("a probe behind a URL is asked over TCP");
                };
                let to = host_port
                    .to_socket_addrs()?
                    .next()
                    .context("the host has no address")?;
                let view = play(to, &ask.request(path, Some(host)), &ask.method).await?;
                reported(&view, format!("http://{host}{path}"))
            }
            Self::Pairing(id, model) => {
                let bench = bench.as_mut().expect("pairings are set up by a bench");
                pairing(id, *model, bench, ask, observer).await
            }
        }
    }

    /// Whether servers have to be started.
    pub fn needs_bench(&self) -> bool {
        matches!(self, Self::Pairing(..))
    }
}

impl Ask {
    fn request(&self, mount: &str, host: Option<&str>) -> Vec<u8> {
        let host = match (self.host.as_str(), host) {
            ("", Some(own)) => own,
            ("", None) => "localhost",
            (asked, _) => asked,
        };
        let target = match (mount, self.target.as_str()) {
            ("", target) => target.to_owned(),
            (mount, "/") => mount.to_owned(),
            (mount, target) => format!("{mount}{target}"),
        };
        let mut head = format!(
            "{} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n",
            self.method
        );
        for field in &self.fields {
            head.push_str(field);
            head.push_str("\r\n");
        }
        match (&self.body, self.chunked) {
            (None, _) => head.push_str("\r\n"),
            (Some(body), false) => {
                head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()))
            }
            (Some(body), true) => head.push_str(&format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            )),
        }
        head.into_bytes()
    }
}

async fn play(to: std::net::SocketAddr, octets: &[u8], method: &str) -> anyhow::Result<ClientView> {
    let mut client = Client::connect(to, Log::default(), 0).await?;
    let script = Script {
        method: method.to_owned(),
        actions: vec![Action::Send(octets.to_vec())],
        within: WITHIN,
    };
    Ok(client.play(&script).await)
}

async fn pairing(
    id: &SubjectId,
    model: Model,
    bench: &mut Bench,
    ask: &Ask,
    observer: &mut dyn Observer,
) -> anyhow::Result<Environ> {
    let gateway = gateways::named(&id.name).context("the gateway is known")?;
    let variant = id
        .variant
        .as_deref()
        .unwrap_or_else(|| gateway.variants()[0]);
    let variant = gateway.variants().iter().find(|known| **known == variant);
    let Some(variant) = variant else {
        bail!(
            "{} has no variant `{}`; it has {}",
            id.name,
            id.variant.as_deref().unwrap_or_default(),
            gateway.variants().join(", ")
        );
    };
    let backend = backends::named(&ask.backend)
        .with_context(|| format!("the bench knows no backend `{}`", ask.backend))?;
    let pairing = Pairing {
        gateway,
        variant,
        model,
        backend,
    };
    if let Some(why) = pairing.unsupported() {
        bail!("{why}");
    }
    bench.add(gateway, observer).await?;
    bench.verify(id)?;
    if !pairing.executes() {
        bench.add_backend(backend, observer).await?;
    }
    let started = pairing.start(bench, false).await?;
    let octets = ask.request(&started.place.app, None);
    let view = play(started.listen, &octets, &ask.method).await?;
    let mut environ = reported(
        &view,
        format!(
            "{} by {model}, {}",
            pairing.gateway_id(),
            pairing.backend_id()
        ),
    )?;
    // The port and the folder are of this run alone; an application of one's own would not notice them.
    let (port, folder) = (
        started.listen.port().to_string(),
        started.folder().display().to_string(),
    );
    for (name, value) in &mut environ.variables {
        *value = value
            .replace(&folder, "RUN")
            .replace(&format!(":{port}"), ":PORT");
        if name == "SERVER_PORT" && *value == port {
            *value = "PORT".to_owned();
        }
    }
    environ.variables.retain(|(name, _)| name != "REMOTE_PORT");
    Ok(environ)
}

/// The environment in what the probe reported.
fn reported(view: &ClientView, of: String) -> anyhow::Result<Environ> {
    let report: Option<Value> = serde_json::from_slice(&view.body.kept).ok();
    let environ = report
        .as_ref()
        .and_then(|report| of_json(report, of.clone()));
    environ.with_context(|| {
        let status = view.status.map_or_else(|| "no status".to_owned(), |it| it.to_string());
        format!("{of} does not answer with the probe's report but with {status}; `gatebench probe` writes out the application that has to run there")
    })
}

/// A probe's report (`environ`), or a line of the tap (`params`).
fn of_json(value: &Value, of: String) -> Option<Environ> {
    let list = value
        .get("environ")
        .or_else(|| value.get("params"))?
        .as_array()?;
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
    let body = value["body"]["size"]
        .as_u64()
        .or_else(|| value["request"]["body"].as_u64());
    Some(Environ {
        of,
        variables: list.iter().filter_map(pair).collect(),
        body,
    })
}

fn file_environ(file: &PathBuf) -> anyhow::Result<Environ> {
    let of = file.display().to_string();
    let raw = fs::read(file).with_context(|| format!("cannot read {of}"))?;
    let first = raw
        .split(|&octet| octet == b'\n')
        .next()
        .unwrap_or_default();
    let json: Option<Value> = serde_json::from_slice(&raw)
        .or_else(|_| serde_json::from_slice(first))
        .ok();
    if let Some(environ) = json.as_ref().and_then(|json| of_json(json, of.clone())) {
        return Ok(environ);
    }
    let octets = decode::octets(&raw);
    let mut conversation = Conversation::new(1, None);
    let mut over = conversation.happened(Duration::ZERO, Happened::Octets(Way::Request, &octets));
    over.extend(conversation.happened(Duration::ZERO, Happened::Over));
    let exchange = over
        .into_iter()
        .find(|exchange| !exchange.params.is_empty());
    let exchange = exchange.with_context(|| {
        format!("{of} holds no request: it may be octets that `gatebench decode` reads, a line of `gatebench tap --json`, or the probe's report")
    })?;
    Ok(Environ {
        of,
        variables: match exchange.protocol {
            // As CGI names them.
            Some(Model::Http) => exchange
                .params
                .iter()
                .map(|(name, value)| (meta(name), value.to_owned()))
                .collect(),
            _ => exchange
                .params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        },
        body: Some(exchange.request.body),
    })
}

fn meta(field: &str) -> String {
    let name = field.to_ascii_uppercase().replace('-', "_");
    match name.as_str() {
        "CONTENT_TYPE" | "CONTENT_LENGTH" => name,
        _ => format!("HTTP_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_told_by_how_it_is_written() {
        let of = |text: &str| text.parse::<Source>().map_err(|error| error.to_string());
        let nginx = SubjectId::plain("nginx");
        assert_eq!(
            of("nginx:uwsgi"),
            Ok(Source::Pairing(nginx.clone(), Model::Uwsgi))
        );
        assert_eq!(of("nginx"), Ok(Source::Pairing(nginx, Model::FastCgi)));
        let stock = "nginx:stock".parse().unwrap();
        assert_eq!(
            of("nginx:stock:scgi"),
            Ok(Source::Pairing(stock, Model::Scgi))
        );
        assert!(
            matches!(of("http://127.0.0.1:80/probe"), Ok(Source::Url(_, _, path)) if path == "/probe")
        );
        assert!(
            of("no-such-file")
                .unwrap_err()
                .contains("no gateway `no-such-file`")
        );
    }
}
