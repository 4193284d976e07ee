//! A request as a gateway would send it, in every protocol of the family.

use bytes::BytesMut;
use wire::{environ::Environ, fastcgi, scgi, uwsgi};

use crate::model::Model;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The Host field.
    pub host: String,
    /// DOCUMENT_ROOT, of which SCRIPT_FILENAME is made.
    pub root: Option<String>,
    /// Variables that are set as they are; with an empty name in front of `=` none is.
    pub params: Vec<(String, String)>,
    /// Every variable, where a configuration says them all.
    pub whole: Option<Vec<(String, String)>>,
    /// The body, and whether its length is told.
    pub body: Option<Body>,
    /// HTTP fields beside Host.
    pub fields: Vec<(String, String)>,
    /// Whether another request follows on the connection.
    pub keep: bool,
}

/// A request body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Its octets.
    pub octets: Vec<u8>,
    /// How its end is told.
    pub framing: Framing,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By its length.
    Length,
    /// By nothing but the protocol: FastCGI's end record.
    None,
    /// In chunks, HTTP only.
    Chunked,
}

impl Ask {
    /// A plain GET.
    pub fn get(target: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            target: target.to_owned(),
            host: "localhost".to_owned(),
            root: None,
            params: Vec::new(),
            whole: None,
            body: None,
            fields: Vec::new(),
            keep: false,
        }
    }

    /// Method and target, for people.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// The same with one more variable, or with another value of it.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        let fixed = other.whole.as_mut().unwrap_or(&mut other.params);
        fixed.retain(|(known, _)| known != name);
        fixed.push((name.to_owned(), value.to_owned()));
        other
    }

    /// The variables, by name and value.
    pub(super) fn environ(&self, protocol: Model) -> Vec<(String, String)> {
        if let Some(whole) = &self.whole {
            return whole.clone();
        }
        let mut all = self.usual(protocol);
        for (name, value) in &self.params {
            all.retain(|(known, _)| known != name);
            all.push((name.clone(), value.clone()));
        }
        all
    }

    /// What nginx's own params files set, and what makes an application find its path.
    fn usual(&self, protocol: Model) -> Vec<(String, String)> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let decoded = wire::http::percent_decode(path.as_bytes());
        let path: String = decoded.into_iter().map(char::from).collect();
        let root = self.root.as_deref().unwrap_or_default();
        let length = match &self.body {
            Some(body) if body.framing == Framing::Length => body.octets.len().to_string(),
            _ => String::new(),
        };
        let (host, port) = split_port(&self.host);
        let (script, info) = match protocol {
            Model::FastCgi => (path.clone(), String::new()),
            _ => (String::new(), path.clone()),
        };
        let mut all = vec![
            ("QUERY_STRING", query.to_owned()),
            ("REQUEST_METHOD", self.method.clone()),
            ("CONTENT_TYPE", String::new()),
            ("CONTENT_LENGTH", length),
            ("SCRIPT_NAME", script),
            ("PATH_INFO", info),
            ("REQUEST_URI", self.target.clone()),
            ("DOCUMENT_URI", path.clone()),
            ("DOCUMENT_ROOT", root.to_owned()),
            ("SERVER_PROTOCOL", "HTTP/1.1".to_owned()),
            ("REQUEST_SCHEME", "http".to_owned()),
            ("GATEWAY_INTERFACE", "CGI/1.1".to_owned()),
            ("SERVER_SOFTWARE", "gatebench-doctor".to_owned()),
            ("REMOTE_ADDR", "127.0.0.1".to_owned()),
            ("REMOTE_PORT", "40000".to_owned()),
            ("SERVER_ADDR", "127.0.0.1".to_owned()),
            ("SERVER_PORT", port.to_owned()),
            ("SERVER_NAME", host.to_owned()),
            ("HTTP_HOST", self.host.clone()),
            ("HTTP_USER_AGENT", "gatebench-doctor".to_owned()),
        ];
        if protocol == Model::FastCgi {
            all.retain(|(name, _)| *name != "PATH_INFO");
            if self.root.is_some() {
                all.push(("SCRIPT_FILENAME", format!("{root}{path}")));
            }
        }
        if self.method == "POST" {
            all.retain(|(name, _)| *name != "CONTENT_TYPE");
            all.push(("CONTENT_TYPE", "text/plain".to_owned()));
        }
        all.into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The octets of the request; `without` is left out.
    ///
    /// # Errors
    /// Why the protocol cannot carry it.
    pub(super) fn octets(&self, protocol: Model, without: Option<&str>) -> Result<Vec<u8>, String> {
        if protocol == Model::Http {
            return Ok(self.http(without));
        }
        let mut environ = Environ::new();
        for (name, value) in self.environ(protocol) {
            if Some(name.as_str()) != without && !name.is_empty() {
                environ.push(latin1(&name), latin1(&value));
            }
        }
        let body = self.body.as_ref().map_or(&[][..], |body| &body.octets);
        let mut octets = BytesMut::new();
        match protocol {
            Model::Uwsgi => {
                uwsgi::encode_request(&environ, 0, 0, &mut octets).map_err(|it| it.to_string())?;
                octets.extend_from_slice(body);
            }
            Model::Scgi => {
                let length = body.len() as u64;
                scgi::encode_request(&environ, length, &mut octets).map_err(|it| it.to_string())?;
                octets.extend_from_slice(body);
            }
            _ => {
                let client = fastcgi::state::Client::begin(1, self.keep, &environ, &mut octets);
                client.stdin(body, &mut octets);
                client.stdin_end(&mut octets);
            }
        }
        Ok(octets.to_vec())
    }

    fn http(&self, without: Option<&str>) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if without != Some("Host") {
            head.push_str(&format!("Host: {}\r\n", self.host));
        }
        head.push_str("User-Agent: gatebench-doctor\r\n");
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.keep {
            head.push_str("Connection: close\r\n");
        }
        let Some(body) = &self.body else {
            return latin1(&(head + "\r\n"));
        };
        let size = body.octets.len();
        match body.framing {
            Framing::Chunked => {
                head.push_str("Transfer-Encoding: chunked\r\n\r\n");
                let chunk = format!("{size:x}\r\n");
                [
                    &latin1(&head),
                    chunk.as_bytes(),
                    &body.octets,
                    b"\r\n0\r\n\r\n",
                ]
                .concat()
            }
            _ => {
                head.push_str(&format!("Content-Length: {size}\r\n\r\n"));
                [&latin1(&head)[..], &body.octets].concat()
            }
        }
    }
}

/// One octet a character, as variables are read from the wire.
fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .flat_map(|c| u8::try_from(c).map_or_else(|_| c.to_string().into_bytes(), |it| vec![it]))
        .collect()
}

fn split_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => (name, port),
        _ => (host, "80"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;

    #[test]
    fn every_protocol_is_recognised_from_what_is_sent() {
        for model in [Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http] {
            let octets = Ask::get("/a%20b?c=d").octets(model, None).unwrap();
            let seen = decode::recognise(&octets).unwrap();
            assert_eq!(seen.protocol, model);
            assert_eq!(seen.direction, decode::Direction::Request);
        }
    }

    #[test]
    fn the_path_goes_where_nginx_puts_it() {
        let of = |model, name: &str| {
            let environ = Ask::get("/a%20b?c=d").environ(model);
            let found = environ.into_iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value)
        };
        assert_eq!(of(Model::FastCgi, "SCRIPT_NAME").unwrap(), "/a b");
        assert_eq!(of(Model::FastCgi, "PATH_INFO"), None);
        assert_eq!(of(Model::Uwsgi, "PATH_INFO").unwrap(), "/a b");
        assert_eq!(of(Model::Uwsgi, "REQUEST_URI").unwrap(), "/a%20b?c=d");
        assert_eq!(of(Model::Scgi, "QUERY_STRING").unwrap(), "c=d");
    }

    #[test]
    fn a_variable_that_is_given_stands_for_the_usual_one() {
        let ask = Ask::get("/")
            .with("SERVER_NAME", "shop")
            .with("SERVER_NAME", "cart");
        let environ = ask.environ(Model::FastCgi);
        let names: Vec<_> = environ
            .iter()
            .filter(|(name, _)| name == "SERVER_NAME")
            .collect();
        assert_eq!(names, [&("SERVER_NAME".to_owned(), "cart".to_owned())]);
    }
}
