//! What one request comes to: which application, which meta-variables.

use std::net::SocketAddr;

use gatebench::{model::Model, scenario::text::latin1};
use probe::{Interface, Report};
use wire::{
    environ::Environ,
    http::{RequestHead, percent_decode},
    request::{self, Gateway, SplitPath, Target},
};

use super::connection::Trouble;

/// Where the double's documents would be.
const ROOT: &str = "/srv/www";
/// Where its CGI programs would be.
const CGI_BIN: &str = "/srv/cgi-bin";

/// A request that the application will see.
pub(super) struct Asked {
    pub(super) model: Model,
    /// As the client sent it, or as a local redirect made it.
    pub(super) sent: RequestHead,
    /// As it is understood: another one only where a fault changed it.
    pub(super) head: RequestHead,
    /// Its path, decoded and split behind the application.
    pub(super) path: SplitPath,
    /// Octets of the decoded body; `None` without a body.
    pub(super) length: Option<u64>,
    pub(super) client: SocketAddr,
    pub(super) listen: SocketAddr,
}

/// The path of a request, split behind the application at `mount`.
pub(super) fn split(head: &RequestHead, mount: &str) -> Result<SplitPath, Trouble> {
    let path = Target::parse(&head.target)?.decoded_path()?;
    SplitPath::at(&path, mount).ok_or(Trouble::Answer(404))
}

impl Asked {
    /// The meta-variables of RFC 3875 section 4.1 and those in common use.
    pub(super) fn environ(&self) -> Result<Environ, Trouble> {
        let [client, listen] = [self.client.ip(), self.listen.ip()].map(|ip| ip.to_string());
        let gateway = Gateway {
            server_software: "double/1.0",
            server_name: "localhost",
            server_port: self.listen.port(),
            remote_addr: &client,
            remote_port: self.client.port(),
            server_addr: &listen,
            https: false,
            document_root: Some(ROOT),
        };
        // SCGI-3-CL-ALWAYS: there a request without body has the length 0.
        let length = match self.model {
            Model::Scgi => Some(self.length.unwrap_or(0)),
            _ => self.length,
        };
        Ok(request::environ(&self.head, &self.path, length, &gateway)?)
    }

    /// What the probe is started with.
    pub(super) fn report(&self, environ: &Environ) -> Report {
        let pairs = environ.iter().map(|(name, value)| (&name[..], &value[..]));
        let mut report = Report::new(interface(self.model), pairs);
        if self.model == Model::Cgi {
            let program = format!("{CGI_BIN}/probe");
            let words = words(&self.head).into_iter().map(|word| latin1(&word));
            report.argv = Some([program].into_iter().chain(words).collect());
            report.cwd = Some(CGI_BIN.to_owned());
        }
        report
    }

    /// The query as sent, empty where there is none.
    pub(super) fn query(&self) -> &[u8] {
        query(&self.head)
    }

    /// The extra path as sent.
    pub(super) fn raw_extra_path(&self) -> &[u8] {
        let path = Target::parse(&self.head.target).map_or(&b""[..], |target| target.path);
        path.strip_prefix(&self.path.script_name[..])
            .unwrap_or(path)
    }
}

/// The query of a target as sent, empty where there is none.
fn query(head: &RequestHead) -> &[u8] {
    let target = Target::parse(&head.target).ok();
    target.and_then(|target| target.query).unwrap_or_default()
}

/// The search words that become the command line (RFC 3875 section 4.4): of GET and HEAD, from a
/// query without `=`, and all or none of them (CGI-4.4-ARGV-ALL).
fn words(head: &RequestHead) -> Vec<Vec<u8>> {
    let query = query(head);
    let is_search = matches!(&head.method[..], b"GET" | b"HEAD") && !query.contains(&b'=');
    if !is_search || query.is_empty() {
        return Vec::new();
    }
    let words: Vec<Vec<u8>> = query.split(|&b| b == b'+').map(percent_decode).collect();
    let fits = !words.iter().any(|word| word.contains(&0));
    if fits { words } else { Vec::new() }
}

fn interface(model: Model) -> Interface {
    match model {
        Model::Cgi => Interface::Cgi,
        Model::FastCgi => Interface::FastCgi,
        Model::Uwsgi => Interface::Uwsgi,
        Model::Scgi => Interface::Scgi,
        Model::Http => Interface::Http,
    }
}
