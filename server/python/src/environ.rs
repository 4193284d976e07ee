//! From meta-variables to the `environ` dictionary (PEP 3333, "environ Variables").

use gateserve::app::{AppError, Call};
use gateserve::exchange::Protocol;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use wire::environ::Environ;

use crate::names::Names;
use crate::table::latin1;

/// Variables that no application is to see: `HTTP_PROXY` is read by HTTP clients (WSGI-HTTPOXY), and
/// the other two repeat `CONTENT_LENGTH` and `CONTENT_TYPE` (WSGI-ENV-NO-HTTP-CONTENT).
const DROPPED: [&[u8]; 3] = [b"HTTP_PROXY", b"HTTP_CONTENT_LENGTH", b"HTTP_CONTENT_TYPE"];

/// What has to be known of a request before its application is asked.
pub(crate) struct Facts {
    variables: Environ,
    is_https: bool,
    /// Which thread of the worker answers, counted from 0.
    pub(crate) core: usize,
    /// The request is a HEAD.
    pub(crate) is_head: bool,
    /// What the application writes to `wsgi.errors` goes to the gateway as well.
    pub(crate) reports_errors: bool,
}

impl Facts {
    /// Takes the variables out of a call and completes them.
    ///
    /// # Errors
    /// A request without a method, which no server can make up (WSGI-ENV-METHOD).
    pub(crate) fn of(call: &mut Call) -> Result<Self, AppError> {
        let mut variables = std::mem::take(&mut call.environ);
        let method = variables.get("REQUEST_METHOD");
        let Some(method) = method.filter(|method| !method.is_empty()) else {
            return Err(AppError::new(400, "gateway sent no REQUEST_METHOD"));
        };
        let is_head = method == "HEAD";
        let is_https = is_https(&variables, call.protocol);
        complete_path(&mut variables);
        complete_server(&mut variables, is_https);
        Ok(Self {
            variables,
            is_https,
            core: call.core,
            is_head,
            reports_errors: call.protocol == Protocol::FastCgi,
        })
    }
}

/// The dictionary of one request: a builtin one of its own (WSGI-ENV-BUILTIN-DICT), since the
/// application may do with it what it likes.
pub(crate) fn make<'py>(
    py: Python<'py>,
    facts: &Facts,
    names: &Names,
) -> PyResult<Bound<'py, PyDict>> {
    let environ = names.template.bind(py).copy()?;
    let before = environ.len();
    let mut set = 0;
    {
        let mut table = names.table.open();
        for (name, value) in facts.variables.iter() {
            if is_passed_on(name) {
                let (name, value) = table.pair(py, name, value);
                environ.set_item(name, value)?;
                set += 1;
            }
        }
    }
    if environ.len() < before + set {
        join_repeated(py, &environ, &facts.variables)?;
    }
    let scheme = match facts.is_https {
        true => &names.https,
        false => &names.http,
    };
    environ.set_item(&names.url_scheme, scheme)?;
    Ok(environ)
}

/// `wsgi.` is this server's own.
fn is_passed_on(name: &[u8]) -> bool {
    !DROPPED.contains(&name) && !name.starts_with(b"wsgi.")
}

/// WSGI-ENV-HTTP-COMBINE: fields that came repeatedly are joined, as a gateway may leave to us. Of
/// other variables the last counts, as in uWSGI: what a gateway's configuration sets in addition to
/// a file of common settings is to replace what that says.
fn join_repeated(py: Python<'_>, environ: &Bound<'_, PyDict>, variables: &Environ) -> PyResult<()> {
    for (name, _) in variables.iter() {
        let Ok(text) = std::str::from_utf8(name) else {
            continue;
        };
        let values: Vec<&[u8]> = variables.all(text).map(AsRef::as_ref).collect();
        if values.len() < 2 || !text.starts_with("HTTP_") || !is_passed_on(name) {
            continue;
        }
        let between: &[u8] = match text {
            "HTTP_COOKIE" => b"; ",
            _ => b", ",
        };
        environ.set_item(text, latin1(py, &values.join(between)))?;
    }
    Ok(())
}

/// The last value of that name, as in the dictionary.
fn last<'a>(variables: &'a Environ, name: &'a str) -> Option<&'a [u8]> {
    variables.all(name).last().map(AsRef::as_ref)
}

/// What gateways say of the scheme. A proxy in front of an HTTP socket can say it in a header only,
/// which is believed of a peer on this host alone: anybody else could be the client itself.
fn is_https(variables: &Environ, protocol: Protocol) -> bool {
    let text = |name| last(variables, name).unwrap_or_default();
    if let Some(scheme) = last(variables, "UWSGI_SCHEME") {
        return scheme.eq_ignore_ascii_case(b"https");
    }
    let https = text("HTTPS");
    if https.eq_ignore_ascii_case(b"on") || https == b"1" {
        return true;
    }
    let is_proxy_here = || {
        let peer = text("REMOTE_ADDR");
        peer.is_empty() || peer == b"::1" || peer.starts_with(b"127.")
    };
    text("REQUEST_SCHEME").eq_ignore_ascii_case(b"https")
        || protocol == Protocol::Http
            && text("HTTP_X_FORWARDED_PROTO").eq_ignore_ascii_case(b"https")
            && is_proxy_here()
}

/// `SCRIPT_NAME` and `PATH_INFO`, where the gateway has not split the path or has split it at "/"
/// (WSGI-ENV-SCRIPT-NOT-SLASH, WSGI-ENV-PATH-ONE-OF). The parameter files that nginx brings for
/// FastCGI and SCGI say no `PATH_INFO`: what they say instead is the whole path.
fn complete_path(variables: &mut Environ) {
    let has = |name: &str| variables.get(name).is_some();
    let (has_script_name, has_path_info) = (has("SCRIPT_NAME"), has("PATH_INFO"));
    let get = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let (script_name, path_info) = (get("SCRIPT_NAME"), get("PATH_INFO"));
    if script_name == "/" && path_info.is_empty() || !has_path_info && !script_name.is_empty() {
        variables.set("PATH_INFO", script_name);
        variables.set("SCRIPT_NAME", "");
    } else if !has_path_info {
        let path = get("DOCUMENT_URI");
        variables.set("PATH_INFO", path);
    }
    if !has_script_name {
        variables.set("SCRIPT_NAME", "");
    }
    if variables.get("QUERY_STRING").is_none() {
        variables.push("QUERY_STRING", "");
    }
}

/// WSGI-ENV-SERVER-NAME, WSGI-ENV-SERVER-PROTOCOL: what the gateway has left out.
fn complete_server(variables: &mut Environ, is_https: bool) {
    let lacks = |variables: &Environ, name| last(variables, name).is_none_or(<[u8]>::is_empty);
    if lacks(variables, "SERVER_NAME") {
        let host = variables.get("HTTP_HOST").cloned().unwrap_or_default();
        let end = host.iter().rposition(|&byte| byte == b':');
        let name = host.slice(..end.unwrap_or(host.len()));
        let name = if name.is_empty() {
            "localhost".into()
        } else {
            name
        };
        variables.set("SERVER_NAME", name);
    }
    if lacks(variables, "SERVER_PORT") {
        variables.set("SERVER_PORT", if is_https { "443" } else { "80" });
    }
    if lacks(variables, "SERVER_PROTOCOL") {
        variables.set("SERVER_PROTOCOL", "HTTP/1.0");
    }
}
