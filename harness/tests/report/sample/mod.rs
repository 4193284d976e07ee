//! A run as it could have been: nginx and the built-in gateway, three models each.

mod throughput;

use std::collections::BTreeMap;

use gatebench::{
    model::Model,
    outcome::{AtFault, Level, Outcome, Witness},
    results::{CaseResult, Difference, Environment, FORMAT, Results, Role, Rule, Subject, Summary},
};

/// Scenario, requirement, level, what must hold.
const SCENARIOS: [(&str, &str, Level, &str); 16] = [
    (
        "cgi/body/chunked-upload",
        "CGI-4.1.2-LENGTH-DECODED",
        Level::Required,
        "A chunked upload reaches the application with its decoded length.",
    ),
    (
        "cgi/body/empty",
        "CGI-4.1.2-LENGTH-ABSENT",
        Level::Required,
        "A request without a body carries no CONTENT_LENGTH, or an empty one.",
    ),
    (
        "cgi/body/exact",
        "CGI-4.2-BODY-EXACT",
        Level::Required,
        "The application reads exactly the octets that the client sent.",
    ),
    (
        "cgi/body/huge",
        "CGI-4.2-BODY-EXACT",
        Level::Required,
        "64 MiB arrive unchanged.",
    ),
    (
        "cgi/meta-variables/gateway-interface",
        "CGI-4.1.4-INTERFACE",
        Level::Required,
        "GATEWAY_INTERFACE is CGI/1.1.",
    ),
    (
        "cgi/meta-variables/http-names",
        "CGI-4.1.18-NAME",
        Level::Required,
        "A field becomes HTTP_ with hyphens as underscores.",
    ),
    (
        "cgi/meta-variables/proxy-dropped",
        "DF-HTTPOXY",
        Level::Recommended,
        "A client's Proxy field does not become HTTP_PROXY.",
    ),
    (
        "cgi/meta-variables/repeated-fields",
        "CGI-4.1.18-MERGE",
        Level::Required,
        "Fields of one name reach the application as one value.",
    ),
    (
        "cgi/path-info/encoded-slash",
        "CGI-4.1.5-DECODED",
        Level::Required,
        "PATH_INFO is decoded: %2F is a slash in it.",
    ),
    (
        "cgi/path-info/plain",
        "CGI-4.1.5-REST",
        Level::Required,
        "What follows the script's name in the path is PATH_INFO.",
    ),
    (
        "cgi/query/raw",
        "CGI-4.1.7-RAW",
        Level::Required,
        "QUERY_STRING is passed as it was sent, not decoded.",
    ),
    (
        "cgi/response/local-redirect",
        "CGI-6.2.2-LOCAL",
        Level::Required,
        "A Location that is a path is answered as if the client had asked for it.",
    ),
    (
        "cgi/response/no-body-with-304",
        "CGI-3.1-HTTP-CONFORM",
        Level::Required,
        "A body behind status 304 never reaches the client.",
    ),
    (
        "cgi/response/status",
        "CGI-6.3.3-STATUS-SYNTAX",
        Level::Required,
        "Status sets the status code of the response.",
    ),
    (
        "process/argv/indexed-query",
        "CGI-4.4-ARGV",
        Level::Required,
        "An indexed query arrives as arguments.",
    ),
    (
        "process/exit/non-zero-after-reply",
        "DF-EXIT-IGNORED",
        Level::Observed,
        "An exit status other than zero behind a complete reply changes nothing.",
    ),
];

const NGINX: &str = "nginx@1.22:documented";
const BUILTIN: &str = "builtin";

/// The whole run.
pub(crate) fn results() -> Results {
    let mut results = Vec::new();
    for gateway in [NGINX, BUILTIN] {
        for model in Model::DEFAULT {
            results.extend(SCENARIOS.map(|scenario| case(gateway, model, scenario)));
        }
    }
    for case in &mut results {
        happen(case);
    }
    let summary = Summary::of(&results, 1);
    Results {
        format: FORMAT,
        environment: environment(),
        subjects: subjects(),
        requirements: requirements(),
        results,
        throughput: throughput::all(),
        idle: throughput::rest(),
        summary,
    }
}

/// Two of the rules; of the others only the id is known, as in results of an older version.
fn requirements() -> BTreeMap<String, Rule> {
    let rule = |source: &str, level: &str, statement: &str| Rule {
        source: source.to_owned(),
        level: level.to_owned(),
        statement: statement.to_owned(),
    };
    let decoded = rule("RFC 3875 §4.1.5", "MUST", "PATH_INFO is not URL-encoded.");
    let exact = rule(
        "RFC 3875 §4.2",
        "MUST",
        "CONTENT_LENGTH octets can be <read>.",
    );
    BTreeMap::from([
        ("CGI-4.1.5-DECODED".to_owned(), decoded),
        ("CGI-4.2-BODY-EXACT".to_owned(), exact),
    ])
}

/// The transcript of any case that has one: with bytes that a page must not take as its own.
pub(crate) fn transcript(path: &str) -> String {
    format!(
        "# {path}\nclient > GET /probe/a%2Fb?<script>alert(1)</script> HTTP/1.1\\r\\n\n\
         client > Host: 127.0.0.1:8080\\r\\n\n\
         gateway > uwsgi packet modifier1=0 size=412\n  PATH_INFO = /a%2Fb\n  \
         X = \u{1b}[31mred\u{0}\nclient < HTTP/1.1 200 OK\\r\\n\n"
    )
}

fn environment() -> Environment {
    Environment {
        kernel: "Linux 6.1.0-18-amd64".to_owned(),
        cpus: 4,
        memory_bytes: 8 << 30,
        engine: Some("Docker Engine 20.10.24".to_owned()),
        gatebench: "0.1.0".to_owned(),
        started: "2025-03-01T12:00:00Z".to_owned(),
        notes: vec![
            "nginx runs in a container, because the engine at /var/run/docker.sock answers".to_owned(),
            "nothing could be pulled, so nginx comes from Debian's package in a locally built image".to_owned(),
        ],
        partial: None,
    }
}

fn subjects() -> Vec<Subject> {
    let subject = |id: &str, role, version: &str, via: &str, image: Option<&str>| Subject {
        id: id.to_owned(),
        name: id.split(['@', ':']).next().unwrap().to_owned(),
        variant: id.split_once(':').map(|(_, variant)| variant.to_owned()),
        role,
        version: Some(version.to_owned()),
        via: via.to_owned(),
        image: image.map(str::to_owned),
        options: Vec::new(),
    };
    let image = Some("gatebench/nginx:bookworm-5f2c91");
    vec![
        subject(NGINX, Role::Gateway, "nginx/1.22.1", "container", image),
        subject(BUILTIN, Role::Gateway, "gateserve 0.1.0", "process", None),
        subject(
            "gateserve:probe",
            Role::Backend,
            "gateserve 0.1.0",
            "process",
            None,
        ),
        subject(
            "gateserve:cgi",
            Role::Backend,
            "gateserve 0.1.0",
            "process",
            None,
        ),
        subject("script", Role::Backend, "probe 0.1.0", "builtin", None),
    ]
}

fn case(gateway: &str, model: Model, scenario: (&str, &str, Level, &str)) -> CaseResult {
    let (id, requirement, level, says) = scenario;
    let (carrier, backend) = match (gateway, model) {
        (NGINX, Model::Cgi) => (Some("fastcgi"), "gateserve:cgi"),
        (_, Model::Cgi) => (None, "script"),
        _ => (None, "gateserve:probe"),
    };
    CaseResult {
        scenario: id.to_owned(),
        level,
        requirements: vec![requirement.to_owned()],
        says: says.to_owned(),
        gateway: Some(gateway.to_owned()),
        model: Some(model),
        carrier: carrier.map(str::to_owned),
        backend: Some(backend.to_owned()),
        at_fault: None,
        outcome: Outcome::Pass,
        expected: None,
        actual: None,
        cause: None,
        observation: BTreeMap::new(),
        differs: Vec::new(),
        known: false,
        embargoed: false,
        reason: None,
        witness: None,
        duration_us: 4_200,
        repeats: 1,
        transcript: None,
    }
}

/// What went otherwise than well.
fn happen(case: &mut CaseResult) {
    let gateway = case.gateway.clone().unwrap();
    let model = case.model.unwrap();
    match (case.scenario.as_str(), gateway.as_str(), model) {
        ("cgi/path-info/encoded-slash", BUILTIN, Model::FastCgi | Model::Uwsgi) => undecoded(case),
        ("cgi/path-info/encoded-slash", BUILTIN, _) => differ(
            case,
            "application.PATH_INFO",
            "/a/b",
            &[("fastcgi", "/a%2Fb"), ("uwsgi", "/a%2Fb")],
        ),
        ("cgi/response/no-body-with-304", BUILTIN, Model::Uwsgi) => body_after_304(case),
        ("cgi/body/huge", BUILTIN, Model::Cgi) => died(case),
        ("cgi/response/local-redirect", NGINX, Model::Uwsgi) => known(case),
        ("cgi/meta-variables/repeated-fields", NGINX, Model::Cgi) => stale(case),
        ("cgi/meta-variables/proxy-dropped", NGINX, _) => proxy_passed(case),
        ("process/argv/indexed-query", _, Model::FastCgi | Model::Uwsgi) => no_arguments(case),
        ("cgi/response/status", BUILTIN, Model::Cgi) => blocked(case),
        ("cgi/query/raw", BUILTIN, Model::Uwsgi) => bench_error(case),
        ("process/exit/non-zero-after-reply", _, Model::Cgi) => differ(
            case,
            "client.connection",
            "closed",
            &[("fastcgi", "open"), ("uwsgi", "open")],
        ),
        ("cgi/body/exact" | "cgi/body/empty" | "cgi/query/raw", NGINX, Model::Uwsgi) => differ(
            case,
            "application.GATEWAY_INTERFACE",
            "absent",
            &[("cgi", "CGI/1.1"), ("fastcgi", "CGI/1.1")],
        ),
        ("cgi/body/chunked-upload", _, _) => chosen(case),
        _ => {}
    }
}

fn broken(
    case: &mut CaseResult,
    at_fault: AtFault,
    witness: Witness,
    expected: &str,
    actual: &str,
) {
    case.outcome = Outcome::Fail;
    case.at_fault = Some(at_fault);
    case.witness = Some(witness);
    case.expected = Some(expected.to_owned());
    case.actual = Some(actual.to_owned());
    let place = format!(
        "{}-{}",
        case.gateway.as_deref().unwrap(),
        case.model.unwrap()
    );
    let name = case.scenario.replace('/', "-");
    case.transcript = Some(format!("transcripts/{name}-{place}.txt"));
}

fn undecoded(case: &mut CaseResult) {
    broken(
        case,
        AtFault::Gateway,
        Witness::Application,
        r#"PATH_INFO = "/a/b""#,
        r#"PATH_INFO = "/a%2Fb""#,
    );
    let cgi = ("cgi", "/a/b");
    let other = if case.model == Some(Model::Uwsgi) {
        "fastcgi"
    } else {
        "uwsgi"
    };
    differ(
        case,
        "application.PATH_INFO",
        "/a%2Fb",
        &[cgi, (other, "/a%2Fb")],
    );
}

fn body_after_304(case: &mut CaseResult) {
    broken(
        case,
        AtFault::Gateway,
        Witness::NextRequest,
        "the next response on this connection has status 200",
        "<h1>stale</h1>\r\nHTTP/1.1 200 OK: 14 octets of the forbidden body stand where the next status line belongs",
    );
}

fn died(case: &mut CaseResult) {
    broken(
        case,
        AtFault::Backend,
        Witness::Process,
        "the backend lives",
        "worker 4711 ended by signal 9",
    );
    case.outcome = Outcome::Crash;
    case.cause = Some("The worker was out of memory. Raise the limit.".to_owned());
    case.duration_us = 2_310_000;
}

fn known(case: &mut CaseResult) {
    broken(
        case,
        AtFault::Gateway,
        Witness::Client,
        "status 200",
        "status 302",
    );
    case.known = true;
    case.reason =
        Some("nginx passes a local redirect of a uwsgi backend on to the client".to_owned());
}

fn stale(case: &mut CaseResult) {
    case.known = true;
    case.reason = Some("only the last of several fields arrived before 1.23".to_owned());
}

fn proxy_passed(case: &mut CaseResult) {
    broken(
        case,
        AtFault::Gateway,
        Witness::Application,
        "HTTP_PROXY absent",
        r#"HTTP_PROXY = "http://evil.example/""#,
    );
}

fn no_arguments(case: &mut CaseResult) {
    case.outcome = Outcome::Unsupported;
    case.reason = Some("only a CGI program has arguments".to_owned());
}

fn blocked(case: &mut CaseResult) {
    case.outcome = Outcome::Blocked;
    case.reason = Some("builds on cgi/body/huge, which did not pass".to_owned());
}

fn bench_error(case: &mut CaseResult) {
    case.outcome = Outcome::BenchError;
    case.reason = Some("the transcript could not be written: no space left on device".to_owned());
}

fn chosen(case: &mut CaseResult) {
    let chosen = if case.gateway.as_deref() == Some(NGINX) {
        "buffered"
    } else {
        "refused with 411"
    };
    case.observation
        .insert("chosen".to_owned(), chosen.to_owned());
}

fn differ(case: &mut CaseResult, what: &str, here: &str, others: &[(&str, &str)]) {
    let others = others
        .iter()
        .map(|(model, value)| ((*model).to_owned(), (*value).to_owned()));
    case.differs.push(Difference {
        what: what.to_owned(),
        here: here.to_owned(),
        others: others.collect(),
    });
}
