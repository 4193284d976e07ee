//! The plain request, then the same with one thing varied at a time.

mod bodies;
mod large;
mod script;
mod sizes;

use std::time::Duration;

use super::{
    Ask, Report, Wishes,
    call::{Came, Line},
    finding,
    speaks::unreachable,
};
use crate::{
    address::Address,
    model::Model,
    tap::{Ending, Exchange, diagnose},
};

/// Who is asked, and in what.
struct Patient<'a> {
    at: &'a Address,
    protocol: Model,
    wishes: &'a Wishes,
}

/// The plain request alone.
pub(super) fn once(
    at: &Address,
    protocol: Model,
    wishes: &Wishes,
    report: &mut Report,
) -> Option<Exchange> {
    let patient = Patient {
        at,
        protocol,
        wishes,
    };
    let plain = patient.plain(report)?;
    patient.script(&plain, report);
    Some(plain)
}

/// Everything that can be varied without harm.
pub(super) fn all(at: &Address, protocol: Model, wishes: &Wishes, report: &mut Report) {
    let patient = Patient {
        at,
        protocol,
        wishes,
    };
    let Some(plain) = patient.plain(report) else {
        return;
    };
    patient.variables(&plain, report);
    if !plain.has_head {
        // Where not even the plain request is answered, variations tell nothing.
        return patient.script(&plain, report);
    }
    patient.script(&plain, report);
    patient.pieces(&plain, report);
    patient.kept(&plain, report);
    patient.large_request(&plain, report);
    patient.large_reply(report);
    if wishes.post {
        patient.bodies(report);
    }
}

/// Variables, or fields, that are left out one at a time.
fn varied(protocol: Model) -> &'static [&'static str] {
    match protocol {
        Model::Http => &["Host"],
        Model::FastCgi => &[
            "SCRIPT_FILENAME",
            "SCRIPT_NAME",
            "REQUEST_URI",
            "DOCUMENT_ROOT",
            "HTTP_HOST",
            "SERVER_NAME",
        ],
        _ => &[
            "PATH_INFO",
            "SCRIPT_NAME",
            "REQUEST_URI",
            "HTTP_HOST",
            "SERVER_NAME",
        ],
    }
}

impl Patient<'_> {
    fn send(&self, ask: &Ask, without: Option<&str>, within: Duration) -> Result<Came, String> {
        let octets = ask.octets(self.protocol, without)?;
        let line = Line::open(self.at, self.protocol, within);
        Ok(line.map_err(|error| error.to_string())?.ask(&[&octets]))
    }

    /// Asks once, and tells what is wrong with the answer.
    fn plain(&self, report: &mut Report) -> Option<Exchange> {
        let ask = &self.wishes.ask;
        let octets = match ask.octets(self.protocol, None) {
            Ok(octets) => octets,
            Err(why) => {
                let cure = "Ask for less, or send fewer variables.";
                report.problem(finding("not-sendable", "", why, cure));
                return None;
            }
        };
        let mut line = match Line::open(self.at, self.protocol, self.wishes.timeout) {
            Ok(line) => line,
            Err(error) => {
                report.problem(unreachable(self.at, &error));
                return None;
            }
        };
        let came = line.ask(&[&octets]);
        report.trial(ask.line(), words(&came), false);
        let silent = matches!(came, Came::Silent(_));
        let exchange = came.exchange().clone();
        if silent {
            report.problem(self.silent());
        } else {
            for found in diagnose(&exchange) {
                // The tap's own words speak of a gateway that there is none of here.
                if found.problem != "gateway-closed" {
                    report.problem(found);
                }
            }
            if let Some(found) = self.status(&exchange) {
                report.problem(found);
            }
        }
        Some(exchange)
    }

    fn silent(&self) -> crate::tap::Finding {
        finding(
            "no-answer",
            "DF-TIMEOUT-CODES",
            format!(
                "Nothing came within {:.1} s: the application works for longer, waits for something (a lock, a database), or all workers are busy.",
                self.wishes.timeout.as_secs_f64()
            ),
            "Set harakiri / request_terminate_timeout below the gateway's read timeout, so that its log tells where the request was; more workers where they are all busy.",
        )
    }

    /// What a status tells that no part of the wire does.
    fn status(&self, exchange: &Exchange) -> Option<crate::tap::Finding> {
        let told = (self.protocol, exchange.status?);
        let (problem, cause, cure) = match told {
            (Model::Http, 502) => (
                "gateway-error",
                "The gateway answers 502: it cannot reach its application, or does not understand it.",
                "`gatebench explain < error.log` tells what its log says; `gatebench doctor /etc/nginx/nginx.conf` asks each upstream itself.",
            ),
            (Model::Http, 503) => (
                "gateway-error",
                "The server answers 503: no worker is free, or it was taken out of service.",
                "More workers, or a longer listen queue; its log tells.",
            ),
            (Model::Http, 504) => (
                "gateway-error",
                "The gateway answers 504: its application did not answer in time.",
                "Raise fastcgi_read_timeout (uwsgi_, scgi_, proxy_) above harakiri / request_terminate_timeout, and find out in the application's log what took so long.",
            ),
            (_, 500..600) => (
                "application-error",
                "The application itself answers with an error of its own.",
                "Its log has the traceback of this second.",
            ),
            _ => return None,
        };
        Some(finding(problem, "", cause, cure))
    }

    /// Each important variable is left out once.
    fn variables(&self, plain: &Exchange, report: &mut Report) {
        let environ = self.wishes.ask.environ(self.protocol);
        for name in varied(self.protocol) {
            let is_there = *name == "Host" || environ.iter().any(|(known, _)| known == name);
            if !is_there {
                continue;
            }
            let Ok(came) = self.send(&self.wishes.ask, Some(name), self.wishes.timeout) else {
                continue;
            };
            let exchange = came.exchange();
            report.trial(
                format!("without {name}"),
                words(&came),
                !is_alike(exchange, plain),
            );
            let was_bad = plain.status.is_none_or(|it| it >= 400);
            if was_bad && exchange.status.is_some_and(|it| it < 400) {
                let value = environ.iter().find(|(known, _)| known == name);
                let value = value.map_or("", |(_, value)| value);
                report.problem(finding(
                    "variable-at-fault",
                    "",
                    format!("Without {name} (`{value}`) the request is answered well: its value is what the application does not take."),
                    format!("Send another {name}, or let the application know this one (for a host: ALLOWED_HOSTS, trusted_hosts)."),
                ));
            }
        }
    }

    /// A request that comes in pieces, as over a slow network.
    fn pieces(&self, plain: &Exchange, report: &mut Report) {
        let Ok(octets) = self.wishes.ask.octets(self.protocol, None) else {
            return;
        };
        let Ok(mut line) = Line::open(self.at, self.protocol, self.wishes.timeout) else {
            return;
        };
        let (head, rest) = octets.split_at(octets.len().min(5));
        let (middle, end) = rest.split_at(rest.len() / 2);
        let came = line.ask(&[head, middle, end]);
        let differs = !is_alike(came.exchange(), plain);
        report.trial("the same in three pieces", words(&came), differs);
        if differs {
            report.problem(finding(
                "pieces-not-joined",
                "",
                "The server takes a request only if it comes at once: it reads once and does not wait for the rest.",
                "Report it to the server's maintainers; a Unix socket and small requests hide it.",
            ));
        }
    }

    /// Two requests on one connection.
    fn kept(&self, plain: &Exchange, report: &mut Report) {
        if !matches!(self.protocol, Model::FastCgi | Model::Http) {
            return;
        }
        let mut ask = self.wishes.ask.clone();
        ask.keep = true;
        let Ok(octets) = ask.octets(self.protocol, None) else {
            return;
        };
        let Ok(mut line) = Line::open(self.at, self.protocol, self.wishes.timeout) else {
            return;
        };
        line.ask(&[&octets]);
        let second = line.ask(&[&octets]);
        let is_kept = is_alike(second.exchange(), plain);
        let came = match is_kept {
            true => words(&second),
            false => format!("not kept: {}", words(&second)),
        };
        report.trial("a second on a kept connection", came, !is_kept);
        if !is_kept && self.protocol == Model::FastCgi {
            report.note(finding(
                "connection-not-kept",
                "FCGI-3.5-KEEP1-OPEN",
                "A connection that is to be kept (FCGI_KEEP_CONN) does not serve a second request.",
                "Leave fastcgi_keep_conn and the upstream's `keepalive` off for this server.",
            ));
        }
    }
}

/// Whether two exchanges ended in the same way.
fn is_alike(one: &Exchange, other: &Exchange) -> bool {
    (one.status, one.has_head, one.ending == Ending::Complete)
        == (
            other.status,
            other.has_head,
            other.ending == Ending::Complete,
        )
}

/// What came, on one line.
fn words(came: &Came) -> String {
    let mut words = came_words(came);
    if let Some(waited) = came.exchange().waited() {
        words.push_str(&format!(", {:.1} ms", waited.as_secs_f64() * 1000.0));
    }
    if let Some(line) = came.exchange().stderr.lines().next() {
        words.push_str(&format!(" ({})", line.chars().take(80).collect::<String>()));
    }
    words
}

/// The same without its time.
fn came_words(came: &Came) -> String {
    let exchange = came.exchange();
    match (exchange.status, came) {
        (Some(status), _) => format!("{status}, {} octets of body", exchange.reply.body),
        (None, Came::Silent(_)) => "nothing in time".to_owned(),
        (None, _) => match (&exchange.ending, exchange.end_request) {
            (Ending::BackendReset, _) => "reset".to_owned(),
            (_, Some((_, status))) if exchange.reply.body == 0 => {
                format!("ended without output, protocolStatus {status}")
            }
            _ if exchange.reply.octets == 0 => "closed without a word".to_owned(),
            _ => format!(
                "no head: `{}`",
                crate::decode::show_start(&exchange.polluted)
            ),
        },
    }
}
