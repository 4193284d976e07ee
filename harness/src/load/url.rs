//! A load for any URL, as `gatebench bench --url` makes it.

use super::LoadSpec;
use crate::address::{Address, BadAddress, Endpoint};

/// A URL that cannot be loaded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BadUrl {
    #[error("`{0}` is no http URL; expected http://HOST[:PORT]/path or http://unix:/socket:/path")]
    Scheme(String),
    #[error("`{0}`: TLS is not loaded, only plain http; aim at the listener behind it")]
    Tls(String),
    #[error("`{0}`: user and password in a URL are not sent")]
    User(String),
    #[error("`{url}` holds {found:?}, which must be percent-encoded")]
    Unencoded { url: String, found: char },
    #[error(transparent)]
    Address(#[from] BadAddress),
}

/// GET requests for `url` that expect status 200, as [`LoadSpec::new`] makes them; with `close`
/// each on a connection of its own.
///
/// # Errors
/// The URL is no plain http.
pub fn spec(url: &str, close: bool) -> Result<LoadSpec, BadUrl> {
    let Target { to, host, path } = target(url)?;
    let agent = concat!("gatebench/", env!("CARGO_PKG_VERSION"));
    let connection = if close { "Connection: close\r\n" } else { "" };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\n\
         {connection}\r\n"
    );
    Ok(LoadSpec {
        keep_alive: !close,
        ..LoadSpec::new(to, request.into_bytes())
    })
}

/// What a URL names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) to: Address,
    pub(crate) host: String,
    pub(crate) path: String,
}

/// Takes a URL apart.
///
/// # Errors
/// It is no plain http.
pub(crate) fn target(url: &str) -> Result<Target, BadUrl> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) if !rest.is_empty() => rest,
        Some(("https", _)) => return Err(BadUrl::Tls(url.to_owned())),
        _ => return Err(BadUrl::Scheme(url.to_owned())),
    };
    // RFC 9112 §3.2: neither space nor control character may reach the request line.
    if let Some(found) = url.chars().find(|c| !c.is_ascii_graphic()) {
        let url = url.to_owned();
        return Err(BadUrl::Unencoded { url, found });
    }
    let (rest, _fragment) = rest.split_once('#').unwrap_or((rest, ""));
    if let Some(socket) = rest.strip_prefix("unix:") {
        // The spelling of nginx: the path goes on behind a second colon.
        let (socket, path) = socket.split_once(':').unwrap_or((socket, "/"));
        return Ok(Target {
            to: format!("unix:{socket}").parse()?,
            host: "localhost".to_owned(),
            path: path.to_owned(),
        });
    }
    let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(path_at);
    if host.contains('@') {
        return Err(BadUrl::User(url.to_owned()));
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(Target {
        to: format!("http://{host}").parse::<Endpoint>()?.address,
        host: host.to_owned(),
        path: format!("{slash}{path}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_target(url: &str, to: &str, host: &str, path: &str) {
        let expected = Target {
            to: to.parse().unwrap(),
            host: host.to_owned(),
            path: path.to_owned(),
        };
        assert_eq!(target(url), Ok(expected));
    }

    #[test]
    fn host_port_and_path_are_taken_apart() {
        assert_target(
            "http://127.0.0.1:8080/app/x?a=b/c#top",
            "127.0.0.1:8080",
            "127.0.0.1:8080",
            "/app/x?a=b/c",
        );
    }

    #[test]
    fn port_80_and_the_root_go_without_saying() {
        assert_target("http://localhost", "localhost:80", "localhost", "/");
        assert_target("http://[::1]?q", "[::1]:80", "[::1]", "/?q");
    }

    #[test]
    fn a_unix_socket_is_spelled_as_in_nginx() {
        assert_target(
            "http://unix:/run/a.sock:/x",
            "/run/a.sock",
            "localhost",
            "/x",
        );
        assert_target("http://unix:/run/a.sock", "/run/a.sock", "localhost", "/");
    }

    #[test]
    fn what_is_no_plain_http_is_refused() {
        let refused = |url: &str| target(url).unwrap_err().to_string();
        assert_eq!(
            refused("https://localhost/"),
            "`https://localhost/`: TLS is not loaded, only plain http; aim at the listener behind it"
        );
        assert_eq!(
            refused("localhost:80"),
            "`localhost:80` is no http URL; expected http://HOST[:PORT]/path or \
             http://unix:/socket:/path"
        );
        assert_eq!(
            refused("http://localhost/a b"),
            "`http://localhost/a b` holds ' ', which must be percent-encoded"
        );
        assert_eq!(
            refused("http://me:secret@localhost/"),
            "`http://me:secret@localhost/`: user and password in a URL are not sent"
        );
        assert_eq!(
            refused("http://localhost:x/"),
            "`x` in `localhost:x` is no port; ports are 1 to 65535"
        );
    }

    #[test]
    fn the_request_is_a_plain_get() {
        let text = |close| {
            let spec = spec("http://h:1/p", close).unwrap();
            String::from_utf8(spec.asks[0].request.clone()).unwrap()
        };
        assert!(text(false).starts_with("GET /p HTTP/1.1\r\nHost: h:1\r\nUser-Agent: gatebench/"));
        assert!(text(false).ends_with("Accept: */*\r\n\r\n"));
        assert!(text(true).ends_with("Connection: close\r\n\r\n"));
    }
}
