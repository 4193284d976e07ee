//! `wsgi.file_wrapper` as PEP 3333 has it.

mod support;

use support::python::{HTTP, Site, get, raw, request};
use support::site::Way;

const FILES: &str = r"
import gzip, io, os, sys, tempfile

with open('data', 'wb') as file:
    file.write(bytes(range(256)) * 400)
with gzip.open('data.gz', 'wb') as file:
    file.write(b'unpacked')

def send(environ, start_response, file, *args, **fields):
    start_response('200 OK', [(name.replace('_', '-'), value) for name, value in fields.items()])
    return environ['wsgi.file_wrapper'](file, *args)

def whole(environ, start_response):
    return send(environ, start_response, open('data', 'rb'))

def block(environ, start_response):
    return send(environ, start_response, open('data', 'rb', buffering=0), 4096)

def sought(environ, start_response):
    file = open('data', 'rb')
    file.read(10)
    file.seek(102000)
    return send(environ, start_response, file)

def limited(environ, start_response):
    file = open('data', 'rb')
    file.seek(256)
    return send(environ, start_response, file, Content_Length='70000')

def too_short(environ, start_response):
    return send(environ, start_response, open('data', 'rb'), Content_Length='200000')

def memory(environ, start_response):
    return send(environ, start_response, io.BytesIO(b'in memory'))

def gzipped(environ, start_response):
    return send(environ, start_response, gzip.open('data.gz', 'rb'))

def temporary(environ, start_response):
    file = tempfile.NamedTemporaryFile()
    file.write(b'x' * 50000)
    file.seek(49000)
    file.write(b'y' * 1000)
    file.seek(48000)
    return send(environ, start_response, file)

def piped(environ, start_response):
    read, write = os.pipe()
    os.write(write, b'through a pipe')
    os.close(write)
    return send(environ, start_response, open(read, 'rb'))

def kernel(environ, start_response):
    return send(environ, start_response, open('/proc/self/cmdline', 'rb'))

class Only:
    def __init__(self):
        self.left = [b'only ', b'read']
    def read(self, size):
        return self.left.pop(0) if self.left else b''

def only(environ, start_response):
    return send(environ, start_response, Only())

class Closing(Only):
    def close(self):
        sys.stderr.write('file closed\n')

def closing(environ, start_response):
    return send(environ, start_response, Closing())

def unused(environ, start_response):
    send(environ, start_response, open('data', 'rb'))
    return [b'other']

def iterated(environ, start_response):
    'As middleware does it.'
    return iter([b''.join(send(environ, start_response, io.BytesIO(b'x' * 10), 3))])

def text(environ, start_response):
    return send(environ, start_response, open('app.py'))

class Watched(io.FileIO):
    def close(self):
        if not self.closed:
            sys.stderr.write('plain file closed\n')
        super().close()

def watched(environ, start_response):
    file = open('data', 'rb')
    close = file.close
    wrapper = send(environ, start_response, file)
    # As Django does it.
    file.close = lambda: (close(), sys.stderr.write('closed: %s\n' % file.closed))
    return wrapper

def replaced(environ, start_response):
    wrapper = send(environ, start_response, io.BytesIO(b'gone'))
    return plain(lambda *args: None, type(wrapper).__name__)
";

fn data() -> Vec<u8> {
    (0..=255).cycle().take(256 * 400).collect()
}

#[test]
fn files_go_out_from_their_position_over_every_protocol() {
    needs_python!();
    let site = Site::by_path(FILES);
    let threads = [&site.options()[..], &["--threads", "2"]].concat();
    for args in [&site.options()[..], &threads] {
        for way in Way::all(args) {
            let body = |path: &str| way.get(path).body;
            assert_eq!(body("/whole"), data(), "{}", way.name);
            assert_eq!(body("/block"), data(), "{}", way.name);
            assert_eq!(body("/sought"), data()[102_000..], "{}", way.name);
            assert_eq!(body("/limited"), data()[256..70_256], "{}", way.name);
            let temporary = [[b'x'; 1000], [b'y'; 1000]].concat();
            assert_eq!(body("/temporary"), temporary, "{}", way.name);
        }
    }
}

#[test]
fn what_is_no_plain_file_is_read() {
    needs_python!();
    let site = Site::by_path(FILES);
    let server = site.serve(&HTTP);
    for (path, body) in [
        ("/memory", "in memory"),
        ("/gzipped", "unpacked"),
        ("/piped", "through a pipe"),
        ("/only", "only read"),
        ("/iterated", "xxxxxxxxxx"),
        ("/unused", "other"),
    ] {
        assert_eq!(get(&server, path).text(), body, "{path}");
    }
    assert!(get(&server, "/kernel").text().contains("gateserve"));
}

#[test]
fn a_plain_file_tells_its_length_and_head_sends_none_of_it() {
    needs_python!();
    let site = Site::by_path(FILES);
    let server = site.serve(&HTTP);
    assert_eq!(
        get(&server, "/whole").field("content-length"),
        Some("102400")
    );
    assert_eq!(get(&server, "/memory").field("content-length"), None);
    let mut responses = support::Responses::on(server.connect());
    for _ in 0..2 {
        responses.peer.send(request("HEAD", "/whole", "", ""));
        let response = responses.next("HEAD");
        assert_eq!(response.field("content-length"), Some("102400"));
    }
}

#[test]
fn a_file_shorter_than_announced_is_visibly_cut() {
    needs_python!();
    let site = Site::by_path(FILES);
    let mut server = site.serve(&HTTP);
    let reply = raw(&server, &request("GET", "/too_short", "", ""));
    assert!(reply.contains("Content-Length: 200000\r\n"), "{reply}");
    server.line("application sent 102400 of the 200000 bytes of its Content-Length");
}

#[test]
fn the_file_is_closed_by_its_own_close() {
    needs_python!();
    let site = Site::by_path(FILES);
    let mut server = site.serve(&HTTP);
    assert_eq!(get(&server, "/closing").text(), "only read");
    server.line("file closed");
    assert_eq!(get(&server, "/watched").body, data());
    server.line("closed: True");
}

#[test]
fn a_text_file_is_refused_with_the_remedy() {
    needs_python!();
    let site = Site::by_path(FILES);
    let mut server = site.serve(&HTTP);
    assert_eq!(get(&server, "/text").head.status, 500);
    server.line("not str: open it in binary mode");
}

#[test]
fn an_option_withholds_it() {
    needs_python!();
    let site = Site::by_path(
        "def has(environ, start_response):\n    return plain(start_response, \
         'wsgi.file_wrapper' in environ)\n",
    );
    assert_eq!(get(&site.serve(&HTTP), "/has").text(), "True");
    let args = [&HTTP[..], &["--wsgi-disable-file-wrapper"]].concat();
    assert_eq!(get(&site.serve(&args), "/has").text(), "False");
}
