//! Applications that misbehave, over every protocol: what the client sees, what the log says, and
//! that the next request is answered.

mod support;

use support::Responses;
use support::python::Site;
use support::site::Way;

const FAULTS: &str = r"
import ctypes, os, sys, time

def fine(environ, start_response):
    return plain(start_response, 'fine')

def raises(environ, start_response):
    raise RuntimeError('as told')

def exits(environ, start_response):
    os._exit(3)

def segfaults(environ, start_response):
    import signal
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)

def blocks(environ, start_response):
    # Holds the interpreter's lock, which no other thread gets then.
    ctypes.PyDLL(None).usleep(60000000)

def forks(environ, start_response):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return plain(start_response, 'forked')

def closes(environ, start_response):
    for fd in (0, 1):
        try:
            os.close(fd)
        except OSError:
            pass
    return plain(start_response, 'closed')

def fills(environ, start_response):
    for line in range(2000):
        environ['wsgi.errors'].write('complaint %d: %s\n' % (line, 'x' * 100))
    return plain(start_response, 'filled')

def no_list(environ, start_response):
    start_response('200 OK', [])
    return 7

def no_bytes(environ, start_response):
    start_response('200 OK', [])
    return ['text']

def no_status(environ, start_response):
    start_response(200, [])
    return []

def splits(environ, start_response):
    start_response('200 OK', [('X-Name', 'value\r\nSet-Cookie: stolen=1')])
    return []

def splits_name(environ, start_response):
    start_response('200 OK', [('X-Name: a\r\nSet-Cookie', 'stolen=1')])
    return []

def very_many(environ, start_response):
    start_response('200 OK', [('X-%d' % at, 'v') for at in range(1000000)])
    return []
";

/// A fault, the statuses that the client may see, and what the log says.
const TABLE: &[(&str, &[u16], &str)] = &[
    ("raises", &[500], "RuntimeError: as told"),
    ("exits", &[502], "worker 1"),
    ("segfaults", &[502], "worker 1"),
    ("blocks", &[504], "HARAKIRI"),
    ("forks", &[200], ""),
    ("closes", &[200], ""),
    ("fills", &[200], "complaint 1999: "),
    ("no_list", &[500], "TypeError"),
    ("no_bytes", &[500], "Error"),
    ("no_status", &[500], "Error"),
    ("splits", &[500], "Error"),
    ("splits_name", &[500], "Error"),
];

/// The status of the reply, or 502 where the connection ends without one, as a gateway tells it.
fn status(way: &Way, path: &str) -> u16 {
    let mut responses = Responses::on(way.connect());
    responses
        .peer
        .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    let mut bytes = bytes::BytesMut::new();
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut piece = [0; 4096];
        match std::io::Read::read(&mut responses.peer, &mut piece) {
            Ok(count @ 1..) => bytes.extend_from_slice(&piece[..count]),
            Ok(0) | Err(_) => return 502,
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        !text.to_lowercase().contains("set-cookie"),
        "{path}: {text}"
    );
    text[9..12].parse().unwrap()
}

#[test]
fn each_fault_has_its_reply_its_line_in_the_log_and_a_next_request() {
    needs_python!();
    let site = Site::by_path(FAULTS);
    // One server for all faults: each has to recover from those before.
    std::thread::scope(|scope| {
        for protocol in support::site::WAYS {
            let options = site.options();
            scope.spawn(move || all_faults(protocol, &options));
        }
    });
}

fn all_faults(protocol: &'static str, options: &[&str]) {
    let mut way = Way::start(protocol, &[options, &["--harakiri", "3"]].concat());
    for (fault, expected, line) in TABLE {
        let seen = status(&way, &format!("/{fault}"));
        assert!(expected.contains(&seen), "{protocol} {fault}: {seen}");
        way.server.line(line);
        assert_eq!(way.get("/fine").text(), "fine", "{protocol} {fault}");
    }
}

#[test]
fn a_million_fields_cost_that_reply_alone() {
    needs_python!();
    let site = Site::by_path(FAULTS);
    for protocol in support::site::WAYS {
        let way = Way::start(protocol, &site.options());
        let mut peer = way.connect();
        peer.send("GET /very_many HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        // Sent whole, refused by the gateway, or cut: but it ends.
        assert!(peer.ends(), "{protocol}");
        assert_eq!(way.get("/fine").text(), "fine", "{protocol}");
    }
}
