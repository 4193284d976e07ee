//! A run as it could have been: nginx and the built-in gateway, three models each.

use std::collections::BTreeMap;

use gatebench::{
    model::Model,
    outcome::{AtFault, Level, Outcome, Witness},
    results::{
        CaseResult, CpuSplit, Difference, Environment, FORMAT, PacingKind, Percentiles, Results,
        Role, Subject, Summary, Throughput,
    },
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
        results,
        throughput: throughput(),
        summary,
    }
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
        observation: BTreeMap::new(),
        differs: Vec::new(),
        known: false,
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

fn throughput() -> Vec<Throughput> {
    let saturated = "the load generator was busy 97 % of the time: the real rate may be higher";
    let mut all = vec![
        measured(NGINX, Model::Cgi, 1_093.4, 29_000, [38.0, 1_720.5, 21.3]),
        measured(NGINX, Model::FastCgi, 24_103.0, 1_240, [31.2, 18.4, 17.9]),
        measured(NGINX, Model::Uwsgi, 26_870.0, 1_105, [27.5, 16.1, 18.2]),
        measured(BUILTIN, Model::Cgi, 1_180.2, 27_400, [812.0, 0.0, 20.9]),
        measured(BUILTIN, Model::FastCgi, 31_560.0, 940, [24.7, 17.8, 17.4]),
        measured(BUILTIN, Model::Uwsgi, 30_220.0, 980, [25.9, 16.3, 17.7]),
    ];
    all[3].cpu_us_per_request.backend = None;
    all[4].caveats.push(saturated.to_owned());
    all[5].caveats.push(saturated.to_owned());
    all[5]
        .caveats
        .push("3 of 90,660 requests failed".to_owned());
    all[5].errors = 3;
    for entry in &mut all {
        let short = "a single run of 10 s: how much runs vary is unknown";
        entry.caveats.insert(0, short.to_owned());
    }
    all
}

fn measured(gateway: &str, model: Model, rps: f64, p50: u64, cpu: [f64; 3]) -> Throughput {
    let cgi = model == Model::Cgi;
    let carried = cgi && gateway == NGINX;
    let at = |times: f64| (p50 as f64 * times) as u64;
    let curve = [
        (0.0, 0.55),
        (10.0, 0.7),
        (25.0, 0.85),
        (50.0, 1.0),
        (75.0, 1.2),
        (90.0, 1.6),
        (95.0, 1.9),
        (99.0, 2.8),
        (99.9, 5.5),
        (99.99, 9.0),
    ];
    let wobble = [0.93, 1.01, 0.99, 1.03, 1.0, 0.97, 1.02, 1.04, 0.98, 1.03];
    Throughput {
        gateway: Some(gateway.to_owned()),
        model: Some(model),
        carrier: carried.then(|| "fastcgi".to_owned()),
        backend: Some(
            if carried {
                "gateserve:cgi"
            } else if cgi {
                "script"
            } else {
                "gateserve:probe"
            }
            .to_owned(),
        ),
        app: "probe".to_owned(),
        socket: (carried || !cgi).then(|| "unix".to_owned()),
        backend_keepalive: (carried || !cgi).then_some(model == Model::FastCgi),
        workload: "hello".to_owned(),
        pacing: PacingKind::Closed,
        connections: 32,
        offered_rps: None,
        requests: (rps * 10.0) as u64,
        errors: 0,
        rps,
        latency_us: Percentiles {
            p50,
            p90: at(1.6),
            p99: at(2.8),
            p999: at(5.5),
            max: at(9.0),
        },
        cpu_us_per_request: CpuSplit {
            gateway: Some(cpu[0]),
            backend: Some(cpu[1]),
            load: Some(cpu[2]),
        },
        rss_peak_bytes: Some(if cgi { 61 << 20 } else { 23 << 20 }),
        pss_peak_bytes: Some(if cgi { 38 << 20 } else { 9 << 20 }),
        forks: Some(if cgi { (rps * 10.0) as u64 } else { 0 }),
        context_switches: Some((rps * 20.0) as u64),
        latency_curve: curve
            .map(|(percentile, times)| (percentile, at(times)))
            .to_vec(),
        rps_by_second: wobble.map(|share| (rps * share) as u64).to_vec(),
        caveats: Vec::new(),
    }
}
