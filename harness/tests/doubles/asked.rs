//! What one request comes to: which application, which meta-variables.

use std::net::SocketAddr;

use bytes::Bytes;
use gatebench::{model::Model, scenario::text::latin1};
use probe::{Interface, Report};
use wire::{
    environ::Environ,
    http::{RequestHead, percent_decode},
    request::{self, Gateway, SplitPath, Target},
};

use super::{conduct::Conduct, connection::Trouble, user::User};

/// Where the double's documents would be.
pub(super) const ROOT: &str = "/srv/www";
/// Where its CGI programs would be.
const CGI_BIN: &str = "/srv/cgi-bin";

/// The parameter that it is configured to send, whatever fields come (DF-VAR-CONFIG-OVERRIDES).
const CONFIGURED: &str = "HTTP_X_GATEBENCH_SET";

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
    /// Who asks, below the folder that is open to known users alone.
    pub(super) user: User,
}

/// Where a request leads, and the head that says so: another one than came only where the conduct is
/// wrong.
pub(super) fn find(
    mut head: RequestHead,
    mount: &str,
    conduct: &Conduct,
) -> Result<(RequestHead, SplitPath), Trouble> {
    let is_a_path = head.target.starts_with(b"/") || head.target.starts_with(b"http://");
    if conduct.forwards_any_target && !is_a_path {
        head.target = [mount.as_bytes(), b"/", &head.target].concat().into();
    }
    if conduct.serves_prefixes
        && let Some(rest) = head.target.strip_prefix(mount.as_bytes())
        && !matches!(rest.first(), None | Some(b'/' | b'?'))
    {
        head.target = [mount.as_bytes(), b"/", rest].concat().into();
    }
    let mut path = split(&head, mount)?;
    if conduct.splits_at_last {
        path = split_at_last(path, mount);
    }
    Ok((head, path))
}

fn split_at_last(path: SplitPath, mount: &str) -> SplitPath {
    let whole = [&path.script_name[..], &path.path_info].concat();
    let last = whole
        .windows(mount.len())
        .rposition(|window| window == mount.as_bytes());
    let (script_name, path_info) = whole.split_at(last.unwrap_or_default() + mount.len());
    SplitPath {
        script_name: Bytes::copy_from_slice(script_name),
        path_info: Bytes::copy_from_slice(path_info),
    }
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
        let mut environ = request::environ(&self.head, &self.path, length, &gateway)?;
        environ.set(CONFIGURED, "safe");
        if let Some(name) = &self.user.name {
            environ.set("AUTH_TYPE", "Basic");
            environ.set("REMOTE_USER", name.clone());
        }
        Ok(environ)
    }

    /// What the probe is started with.
    pub(super) fn report(&self, environ: &Environ) -> Report {
        let pairs = environ.iter().map(|(name, value)| (&name[..], &value[..]));
        let mut report = Report::new(interface(self.model), pairs);
        if self.model == Model::Cgi {
            let name = latin1(&self.path.script_name);
            let name = name.rsplit('/').next().unwrap_or("probe");
            let program = format!("{CGI_BIN}/{name}");
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
        Model::Cgi | Model::CgiWarm => Interface::Cgi,
        Model::FastCgi => Interface::FastCgi,
        Model::Uwsgi => Interface::Uwsgi,
        Model::Scgi => Interface::Scgi,
        Model::Http => Interface::Http,
    }
}
