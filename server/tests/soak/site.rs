//! What is put under load: two servers that have to stay whole, one that is broken on purpose, and
//! nginx in front of them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::support::load::{Aim, Place};
use super::support::nginx::Nginx;
use super::support::{Server, python};

/// `native` answers by the probe and by CGI programs, `wsgi` and `broken` by Python.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) native: Server,
    pub(crate) wsgi: Server,
    pub(crate) broken: Server,
    nginx: Nginx,
    _apps: python::Site,
}

const NGINX: &str = r"
upstream native_http { server unix:HERE/native-http.sock; keepalive 4; }
upstream native_fastcgi { server unix:HERE/native-fastcgi.sock; keepalive 4; }
upstream wsgi_http { server unix:HERE/wsgi-http.sock; keepalive 4; }
upstream wsgi_fastcgi { server unix:HERE/wsgi-fastcgi.sock; keepalive 4; }
fastcgi_param REQUEST_METHOD $request_method; fastcgi_param CONTENT_LENGTH $content_length;
fastcgi_param REQUEST_URI $request_uri; fastcgi_param PATH_INFO $uri;
uwsgi_param REQUEST_METHOD $request_method; uwsgi_param CONTENT_LENGTH $content_length;
uwsgi_param REQUEST_URI $request_uri; uwsgi_param PATH_INFO $uri;
uwsgi_param SERVER_PROTOCOL $server_protocol;
scgi_param REQUEST_METHOD $request_method;
scgi_param REQUEST_URI $request_uri; scgi_param PATH_INFO $uri; scgi_param SCGI 1;
scgi_param SERVER_PROTOCOL $server_protocol;
proxy_http_version 1.1; proxy_set_header Connection ''; fastcgi_keep_conn on;
server {
    listen unix:HERE/nginx.sock;
    keepalive_requests 100000000;
    location /native/http { proxy_pass http://native_http; }
    location /cgi { proxy_pass http://native_http; }
    location /native/fastcgi { fastcgi_pass native_fastcgi; }
    location /native/uwsgi { uwsgi_pass unix:HERE/native-uwsgi.sock; }
    location /native/scgi { scgi_pass unix:HERE/native-scgi.sock; }
    location /wsgi/http { proxy_pass http://wsgi_http; }
    location /wsgi/fastcgi { fastcgi_pass wsgi_fastcgi; }
    location /wsgi/uwsgi { uwsgi_pass unix:HERE/wsgi-uwsgi.sock; }
    location /wsgi/scgi { scgi_pass unix:HERE/wsgi-scgi.sock; }
    location /broken { uwsgi_pass unix:HERE/broken-uwsgi.sock; }
}";

/// Answers as the probe does what the clients ask of it, and breaks where the path says so.
const APP: &str = r"
import ctypes, os
def application(environ, start_response):
    fault = environ['PATH_INFO'].rsplit('/', 1)[1]
    if fault == 'raise':
        raise ValueError('asked for')
    if fault == 'exit':
        os._exit(7)
    if fault == 'crash':
        ctypes.string_at(0)
    probe = environ.get('HTTP_X_PROBE', '')
    body = environ['wsgi.input'].read() if probe == 'echo' else probe[5:].replace('%20', ' ').encode()
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(body)))])
    return [body]
";

const CGI: &str = r#"#!/bin/sh
case $HTTP_X_PROBE in
echo) read -r body ;;
*) body="request ${HTTP_X_PROBE#body=request%20}" ;;
esac
printf 'Content-Type: text/plain\nContent-Length: %d\n\n%s' ${#body} "$body"
"#;

impl Site {
    /// `None` where there is no nginx.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        for name in ["cgi", "tmp"] {
            std::fs::create_dir(here.join(name)).unwrap();
        }
        let script = here.join("cgi/answer");
        std::fs::write(&script, CGI).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let apps = python::Site::new(APP);
        let app = format!("chdir = {}\nmodule = app", apps.folder.path().display());
        let native = format!(
            "http-socket = 127.0.0.1:0\nprobe = true\ncgi = /cgi={}/cgi",
            here.display()
        );
        let native = serve(here, "native", &native);
        let wsgi = serve(here, "wsgi", &app);
        let broken = serve(here, "broken", &app);
        let front = here.join("nginx.sock");
        let nginx = Nginx::start(
            here,
            &NGINX.replace("HERE", &here.display().to_string()),
            &front,
        )?;
        Some(Self {
            native,
            wsgi,
            broken,
            nginx,
            _apps: apps,
            folder,
        })
    }

    /// Every way that has to answer all requests.
    pub(crate) fn aims(&self) -> Vec<Aim> {
        let ways = [
            ("nginx, HTTP kept, native", "/native/http/x"),
            ("nginx, FastCGI kept, native", "/native/fastcgi/x"),
            ("nginx, uwsgi, native", "/native/uwsgi/x"),
            ("nginx, SCGI, native", "/native/scgi/x"),
            ("nginx, HTTP kept, WSGI", "/wsgi/http/x"),
            ("nginx, FastCGI kept, WSGI", "/wsgi/fastcgi/x"),
            ("nginx, uwsgi, WSGI", "/wsgi/uwsgi/x"),
            ("nginx, SCGI, WSGI", "/wsgi/scgi/x"),
            ("nginx, HTTP kept, CGI program", "/cgi/answer"),
        ];
        let mut aims = vec![Aim {
            name: "HTTP, native",
            place: Place::Tcp(self.tcp()),
            path: "/",
        }];
        aims.extend(ways.map(|(name, path)| Aim {
            name,
            place: Place::Unix(self.front()),
            path,
        }));
        aims
    }

    pub(crate) fn tcp(&self) -> String {
        let mut addresses = self.native.addresses.iter();
        addresses.find(|it| it.starts_with("127.")).unwrap().clone()
    }

    pub(crate) fn front(&self) -> PathBuf {
        self.folder.path().join("nginx.sock")
    }

    /// A socket of the native server.
    pub(crate) fn socket(&self, protocol: &str) -> String {
        let name = format!("native-{protocol}.sock");
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn reload(&mut self) {
        for server in [&mut self.native, &mut self.wsgi] {
            server.signal(Signal::SIGHUP);
            server.line("gateserve is ready");
        }
    }

    /// Until everything that was under way is over.
    pub(crate) fn rest(&mut self) {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }

    pub(crate) fn servers(&self) -> [&Server; 3] {
        [&self.native, &self.wsgi, &self.broken]
    }

    /// Temporary files that nobody took away.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("tmp")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
        names.collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Before the servers, so that it does not complain of them.
        self.nginx.stop();
    }
}

/// A server of two workers that are replaced now and then, on a socket for each protocol.
fn serve(here: &Path, name: &str, options: &str) -> Server {
    let place = here.display();
    let sockets: String = ["http", "fastcgi", "uwsgi", "scgi"]
        .map(|protocol| format!("{protocol}-socket = {place}/{name}-{protocol}.sock\n"))
        .concat();
    let ini = format!(
        "[uwsgi]\n{options}\n{sockets}processes = 2\ndisable-logging = true\n\
         max-requests = 500\nmin-worker-lifetime = 0\n"
    );
    let file = here.join(format!("{name}.ini"));
    std::fs::write(&file, ini).unwrap();
    let temporary = format!("TMPDIR={place}/tmp");
    Server::start_by(&["env", &temporary], &[file.to_str().unwrap()])
}
