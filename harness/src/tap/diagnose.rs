//! What went wrong in an exchange: its likely cause, and the line to change.

use std::time::Duration;

use serde::Serialize;

use super::{Ending, Exchange, environment, rules};
use crate::{cause, decode, model::Model};

/// Something to tell of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word for it.
    pub problem: &'static str,
    /// The requirement of the catalogue that is at stake, if there is one.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub requirement: &'static str,
    /// What happened and why, as likely as the wire can tell.
    pub cause: String,
    /// What to change.
    pub cure: String,
}

impl Finding {
    pub(crate) fn new(
        problem: &'static str,
        requirement: &'static str,
        cause: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            problem,
            requirement,
            cause: cause.into(),
            cure: cure.into(),
        }
    }
}

/// Longer than this before an end without a reply looks like a timer.
const TIMER: Duration = Duration::from_millis(900);
/// The smallest buffer for a head that a gateway has: nginx's page.
const SMALL_HEAD: u64 = 4096;

/// All that is to be told, the worst first.
pub fn diagnose(exchange: &Exchange) -> Vec<Finding> {
    let mut found = Vec::new();
    let ends = [
        refused,
        foreign_request,
        foreign_reply,
        polluted,
        by_log,
        too_large,
        rejected,
        early,
        overdue,
        closed,
        given_up,
    ];
    // One cause ends an exchange; what follows of it need not be told as well.
    found.extend(ends.iter().find_map(|check| check(exchange)));
    environment::findings(exchange, &mut found);
    let more = [large_head, unauthorised, unstreamed];
    found.extend(more.iter().filter_map(|check| check(exchange)));
    rules::findings(exchange, &mut found);
    found
}

/// What nginx calls this protocol in its directives.
fn prefix(exchange: &Exchange) -> &'static str {
    match exchange.protocol {
        Some(Model::Uwsgi) => "uwsgi",
        Some(Model::Scgi) => "scgi",
        Some(Model::Http) => "proxy",
        _ => "fastcgi",
    }
}

fn refused(exchange: &Exchange) -> Option<Finding> {
    let Ending::Refused(why) = &exchange.ending else {
        return None;
    };
    let (cause, cure) = connect_trouble(why);
    Some(Finding::new(
        "not-connected",
        "",
        format!("{cause} ({why})"),
        cure,
    ))
}

/// What an error of connect() means, and what to change.
pub fn connect_trouble(why: &str) -> (&'static str, &'static str) {
    let has = |number: &str| why.contains(&format!("os error {number})"));
    if has("2") {
        (
            "There is no socket at that path.",
            "Start the application server, or make both configurations name the same path; a service with PrivateTmp has a /tmp of its own.",
        )
    } else if has("13") {
        (
            "The socket or a folder above it is not open to this user.",
            "Give the socket the gateway's group (listen.owner, listen.group, chown-socket) or mode 666, and every folder above it the x bit.",
        )
    } else if has("11") {
        (
            "The listen queue is full: every worker is busy and no more requests may wait.",
            "Raise listen / listen.backlog and net.core.somaxconn, and workers; or make requests shorter.",
        )
    } else if has("111") {
        (
            "Nothing listens at that address any more.",
            "Start the application server; a socket file that outlived its server refuses as well: remove it. `localhost` may mean ::1 first.",
        )
    } else {
        (
            "The application server cannot be reached.",
            "Compare address and port of both configurations.",
        )
    }
}

fn foreign_request(exchange: &Exchange) -> Option<Finding> {
    let flaw = exchange.request.flaw.as_deref()?;
    let seen = decode::recognise(&exchange.request.raw).map(|seen| seen.protocol);
    let expected = exchange.protocol;
    match (seen, expected) {
        (Some(seen), Some(expected)) if seen != expected => Some(mismatch(seen, expected)),
        _ => Some(Finding::new(
            "request-malformed",
            "",
            format!("What the gateway sent cannot be read: {flaw}."),
            "`-vv` shows the octets where it breaks.",
        )),
    }
}

/// One side speaks something else than the other.
pub(crate) fn mismatch(spoken: Model, expected: Model) -> Finding {
    let directive = |model| match model {
        Model::Uwsgi => "uwsgi_pass",
        Model::Scgi => "scgi_pass",
        Model::Http => "proxy_pass",
        _ => "fastcgi_pass",
    };
    Finding::new(
        "wrong-protocol",
        "UWSGI-HDR-HTTP-MISTAKE",
        format!("Wrong protocol on the socket: {spoken} is spoken where {expected} is expected."),
        format!(
            "Use {} for this address, or let the other side listen with {spoken} (uWSGI: socket speaks uwsgi, http-socket HTTP, fastcgi-socket FastCGI).",
            directive(expected)
        ),
    )
}

fn foreign_reply(exchange: &Exchange) -> Option<Finding> {
    let protocol = exchange.protocol?;
    if exchange.has_head || exchange.reply.raw.is_empty() {
        return None;
    }
    let seen = decode::recognise(&exchange.reply.raw)?.protocol;
    let is_foreign = match protocol {
        Model::FastCgi => seen != Model::FastCgi,
        Model::Http => seen == Model::FastCgi,
        _ => seen == Model::FastCgi || seen == Model::Uwsgi,
    };
    // A head without records in front is a program's own output.
    let seen = if seen == Model::Scgi {
        return None;
    } else {
        seen
    };
    is_foreign.then(|| {
        let mut finding = mismatch(protocol, seen);
        finding.cause = format!(
            "Wrong protocol on the socket: the gateway speaks {protocol}, and what listens there answers by {seen} (`{}`).",
            decode::show_start(&exchange.reply.raw)
        );
        finding
    })
}

fn polluted(exchange: &Exchange) -> Option<Finding> {
    if exchange.polluted.is_empty() {
        return None;
    }
    let start = &exchange.polluted;
    let is_cut = matches!(
        exchange.ending,
        Ending::BackendClosed | Ending::BackendReset
    );
    if is_cut && begins_head(start) {
        return None;
    }
    let shown = decode::show_start(start);
    let (what, cure) = if start.starts_with(b"\xef\xbb\xbf") {
        ("a byte order mark", "Save the script as UTF-8 without BOM.")
    } else if start.windows(7).any(|it| it == b"Warning")
        || start.windows(6).any(|it| it == b"Notice")
        || start.windows(10).any(|it| it == b"Deprecated")
    {
        (
            "a warning of the language",
            "display_errors = Off (stderr for CGI), and mend what it warns of.",
        )
    } else if start.starts_with(b"HTTP/") {
        (
            "an HTTP status line",
            "Over FastCGI and CGI the status is a field: print `Status: 200 OK`.",
        )
    } else if start.starts_with(b"<") {
        (
            "markup",
            "Print the fields and an empty line before any markup; white space in front of `<?php` counts as well.",
        )
    } else {
        (
            "something that is no header field",
            "Print the fields first and an empty line after them; send diagnostics to standard error.",
        )
    };
    let flaw = exchange.reply.flaw.as_deref().unwrap_or("no head");
    Some(Finding::new(
        "output-before-head",
        "CGI-6.3-FIELD-SYNTAX",
        format!(
            "The reply does not begin with a head but with {what} (`{shown}`; {flaw}). The gateway answers 502 or 500."
        ),
        cure,
    ))
}

/// Whether octets are the beginning of a head that goes on.
fn begins_head(octets: &[u8]) -> bool {
    let mut lines = octets.split(|&octet| octet == b'\n').rev();
    let last = lines.next().unwrap_or_default();
    let is_name = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
    let named = |line: &[u8]| line.iter().take_while(|octet| is_name(octet)).count();
    let is_field = |line: &[u8]| named(line) > 0 && line.get(named(line)) == Some(&b':');
    lines.all(is_field) && (named(last) == last.len() || is_field(last))
}

/// What the application says itself, on its error stream.
fn by_log(exchange: &Exchange) -> Option<Finding> {
    if exchange.stderr.is_empty() || exchange.stderr.contains("Primary script unknown") {
        return None;
    }
    let known = cause::in_log(&exchange.stderr)?;
    Some(Finding::new(
        "told-on-stderr",
        "",
        known.cause.clone(),
        known.cure.clone(),
    ))
}

fn too_large(exchange: &Exchange) -> Option<Finding> {
    let (_, size) = exchange.packet?;
    let closed = matches!(
        exchange.ending,
        Ending::BackendClosed | Ending::BackendReset
    );
    let (silent, said) = (
        closed && exchange.reply.octets == 0,
        exchange.status == Some(431),
    );
    (size > 4096 && (silent || said)).then(|| {
        let wanted = usize::from(size).next_multiple_of(4096);
        Finding::new(
            "block-too-large",
            "UWSGI-HDR-APP-LIMIT",
            format!("The variables are {size} octets, and the server {} at once: more than its buffer-size (4096 in uWSGI) allows. Its log says `invalid request block size: {size}`.", if said { "refused them (431)" } else { "closed" }),
            format!("buffer-size = {} in the server's configuration, or smaller cookies.", wanted.min(65535)),
        )
    })
}

fn rejected(exchange: &Exchange) -> Option<Finding> {
    let (_, status) = exchange.end_request?;
    let what = match status {
        0 => return None,
        1 => "it cannot multiplex: a second request came on a connection that is busy",
        2 => "it is overloaded",
        3 => "it does not know the role",
        _ => "with a status that is not defined",
    };
    Some(Finding::new(
        "request-rejected",
        "FCGI-5.5-GW-PROTOSTATUS",
        format!("The application server rejects the request: {what}."),
        "More workers where it is overloaded; one request at a time per connection where it cannot multiplex.",
    ))
}

fn early(exchange: &Exchange) -> Option<Finding> {
    if !exchange.answered_early || exchange.request.whole {
        return None;
    }
    let status = exchange
        .status
        .map_or_else(|| "nothing".to_owned(), |it| it.to_string());
    Some(Finding::new(
        "answered-early",
        "DF-LINGER",
        format!(
            "The application answered ({status}) and closed while the body was still coming ({} octets had): the gateway's write fails (104, 32) and it may answer 502 instead of the reply.",
            exchange.request.body
        ),
        "Read the body before answering; uWSGI: post-buffering = 1; or refuse large bodies in the gateway (client_max_body_size).",
    ))
}

/// A server that answers in the name of a request that took too long.
fn overdue(exchange: &Exchange) -> Option<Finding> {
    let waited = exchange.waited().unwrap_or_default();
    if exchange.status != Some(504) || !exchange.has_head || exchange.protocol == Some(Model::Http)
    {
        return None;
    }
    Some(Finding::new(
        "killed-by-timer",
        "CGI-6.1-TIMEOUT",
        format!(
            "The application server itself answers 504, {:.1} s after the request began: its own timer, such as harakiri, ended the request.",
            waited.as_secs_f64()
        ),
        "Its log names the timer (`HARAKIRI`). Raise it above what the slowest request needs, and the gateway's read timeout above it.",
    ))
}

fn closed(exchange: &Exchange) -> Option<Finding> {
    let how = match exchange.ending {
        Ending::BackendClosed => "closed",
        Ending::BackendReset => "reset",
        _ => return None,
    };
    let what = match (exchange.has_head, exchange.reply.octets) {
        (_, 0) => "before a single octet of reply",
        (false, _) => "inside the reply's head",
        (true, _) => "inside the reply's body, which the client may take for complete",
    };
    let name = exchange
        .protocol
        .map_or("a protocol nobody knows", Model::word);
    let waited = exchange.took().unwrap_or_default();
    if waited >= TIMER && exchange.reply.octets == 0 {
        return Some(Finding::new(
            "killed-by-timer",
            "CGI-6.1-TIMEOUT",
            format!(
                "The application server {how} the connection {what}, {:.1} s after the request began: a timer that kills the worker, as harakiri, request_terminate_timeout, or the memory limit.",
                waited.as_secs_f64()
            ),
            "Its log names the timer (`HARAKIRI`, `execution timed out`). Raise harakiri / request_terminate_timeout above what the slowest request needs, and the gateway's read timeout above both.",
        ));
    }
    Some(Finding::new(
        "closed-early",
        "FCGI-DF-PREMATURE-EOF",
        format!(
            "The application server {how} the connection {what}: its worker crashed or was killed, or the socket speaks another protocol than {name}. nginx logs `upstream prematurely closed connection`."
        ),
        "Read the application server's log at this second; `gatebench doctor ADDR` tells which protocol the socket speaks.",
    ))
}

fn given_up(exchange: &Exchange) -> Option<Finding> {
    if exchange.ending != Ending::GatewayClosed {
        return None;
    }
    let waited = exchange.took().unwrap_or_default();
    let name = prefix(exchange);
    if waited < TIMER || exchange.reply.octets > 0 {
        let when = match exchange.reply.octets {
            0 => "before any reply came",
            _ => "inside the reply",
        };
        return Some(Finding::new(
            "gateway-closed",
            "DF-CLIENT-ABORT",
            format!(
                "The gateway closed {when}, {:.1} s after the request began: its client hung up, or it refuses the reply (see its error log).",
                waited.as_secs_f64()
            ),
            format!("Where work must go on without the client: {name}_ignore_client_abort on."),
        ));
    }
    Some(Finding::new(
        "gateway-timeout",
        "DF-TIMEOUT-CODES",
        format!(
            "The gateway gave up after {:.1} s without a reply: its read timeout (504), unless the client hung up.",
            waited.as_secs_f64()
        ),
        format!(
            "nginx: {name}_read_timeout above harakiri / request_terminate_timeout, so that the application's own timer fires first and its log tells where the request was."
        ),
    ))
}

fn large_head(exchange: &Exchange) -> Option<Finding> {
    let size = exchange.head_octets;
    if size <= SMALL_HEAD || !exchange.has_head {
        return None;
    }
    let name = prefix(exchange);
    let wanted = size.next_multiple_of(4096).next_power_of_two() / 1024;
    let limit = "nginx takes 4 or 8 KiB unless set, Apache 8 KiB, HAProxy 16 KiB, lighttpd 64 KiB";
    Some(Finding::new(
        "head-too-large",
        "FCGI-DF-HEADER-SPLIT-BUFFER",
        format!(
            "The reply's head is {size} octets ({limit}): where it does not fit, the gateway answers 502, `upstream sent too big header`."
        ),
        format!(
            "nginx: {name}_buffer_size {wanted}k; {name}_buffers 8 {wanted}k; {name}_busy_buffers_size {}k; or smaller cookies.",
            wanted * 2
        ),
    ))
}

fn unauthorised(exchange: &Exchange) -> Option<Finding> {
    let asked = exchange.status == Some(401) && exchange.field("WWW-Authenticate").is_some();
    if !asked || !exchange.has_environ() || exchange.has("HTTP_AUTHORIZATION") {
        return None;
    }
    Some(Finding::new(
        "authorization-missing",
        "CGI-4.1.18-AUTH-STRIP",
        "The application asks for a login, and no HTTP_AUTHORIZATION came: where the client sent one, the gateway kept it back (Apache does unless told).",
        "Apache: CGIPassAuth On (or SetEnvIf Authorization \"(.*)\" HTTP_AUTHORIZATION=$1);  nginx: no `proxy_set_header`/`fastcgi_param HTTP_AUTHORIZATION \"\"` in the way.",
    ))
}

fn unstreamed(exchange: &Exchange) -> Option<Finding> {
    let kind = exchange.field("Content-Type").unwrap_or_default();
    let unbuffered = exchange.field("X-Accel-Buffering") == Some("no");
    if !kind.starts_with("text/event-stream") || unbuffered {
        return None;
    }
    let name = prefix(exchange);
    Some(Finding::new(
        "events-buffered",
        "DF-BUF-RESPONSE",
        "The reply is a stream of events, and nothing tells the gateway not to collect it: the client sees nothing until a buffer is full.",
        format!(
            "Send `X-Accel-Buffering: no`, or nginx: {name}_buffering off; Apache: flushpackets=on; PHP: output_buffering = 0 and flush()."
        ),
    ))
}

/// The application server closed a connection that was to be kept, so long after its reply.
pub(super) fn not_kept(after: Duration) -> Finding {
    Finding::new(
        "connection-not-kept",
        "FCGI-3.5-KEEP1-OPEN",
        format!(
            "The gateway asked to keep the connection (FCGI_KEEP_CONN), and the application server closed it {:.0} ms after its reply: the next request may meet a connection that is just closing (502).",
            after.as_secs_f64() * 1000.0
        ),
        "Recycled workers (pm.max_requests) and libfcgi close like that; turn fastcgi_keep_conn and the upstream's `keepalive` off, or make the server keep connections longer than the gateway does.",
    )
}
