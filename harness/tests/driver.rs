//! The driver before a real application server: gateserve with the native probe.

mod support;

use std::{
    fs,
    io::{self, Read},
    sync::Arc,
};

use gatebench::{
    address::Address,
    backends,
    bench::{Bench, Wishes},
    model::Model,
    outcome::{Outcome, Witness},
    programs::Programs,
    results::CaseResult,
    run::{Ended, Session},
    scenario::{KnownList, Scenario, load_dir},
    seating::{Driver, Judged, Seating},
    seats::driver::{Play, Seat, Way},
    transcript::Log,
};

/// A scenario of these lines.
fn scenario(lines: &str) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cgi")).unwrap();
    let text = format!(
        "spec = 's'\n[[scenario]]\nname = 'n'\nlevel = 'recommended'\nsays = 'It holds.'\n\
         requirements = ['CGI-DF-HTTPOXY']\nfaults = ['gateway/httpoxy']\n{lines}"
    );
    fs::write(folder.path().join("cgi/t.toml"), text).unwrap();
    let catalogue = load_dir(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    catalogue.scenarios.into_iter().next().unwrap()
}

async fn session(model: Model) -> Session {
    support::build_programs();
    let bench = Bench::set_up(Wishes::default()).await.unwrap();
    let judged = Judged::Known(backends::named("gateserve").unwrap());
    let seating = Seating::Driver(Driver { model, judged });
    Session::new(seating, Arc::new(bench), KnownList::default())
}

/// A session on what runs already.
async fn at(model: Model, way: Way) -> Session {
    let bench = Bench::idle(Wishes::default()).await;
    let judged = Judged::At {
        way,
        probe: true,
        params: Vec::new(),
    };
    let seating = Seating::Driver(Driver { model, judged });
    Session::new(seating, Arc::new(bench), KnownList::default())
}

async fn ended(model: Model, lines: &str) -> Ended {
    session(model).await.play(&scenario(lines)).await
}

#[track_caller]
fn passed(ended: &Ended) {
    let CaseResult {
        outcome,
        expected,
        actual,
        reason,
        ..
    } = &ended.result;
    let transcript = ended.transcript.as_deref().unwrap_or_default();
    assert_eq!(
        *outcome,
        Outcome::Pass,
        "expected {expected:?}\nactual {actual:?}\nreason {reason:?}\n{transcript}"
    );
}

/// Every model over a socket.
const SOCKETS: [Model; 4] = [Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http];

#[tokio::test]
async fn a_whole_request_is_answered_over_every_protocol() {
    let lines = "steps = [
        { send = { request = { method = 'POST', path = '/x', query = 'a=1', params = { HTTP_X_A = 'one' }, body = 'hello' } } },
        { expect = { response = { status = 200, application = { PATH_INFO = '/x', QUERY_STRING = 'a=1', HTTP_X_A = 'one', CONTENT_LENGTH = '5', body = { sha256 = 'of-request' } } } } },
        { expect = { connection = 'closed' } },
    ]";
    for model in SOCKETS {
        passed(&ended(model, lines).await);
    }
}

#[tokio::test]
async fn a_request_may_come_octet_by_octet() {
    let lines = "steps = [
        { send = { request = { probe = { body = 'whole' } } }, cut = 1 },
        { expect = { response = { status = 200, body = 'whole' } } },
    ]";
    for model in SOCKETS {
        passed(&ended(model, lines).await);
    }
}

#[tokio::test]
async fn parts_of_fastcgi_requests_are_sent_as_they_are_spelled() {
    let lines = "models = ['fastcgi']
steps = [
        { send = { begin = { flags = ['keep-conn'] } } },
        { send = [{ params = { probe = { echo = true }, params = { CONTENT_LENGTH = '5' } }, long = true, per_record = 7 }, { stdin = 'hello', per_record = 2 }] },
        { send = { stdin_end = true } },
        { expect = { response = { body = 'hello' }, end_request = { protocol_status = 'complete', app_status = 0 } } },
        { expect = { records = [{ type = 'STDOUT', id = 1 }, { type = 'END_REQUEST', id = 1, length = 8 }], counts = [{ type = 'END_REQUEST' }], strays = 0 } },
        { expect = { connection = 'open' } },
        { send = { get_values = ['FCGI_MPXS_CONNS', 'X'] } },
        { expect = { values = { FCGI_MPXS_CONNS = { matches = '^[01]$' }, X = { absent = true } } } },
        { send = { hex = '01 63 00 00 00 00 00 00' } },
        { expect = { unknown_type = 99 } },
        { send = { request = { id = 7, probe = { body = 'last' } } } },
        { expect = { response = { id = 7, body = 'last' }, connection = 'closed' } },
    ]";
    passed(&ended(Model::FastCgi, lines).await);
}

#[tokio::test]
async fn the_first_outcome_that_comes_is_told() {
    let lines = "models = ['fastcgi']
steps = [{ send = { hex = '09 01 00 01 00 08 00 00 00 01 00 00 00 00 00 00' } }]
one_of = [
  { as = 'answered', steps = [{ expect = { response = { status = 200 } } }] },
  { as = 'closed', steps = [{ expect = { connection = 'closed' } }] },
]";
    let ended = ended(Model::FastCgi, lines).await;
    passed(&ended);
    assert_eq!(ended.result.observation["chosen"], "closed");
}

#[tokio::test]
async fn what_does_not_come_is_told_with_what_came() {
    let lines = "steps = [
        { send = { request = { probe = { body = 'one' } } } },
        { expect = { response = { body = 'two' } } },
    ]";
    let result = ended(Model::Uwsgi, lines).await.result;
    assert_eq!(result.outcome, Outcome::Fail);
    assert_eq!(result.witness, Some(Witness::Reply));
    assert_eq!(result.expected.as_deref(), Some("response.body: \"two\""));
    assert_eq!(result.actual.as_deref(), Some("response.body: \"one\""));
}

#[tokio::test]
async fn silence_is_waited_for() {
    let lines = "within = '300ms'
steps = [{ expect = { silence = '100ms', connection = 'open' } }, { expect = { response = {} } }]";
    let result = ended(Model::Scgi, lines).await.result;
    assert_eq!(result.outcome, Outcome::Fail);
    let told = "response: nothing, connection open after 300 ms";
    assert_eq!(result.actual.as_deref(), Some(told));
}

#[tokio::test]
async fn both_directions_are_in_the_transcript_record_by_record() {
    let lines = "models = ['fastcgi']
steps = [{ send = { request = { probe = { body = 'one' } } } }, { expect = { response = { body = 'one' } } }]";
    let ended = ended(Model::FastCgi, lines).await;
    passed(&ended);
    let transcript = ended.transcript.unwrap();
    for line in [
        "BEGIN_REQUEST id 1",
        "HTTP_X_PROBE = body=one",
        "STDOUT id 1",
        "END_REQUEST id 1",
    ] {
        assert!(transcript.contains(line), "{line}\n{transcript}");
    }
}

#[tokio::test]
async fn a_cgi_program_is_executed_for_each_request() {
    support::build_programs();
    let probe = Programs::find().unwrap().probe;
    let mut session = at(Model::Cgi, Way::Program(probe)).await;
    let lines = "models = ['cgi']
steps = [
        { send = { request = { method = 'POST', body = 'hel', open = true, argv = ['a b'], params = { CONTENT_LENGTH = '5' }, probe = { exit = 3, stderr = 'oops' } } } },
        { expect = { silence = '100ms' } },
        { send = { text = 'lo' } },
        { expect = { response = { status = 200, application = { argv = ['a b'], body = { size = 5 } } }, exit = 3, stderr = 'oops' } },
    ]
observe = ['exit', 'response.status']";
    let ended = session.play(&scenario(lines)).await;
    passed(&ended);
    assert_eq!(ended.result.observation["exit"], "exit status 3");
    let killed = "models = ['cgi']
steps = [{ send = { request = { probe = { die = 'after-head' } } } }, { expect = { exit = 'signal' } }]";
    passed(&session.play(&scenario(killed)).await);
}

/// php-cgi with the probe in PHP; stopped when dropped.
struct Php(std::process::Child, String);

impl Php {
    fn start() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap().to_string();
        drop(port);
        let mut php = std::process::Command::new("php-cgi");
        let php = php.args(["-b", &address]).spawn().ok()?;
        for _ in 0..100 {
            if std::net::TcpStream::connect(&address).is_ok() {
                return Some(Self(php, address));
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("php-cgi does not listen at {address}");
    }
}

impl Drop for Php {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn the_probe_in_php_replies_as_the_others() {
    let Some(php) = Php::start() else {
        eprintln!("skipped: php-cgi does not run here");
        return;
    };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/apps/probe.php");
    let file = fs::canonicalize(file).unwrap();
    let judged = Judged::At {
        way: Way::Socket(Address::Tcp(php.1.clone())),
        probe: true,
        params: vec![("SCRIPT_FILENAME".to_owned(), file.display().to_string())],
    };
    let bench = Bench::idle(Wishes::default()).await;
    let model = Model::FastCgi;
    let seating = Seating::Driver(Driver { model, judged });
    let mut session = Session::new(seating, Arc::new(bench), KnownList::default());
    for steps in [
        "{ send = { request = { method = 'POST', query = 'a=%20', body = 'h\u{e9}', params = { HTTP_X = '\u{e9}' } } } },
         { expect = { response = { status = 200, once = ['Content-Length'], without = ['X-Powered-By'], application = { QUERY_STRING = 'a=%20', HTTP_X = '\u{e9}', body = { sha256 = 'of-request' } } } } }",
        "{ send = { request = { probe = { status = '404 Not Found', headers = ['Set-Cookie: a=1', 'Set-Cookie: b=2', 'Content-Type: a/b'], body = 'gone', length = 'no' } } } },
         { expect = { response = { status = 404, headers = [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['Content-Type', 'a/b']], body = 'gone' } } }",
        "{ send = { request = { method = 'POST', body = { size = 200000 }, probe = { size = 200000, chunks = 3 } } } },
         { expect = { response = { body = { size = 200000, sha256 = 'of-counter' } } } }",
        "{ send = { request = { method = 'POST', body = { size = 70000 }, probe = { echo = true } } } },
         { expect = { response = { body = { size = 70000, sha256 = 'of-request' } } } }",
        "{ send = { request = { method = 'HEAD', probe = { body = 'x' } } } },
         { expect = { response = { status = 200, body = '' } } }",
        "{ send = { request = { probe = { stderr = 'complaint', body = 'x' } } } },
         { expect = { response = { body = 'x', stderr = { contains = 'complaint' } } } }",
    ] {
        let scenario = scenario(&format!("models = ['fastcgi']\nsteps = [\n{steps} ]"));
        passed(&session.play(&scenario).await);
    }
    let raw = scenario(
        "steps = [{ send = { request = { probe = { raw = 'x' } } } }, { expect = { response = { status = 501 } } }]",
    );
    let ended = session.play(&raw).await;
    assert_eq!(ended.result.outcome, Outcome::Unsupported);
}

#[test]
fn a_reset_is_one_and_a_close_is_none() {
    for (act, expected) in [
        ("reset", io::ErrorKind::ConnectionReset),
        ("close", io::ErrorKind::UnexpectedEof),
        ("half_close", io::ErrorKind::UnexpectedEof),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scenario = scenario(&format!(
            "steps = [{{ send = {{ text = 'x' }} }}, {{ {act} = true }}, {{ settle = '200ms' }}]"
        ));
        let driver = std::thread::spawn(move || {
            let seat = Seat::new(Way::Socket(Address::Tcp(address.to_string())), Model::Http);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let play = async { Play::new(&seat, Log::default()).scenario(&scenario).await };
            runtime.unwrap().block_on(play).unwrap()
        });
        let (mut stream, _) = listener.accept().unwrap();
        let read = stream.read_to_end(&mut Vec::new());
        let kind = read
            .err()
            .map_or(io::ErrorKind::UnexpectedEof, |error| error.kind());
        assert_eq!(kind, expected, "{act}");
        driver.join().unwrap();
    }
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_told_before_any_case() {
    let nowhere = Address::Abstract(b"gatebench-nobody-listens".to_vec());
    let mut session = at(Model::Scgi, Way::Socket(nowhere)).await;
    let result = session
        .play(&scenario("steps = [{ close = true }]"))
        .await
        .result;
    assert_eq!(result.outcome, Outcome::BenchError);
    let reason = result.reason.unwrap();
    assert!(
        reason.starts_with("nothing takes a connection at @gatebench-nobody-listens: "),
        "{reason}"
    );
}
