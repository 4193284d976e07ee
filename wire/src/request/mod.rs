//! An HTTP request to CGI meta-variables (RFC 3875 section 4.1), as a gateway does it.
//!
//! The caller splits the work: [`Target::parse`] reads the request target,
//! [`Target::decoded_path`] gives the path that is mapped to an application,
//! [`SplitPath`] says which part of it names the application, and [`environ`]
//! puts everything together.

mod headers;
mod host;
mod target;

use bytes::Bytes;

pub use target::{Form, SplitPath, Target};

use crate::environ::Environ;
use crate::http::RequestHead;
use headers::push_headers;

/// What the gateway knows besides the request itself.
#[derive(Clone, Debug)]
pub struct Gateway<'a> {
    /// `SERVER_SOFTWARE`: product and version, such as `gateserve/0.1.0`.
    pub server_software: &'a str,
    /// `SERVER_NAME` where the request names no host.
    pub server_name: &'a str,
    /// The port on which the request came in, whatever `Host` says (CGI-4.1.15-PORT).
    pub server_port: u16,
    /// Address of the client, without port, brackets or zone. Empty on a Unix socket.
    pub remote_addr: &'a str,
    /// Port of the client; 0 where there is none.
    pub remote_port: u16,
    /// Address on which the request came in; empty on a Unix socket.
    pub server_addr: &'a str,
    /// Whether the client used TLS.
    pub https: bool,
    /// Root of the document tree, for `DOCUMENT_ROOT` and `PATH_TRANSLATED`.
    pub document_root: Option<&'a str>,
}

/// A request that cannot be made into meta-variables: the client's fault.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RequestError {
    /// The target is in none of the forms of RFC 9112 section 3.2 that name a resource.
    #[error("client sent the request target {0}, expected a path or an absolute URI")]
    Target(String),
    /// A `%` without two hexadecimal digits.
    #[error("client sent the path {0}, in which a % lacks its two hexadecimal digits")]
    Escape(String),
    /// A NUL in the path, which no environment variable can hold (CGI-4.1-REPRESENTATION).
    #[error("client sent the path {0}, which holds an encoded NUL")]
    Nul(String),
    /// `..` above the root (CGI-8.1-DOT-SEGMENTS).
    #[error("client sent the path {0}, which climbs above the root")]
    AboveRoot(String),
    /// HTTP/1.1 without `Host` (RFC 9112 section 3.2).
    #[error("client sent an HTTP/1.1 request without Host")]
    NoHost,
    /// Several `Host` fields (RFC 9112 section 3.2).
    #[error("client sent {0} Host fields, expected one")]
    RepeatedHost(usize),
    /// A host that is no name, IPv4 or bracketed IPv6 with optional port (DF-VAR-HOST-VALIDATE).
    #[error("client sent the host {0}, expected a name or address with an optional port")]
    Host(String),
}

impl RequestError {
    /// The status with which a gateway answers such a request.
    pub fn status(&self) -> u16 {
        400
    }
}

/// The meta-variables of `head`, for the application at `path.script_name`.
///
/// `body_length` is the length of the decoded body, `None` where there is no body
/// (CGI-4.1.2-CL-IFF, CGI-4.1.2-CL-DECODED). `Authorization` is exported, although
/// RFC 3875 section 9.2 advises against it: most applications need it
/// (CGI-4.1.18-AUTH-STRIP).
///
/// # Errors
/// A host or target that cannot be exported; see [`RequestError`].
pub fn environ(
    head: &RequestHead,
    path: &SplitPath,
    body_length: Option<u64>,
    gateway: &Gateway<'_>,
) -> Result<Environ, RequestError> {
    let target = Target::parse(&head.target)?;
    let host = host::of(head, &target)?;
    let mut environ = Environ::with_capacity(24 + head.headers.len());
    push_request(&mut environ, head, &target, body_length);
    push_path(&mut environ, path, gateway);
    push_server(&mut environ, host.as_ref(), gateway);
    push_client(&mut environ, gateway);
    push_headers(&mut environ, head, host);
    Ok(environ)
}

fn push_request(
    environ: &mut Environ,
    head: &RequestHead,
    target: &Target<'_>,
    body_length: Option<u64>,
) {
    environ.push("GATEWAY_INTERFACE", "CGI/1.1");
    environ.push("SERVER_PROTOCOL", head.version.as_str());
    environ.push("REQUEST_METHOD", head.method.clone());
    environ.push("REQUEST_URI", head.target.clone());
    // Always there and never decoded (CGI-4.1.7-QS-SET, CGI-4.1.7-QS-RAW).
    environ.push(
        "QUERY_STRING",
        target
            .query
            .map(|query| head.target.slice_ref(query))
            .unwrap_or_default(),
    );
    if let Some(length) = body_length {
        environ.push("CONTENT_LENGTH", length.to_string());
    }
    // Never invented (CGI-4.1.3-CT-OMIT).
    if let Some(content_type) = head.header("content-type") {
        environ.push("CONTENT_TYPE", content_type.clone());
    }
}

fn push_path(environ: &mut Environ, path: &SplitPath, gateway: &Gateway<'_>) {
    environ.push("SCRIPT_NAME", path.script_name.clone());
    environ.push("PATH_INFO", path.path_info.clone());
    let Some(root) = gateway.document_root else {
        return;
    };
    let root = root.trim_end_matches('/');
    environ.push("DOCUMENT_ROOT", owned(root));
    // CGI-4.1.6-PT-NULL: no translation of a path that is not there.
    if !path.path_info.is_empty() {
        environ.push(
            "PATH_TRANSLATED",
            [root.as_bytes(), &path.path_info].concat(),
        );
    }
}

fn push_server(environ: &mut Environ, host: Option<&host::Host>, gateway: &Gateway<'_>) {
    let name = host.map(host::Host::name).filter(|name| !name.is_empty());
    environ.push(
        "SERVER_NAME",
        name.unwrap_or_else(|| owned(gateway.server_name)),
    );
    environ.push("SERVER_PORT", gateway.server_port.to_string());
    environ.push("SERVER_SOFTWARE", owned(gateway.server_software));
    if !gateway.server_addr.is_empty() {
        environ.push("SERVER_ADDR", owned(gateway.server_addr));
    }
    environ.push(
        "REQUEST_SCHEME",
        if gateway.https { "https" } else { "http" },
    );
    if gateway.https {
        environ.push("HTTPS", "on");
    }
    // php-cgi refuses to run without it (DF-VAR-REDIRECT-STATUS).
    environ.push("REDIRECT_STATUS", "200");
}

fn push_client(environ: &mut Environ, gateway: &Gateway<'_>) {
    environ.push("REMOTE_ADDR", owned(gateway.remote_addr));
    // CGI-4.1.9-REMOTE-HOST: the address where no name was looked up.
    environ.push("REMOTE_HOST", owned(gateway.remote_addr));
    if gateway.remote_port != 0 {
        environ.push("REMOTE_PORT", gateway.remote_port.to_string());
    }
}

fn owned(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}
