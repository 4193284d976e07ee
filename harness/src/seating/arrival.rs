//! Whether what a gateway forwards arrives at the recorder; if not, what is probably wrong.

use crate::{
    address::Address,
    model::Model,
    transcript::{Happened, Leg, Transcript, Way},
    witness::recorded::Recorded,
};

/// A gateway that runs already, and the address that it was told.
pub(super) struct Told<'a> {
    pub(super) model: Model,
    pub(super) at: &'a Address,
    /// Path that is forwarded.
    pub(super) app: &'a str,
}

/// How the client words a gateway that is not there.
const REFUSED: &str = "the gateway takes no connection";

impl Told<'_> {
    /// What became of the first request, where it was not answered as it should be, and what to try.
    pub(super) fn explain(
        &self,
        reason: &str,
        recorded: &Recorded,
        transcript: &Transcript,
    ) -> String {
        let Self { model, at, .. } = self;
        let came: Vec<u8> = transcript
            .entries()
            .iter()
            .flat_map(octets)
            .copied()
            .collect();
        let has_request = recorded.lines.iter().any(|line| {
            let mut asked = line.requests.iter();
            asked.any(|asked| asked.has_head)
        });
        let seen = if reason.starts_with(REFUSED) {
            return format!("{reason}; start it, or tell where it listens with --gateway-at");
        } else if recorded.lines.is_empty() {
            format!("nothing reached the recorder at {at}; {}", self.line())
        } else if came.is_empty() {
            format!("a connection reached the recorder at {at}, and nothing came over it")
        } else if !has_request {
            let start = came[..came.len().min(24)].escape_ascii();
            let line = self.line();
            format!("what reached the recorder at {at} is no {model}: it begins `{start}`; {line}")
        } else {
            format!(
                "the request reached the recorder at {at}, but its reply did not come back as it \
                 was: the gateway changes or refuses what the application says"
            )
        };
        format!("{reason}; {seen} (docs/judge-your-gateway.md has the lines for other gateways)")
    }

    /// The line that makes nginx forward.
    fn line(&self) -> String {
        let Self { model, at, app } = self;
        let to = match at {
            Address::Unix(path) => format!("unix:{}", path.display()),
            at => at.to_string(),
        };
        let app = if app.is_empty() { "/" } else { app };
        let pass = match model {
            Model::FastCgi => format!("include fastcgi_params; fastcgi_pass {to};"),
            Model::Uwsgi => format!("include uwsgi_params; uwsgi_pass {to};"),
            Model::Scgi => format!("include scgi_params; scgi_pass {to};"),
            Model::Http | Model::Cgi | Model::CgiWarm => match at {
                Address::Unix(_) => format!("proxy_pass http://{to}:;"),
                _ => format!("proxy_pass http://{to};"),
            },
        };
        format!("in nginx the line would be `location {app} {{ {pass} }}`")
    }
}

/// What the gateway sent.
fn octets(entry: &crate::transcript::Entry) -> &[u8] {
    match &entry.happened {
        Happened::Octets(octets) if (entry.leg, entry.way) == (Leg::Upstream, Way::Request) => {
            octets
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::seats::ConnectError;
    use crate::witness::recorded::{Asked, Line};

    fn told(at: &str, lines: Vec<Line>, octets: &[u8]) -> String {
        let at = at.parse().unwrap();
        let told = Told {
            model: Model::FastCgi,
            at: &at,
            app: "/app",
        };
        let mut transcript = Transcript::default();
        let came = Happened::Octets(octets.to_vec());
        transcript.add(Leg::Upstream, 0, Way::Request, came);
        told.explain("status 502", &Recorded { lines }, &transcript)
    }

    #[test]
    fn where_nothing_came_the_line_is_told_that_forwards() {
        let told = told("127.0.0.1:9001", Vec::new(), b"");
        insta::assert_snapshot!(told, @"status 502; nothing reached the recorder at 127.0.0.1:9001; in nginx the line would be `location /app { include fastcgi_params; fastcgi_pass 127.0.0.1:9001; }` (docs/judge-your-gateway.md has the lines for other gateways)");
    }

    #[test]
    fn a_gateway_that_is_not_there_is_no_matter_of_its_configuration() {
        let refused = ConnectError::Refused(ErrorKind::ConnectionRefused.into());
        let at = "127.0.0.1:9001".parse().unwrap();
        let told = Told {
            model: Model::Scgi,
            at: &at,
            app: "",
        };
        let (recorded, transcript) = (Recorded::default(), Transcript::default());
        let said = told.explain(&refused.to_string(), &recorded, &transcript);
        assert!(said.contains("start it"), "{said}");
    }

    #[test]
    fn another_protocol_is_told_by_its_first_octets() {
        let line = Line::default();
        let told = told(
            "/run/r.sock",
            vec![line],
            b"GET /app HTTP/1.0\r\nHost: x\r\n\r\n",
        );
        assert!(
            told.contains(r"is no fastcgi: it begins `GET /app HTTP/1.0\r\nHost:`"),
            "{told}"
        );
        assert!(told.contains("fastcgi_pass unix:/run/r.sock;"), "{told}");
    }

    #[test]
    fn a_reply_that_did_not_come_back_is_the_gateways() {
        let asked = Asked {
            has_head: true,
            ..Asked::default()
        };
        let line = Line {
            requests: vec![asked],
            ..Line::default()
        };
        let told = told("@r", vec![line], b"\x01\x01");
        assert!(
            told.contains("its reply did not come back as it was"),
            "{told}"
        );
    }
}
