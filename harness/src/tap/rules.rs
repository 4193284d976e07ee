//! Rules of the catalogue that the wire alone can judge.

use super::{Ending, Exchange, Finding};
use crate::model::Model;

/// Variables that every request has to have.
const ALWAYS: [(&str, &str); 6] = [
    ("REQUEST_METHOD", "CGI-4.1.12-METHOD"),
    ("QUERY_STRING", "CGI-4.1.7-QS-SET"),
    ("SERVER_NAME", "CGI-4.1.14-NAME-SET"),
    ("SERVER_PORT", "CGI-4.1.15-PORT"),
    ("SERVER_PROTOCOL", "CGI-4.1.16-PROTO"),
    ("REMOTE_ADDR", "CGI-4.1.8-REMOTE-ADDR"),
];

/// What a rule has against the exchange; nothing where octets were missed.
pub(super) fn findings(exchange: &Exchange, add: &mut Vec<Finding>) {
    if exchange.incomplete {
        return;
    }
    missing(exchange, add);
    scgi_order(exchange, add);
    stdin_end(exchange, add);
    head(exchange, add);
    length(exchange, add);
}

fn broken(rule: &'static str, what: String) -> Finding {
    Finding::new(
        "rule-broken",
        rule,
        what,
        format!("`gatebench list requirements` has {rule}; `gatebench replay` shows a case of it."),
    )
}

fn missing(exchange: &Exchange, add: &mut Vec<Finding>) {
    if !exchange.has_environ() {
        return;
    }
    for (name, rule) in ALWAYS {
        if exchange.param(name).is_none() {
            add.push(broken(rule, format!("The request has no {name}.")));
        }
    }
}

fn scgi_order(exchange: &Exchange, add: &mut Vec<Finding>) {
    let first = exchange.params.iter().next().map(|(name, _)| name);
    if exchange.protocol == Some(Model::Scgi) && first.is_some_and(|it| it != "CONTENT_LENGTH") {
        let what = format!(
            "The first SCGI header is {}, not CONTENT_LENGTH.",
            first.unwrap_or_default()
        );
        add.push(broken("SCGI-3-CL-FIRST", what));
    }
}

fn stdin_end(exchange: &Exchange, add: &mut Vec<Finding>) {
    let fcgi = exchange.protocol == Some(Model::FastCgi);
    if fcgi
        && exchange.has_environ()
        && !exchange.request.whole
        && exchange.ending == Ending::Complete
        && !exchange.answered_early
    {
        add.push(broken(
            "FCGI-6.1-AT-LEAST-ONE",
            "The request's body has no end record.".to_owned(),
        ));
    }
}

fn head(exchange: &Exchange, add: &mut Vec<Finding>) {
    let is_cgi = matches!(exchange.protocol, Some(Model::FastCgi | Model::Scgi));
    if !is_cgi || exchange.ending != Ending::Complete {
        return;
    }
    if exchange.reply.body == 0
        && !exchange.has_head
        && exchange.end_request.is_some_and(|(_, status)| status == 0)
        && exchange.polluted.is_empty()
        && exchange.has_environ()
    {
        add.push(broken(
            "CGI-6.1-NONEMPTY",
            "The application ended the request without any output.".to_owned(),
        ));
    }
    let has = |name| exchange.field(name).is_some();
    if exchange.has_head && exchange.reply.body > 0 && !has("Content-Type") && !has("Location") {
        add.push(broken(
            "CGI-6.2.1-CT-REQUIRED",
            "The reply has a body and no Content-Type.".to_owned(),
        ));
    }
    for name in ["Connection", "Keep-Alive", "Transfer-Encoding"] {
        if has(name) {
            add.push(broken("CGI-6.3.4-NO-HOP", format!("The reply has the field {name}, which is about the client's connection and not the application's to send.")));
        }
    }
}

fn length(exchange: &Exchange, add: &mut Vec<Finding>) {
    let told = exchange
        .field("Content-Length")
        .and_then(|it| it.parse::<u64>().ok());
    let Some(told) = told.filter(|_| exchange.method != "HEAD" && exchange.status != Some(304))
    else {
        return;
    };
    if exchange.ending == Ending::Complete && exchange.reply.whole && told != exchange.reply.body {
        add.push(broken(
            "CGI-6.4-CL-MISMATCH",
            format!(
                "Content-Length says {told}, the body has {} octets.",
                exchange.reply.body
            ),
        ));
    }
}
