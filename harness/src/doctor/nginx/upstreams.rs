//! The servers behind a location: where they are, what they speak, how they answer its request.

use super::{
    location::{Location, Pass, octets, seconds},
    values::Sample,
};
use crate::{
    address::{Address, Endpoint},
    doctor::{Ask, Report, Weight, Wishes, examine_as, finding, speaks},
    model::Model,
    tap::Exchange,
};

/// What nginx reads a reply's head into unless told: a page.
const BUFFER: u64 = 4096;
/// How long it waits between two reads unless told.
const READ_TIMEOUT: f64 = 60.0;

/// Asks every server of a location as nginx would.
pub(super) fn ask(location: &Location<'_>, wishes: &Wishes, paths: &[String]) -> Report {
    let target = format!(
        "{} ({}), {}_pass {}",
        location.name,
        location.pass.place(),
        location.kind.prefix(),
        location.pass.arg()
    );
    let mut report = Report::new(target);
    let place = Some(location.pass.place());
    let sample = Sample::of(location, paths);
    for server in servers(location, sample.as_ref()) {
        let address = match server {
            Ok(address) => address,
            Err(why) => {
                report.add(
                    Weight::Note,
                    place.clone(),
                    finding("not-asked", "", why.0, why.1),
                );
                continue;
            }
        };
        one(location, &address, sample.as_ref(), wishes, &mut report);
    }
    report
}

fn one(
    location: &Location<'_>,
    address: &Address,
    sample: Option<&Sample<'_>>,
    wishes: &Wishes,
    report: &mut Report,
) {
    let place = Some(location.pass.place());
    let wanted = location.kind.protocol();
    let endpoint = Endpoint {
        protocol: Some(wanted),
        address: address.clone(),
    };
    let spoken = speaks::who(&endpoint, wishes.timeout);
    report
        .clues
        .extend(spoken.clues.into_iter().map(|mut clue| {
            clue.sent = format!("{}, to {address}", clue.sent);
            clue
        }));
    match spoken.found {
        Ok(protocol) if protocol == wanted => report.protocol = Some(protocol),
        Ok(protocol) => {
            let (other, uses) = (directive(protocol), location.kind.prefix());
            return report.add(
                Weight::Problem,
                place,
                finding(
                    "wrong-protocol",
                    "UWSGI-HDR-HTTP-MISTAKE",
                    format!("{uses}_pass speaks {wanted}, but what listens at {address} speaks {protocol}."),
                    match protocol {
 Model::Http => format!("proxy_pass {}; without the lines of {uses}; or let the server listen with {wanted}.", pass_value(protocol, address)),
 _ => format!("{other}_pass {}; with {other}_param and `include {other}_params` in place of those of {uses}; or let the server listen with {wanted}.", pass_value(protocol, address)),
},
                ),
            );
        }
        Err(found) => return report.add(Weight::Problem, place, found),
    }
    let Some(sample) = sample else {
        return report.add(
            Weight::Note,
            place,
            finding(
                "not-asked",
                "",
                "No path is known that this location takes.",
                "Give one: --path /shop/cart",
            ),
        );
    };
    let mut ask = Ask::get(&sample.target);
    ask.host = sample.variable("http_host").unwrap_or_default();
    if location.kind != Pass::Proxy {
        ask.whole = Some(sample.params());
    }
    let asked = Wishes {
        ask,
        ..wishes.clone()
    };
    let (found, exchange) = examine_as(&endpoint, wanted, &asked);
    report.trials.extend(found.trials);
    let buffer = location.size("buffer_size").unwrap_or(BUFFER);
    let head = exchange.as_ref().map_or(0, |it| it.head_octets);
    for advice in found.findings {
        // The buffers are known here: what fits them is no trouble.
        if advice.finding.problem == "head-too-large" && head <= buffer {
            continue;
        }
        // Variables that no line sets are told together.
        if advice.finding.cause.starts_with("The request has no ") {
            continue;
        }
        let at = place_of(location, advice.finding.problem).or_else(|| place.clone());
        report.add(advice.weight, at, advice.finding);
    }
    if let Some(exchange) = exchange {
        slow(location, &exchange, report);
        if head > buffer {
            let at = location.own("buffer_size").map(|it| it.place()).or(place);
            let prefix = location.kind.prefix();
            let wanted = head.next_multiple_of(4096).next_power_of_two() / 1024;
            report.add(
                Weight::Problem,
                at,
                finding(
                    "head-too-large",
                    "FCGI-DF-HEADER-SPLIT-BUFFER",
                    format!("The reply's head has {head} octets, {prefix}_buffer_size is {buffer}: nginx answers 502, `upstream sent too big header`."),
                    format!("{prefix}_buffer_size {wanted}k; {prefix}_buffers 8 {wanted}k; {prefix}_busy_buffers_size {}k;", wanted * 2),
                ),
            );
        }
    }
}

fn slow(location: &Location<'_>, exchange: &Exchange, report: &mut Report) {
    let told = location.own("read_timeout");
    let limit = told
        .and_then(|it| seconds(&it.args.join(" ")))
        .unwrap_or(READ_TIMEOUT);
    let Some(took) = exchange.waited().map(|it| it.as_secs_f64()) else {
        return;
    };
    if took > limit {
        let prefix = location.kind.prefix();
        report.add(
            Weight::Problem,
            told.map(|it| it.place()),
            finding(
                "gateway-timeout",
                "DF-TIMEOUT-CODES",
                format!("The reply came after {took:.1} s, and {prefix}_read_timeout is {limit} s: nginx answers 504."),
                format!("{prefix}_read_timeout {}s; above harakiri / request_terminate_timeout of the application.", (took * 2.0).ceil()),
            ),
        );
    }
}

/// The line to which a problem of the variables belongs.
fn place_of(location: &Location<'_>, problem: &str) -> Option<String> {
    let name = match problem {
        "script-unknown" | "script-unreadable" | "script-elsewhere" => "SCRIPT_FILENAME",
        "path-info-missing" | "prefix-twice" => "SCRIPT_NAME",
        _ => return None,
    };
    let mut params = location.params().into_iter();
    let param = params.find(|one| one.arg() == name);
    param.map(|one| one.place())
}

fn directive(protocol: Model) -> &'static str {
    let of = Pass::ALL.into_iter().find(|one| one.protocol() == protocol);
    of.map_or("fastcgi", Pass::prefix)
}

fn pass_value(protocol: Model, address: &Address) -> String {
    let at = match address {
        Address::Unix(path) => format!("unix:{}", path.display()),
        other => other.to_string(),
    };
    match (protocol, address) {
        (Model::Http, Address::Unix(_)) => format!("http://{at}:"),
        (Model::Http, _) => format!("http://{at}"),
        _ => at,
    }
}

type Unknown = (String, String);

/// The addresses that a location passes on to.
fn servers(location: &Location<'_>, sample: Option<&Sample<'_>>) -> Vec<Result<Address, Unknown>> {
    let told = location.pass.arg();
    let filled = match (told.contains('$'), sample) {
        (true, Some(sample)) => sample.fill(told),
        _ => told.to_owned(),
    };
    let (scheme, rest) = filled
        .split_once("://")
        .map_or(("", filled.as_str()), |(s, r)| (s, r));
    if matches!(scheme, "https" | "suwsgi" | "grpcs") {
        return vec![Err((
            format!("{told} is reached over TLS, which is not asked here."),
            "Ask its plain socket, where it has one.".to_owned(),
        ))];
    }
    // `unix:///path` is `unix:` and a path; a proxy's path ends at the next colon.
    let name = match scheme {
        "unix" => format!("unix:{rest}"),
        _ => rest.to_owned(),
    };
    let name = match name.strip_prefix("unix:") {
        Some(path) if location.kind == Pass::Proxy => {
            format!("unix:{}", path.split(':').next().unwrap_or(path))
        }
        Some(_) => name,
        None => name.split('/').next().unwrap_or_default().to_owned(),
    };
    let upstream = location.upstreams.iter().find(|one| one.arg() == name);
    let Some(block) = upstream.and_then(|one| one.block.as_ref()) else {
        return vec![address(&name, location)];
    };
    let up = |one: &&super::syntax::Directive| !one.args.iter().any(|it| it == "down");
    block
        .all("server")
        .filter(up)
        .map(|one| address(one.arg(), location))
        .collect()
}

fn address(text: &str, location: &Location<'_>) -> Result<Address, Unknown> {
    let by_default = match location.kind {
        Pass::Proxy => Some(80),
        _ => None,
    };
    let whole = match (text.starts_with("unix:"), text.rsplit_once(':'), by_default) {
        (true, ..) | (_, Some(_), _) => text.to_owned(),
        (_, None, Some(port)) => format!("{text}:{port}"),
        // Servers of an upstream have port 80 unless they say one.
        (_, None, None) if location.pass.arg() != text => format!("{text}:80"),
        (_, None, None) => {
            return Err((
                format!(
                    "`{text}` is neither an upstream of this configuration nor an address with a port."
                ),
                "Define the upstream, or write host:port or unix:/path.".to_owned(),
            ));
        }
    };
    whole.parse().map_err(|error: crate::address::BadAddress| {
        (error.to_string(), "Correct the address.".to_owned())
    })
}

/// For the checks: buffers in force.
pub(super) fn buffers(location: &Location<'_>) -> (u64, u64) {
    let size = location.size("buffer_size").unwrap_or(BUFFER);
    let buffers = location.own("buffers").and_then(|it| {
        let count: u64 = it.arg().parse().ok()?;
        Some(count * octets(it.args.get(1)?)?)
    });
    (size, buffers.unwrap_or(8 * BUFFER))
}
