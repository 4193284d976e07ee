//! Sockets with TLS: HTTPS, and uwsgi as nginx speaks it with `uwsgi_pass suwsgi://`.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, DEFAULT_VERSIONS, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};
use support::{Server, counter, payload};

/// An authority, and certificates that it has signed, in a folder.
struct Authority {
    folder: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        let authority = Self { folder, issuer };
        authority.sign("localhost");
        authority
    }

    fn sign(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The value of a socket option, with more parts behind it.
    fn socket(&self, more: &str) -> String {
        let (certificate, key) = (self.path("localhost.pem"), self.path("localhost.key"));
        format!(
            "127.0.0.1:0,{},{}{more}",
            certificate.display(),
            key.display()
        )
    }

    fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        name: Option<&str>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match name {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let chain = CertificateDer::from_pem_file(self.path(&format!("{name}.pem")));
                let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key")));
                builder
                    .with_client_auth_cert(vec![chain.unwrap()], key.unwrap())
                    .unwrap()
            }
        })
    }

    fn connect(
        &self,
        server: &Server,
        name: Option<&str>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        self.connect_with(server, DEFAULT_VERSIONS, name)
    }

    fn connect_with(
        &self,
        server: &Server,
        versions: &[&'static SupportedProtocolVersion],
        name: Option<&str>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let stream = TcpStream::connect(&server.addresses[0]).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let host = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(self.client(versions, name), host).unwrap();
        StreamOwned::new(connection, stream)
    }
}

/// Everything up to the farewell of TLS, without which the end is an error.
fn answer(stream: &mut impl ReadWrite, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).unwrap();
    stream.flush().unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("the end is no cut");
    reply
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

fn get(probe: &str) -> Vec<u8> {
    format!("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Probe: {probe}\r\n\r\n")
        .into_bytes()
}

fn body(reply: &[u8]) -> &[u8] {
    let end = reply
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    &reply[end + 4..]
}

#[test]
fn https_requests_are_served_and_known_as_such() {
    let authority = Authority::new();
    for option in ["--https", "--https-socket"] {
        let server = Server::start(&[option, &authority.socket(""), "--probe"]);
        let mut stream = authority.connect(&server, None);
        let request = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
        let reply = answer(&mut stream, request.as_bytes());
        let report = support::Report::of(body(&reply));
        assert_eq!(report.var("HTTPS"), Some("on"), "{option}");
    }
}

#[test]
fn long_bodies_go_through_tls_both_ways() {
    let authority = Authority::new();
    let server = Server::start(&["--https", &authority.socket(""), "--probe"]);
    let mut stream = authority.connect(&server, None);
    let reply = answer(&mut stream, &get("size=3000000; length=3000000"));
    assert!(body(&reply) == counter(3_000_000));
    let upload = payload(1_000_000);
    let mut stream = authority.connect(&server, None);
    let head = "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let reply = answer(&mut stream, &upload);
    assert_eq!(support::Report::of(body(&reply)).body_size(), 1_000_000);
}

#[test]
fn files_go_through_tls() {
    let authority = Authority::new();
    let content = counter(500_000);
    std::fs::write(authority.path("big"), &content).unwrap();
    let map = format!("/s={}", authority.folder.path().display());
    let server = Server::start(&["--https", &authority.socket(""), "--static-map", &map]);
    let mut stream = authority.connect(&server, None);
    let request = "GET /s/big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(body(&answer(&mut stream, request.as_bytes())) == content);
}

fn packet() -> BytesMut {
    let mut bytes = BytesMut::new();
    let environ = support::environ("GET", "size=100000", 0);
    wire::uwsgi::encode_request(&environ, 0, 0, &mut bytes).unwrap();
    bytes
}

#[test]
fn uwsgi_packets_are_served_over_tls() {
    let authority = Authority::new();
    let server = Server::start(&["--suwsgi-socket", &authority.socket(""), "--probe"]);
    let mut stream = authority.connect(&server, None);
    let reply = answer(&mut stream, &packet());
    assert!(reply.starts_with(b"HTTP/1.1 200 ") && body(&reply) == counter(100_000));
}

#[test]
fn a_reply_that_is_cut_off_ends_without_farewell() {
    let authority = Authority::new();
    let server = Server::start(&["--suwsgi-socket", &authority.socket(""), "--probe"]);
    let mut bytes = BytesMut::new();
    let environ = support::environ("GET", "size=100000; length=no; die=after-head", 0);
    wire::uwsgi::encode_request(&environ, 0, 0, &mut bytes).unwrap();
    let mut stream = authority.connect(&server, None);
    stream.write_all(&bytes).unwrap();
    assert!(stream.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn clients_without_the_certificate_that_is_asked_for_are_refused() {
    let authority = Authority::new();
    authority.sign("client");
    let ca = authority.path("ca.pem");
    let required = authority.socket(&format!(",,!{}", ca.display()));
    let mut server = Server::start(&["--https", &required, "--probe"]);
    let mut stranger = authority.connect(&server, None);
    let refused = stranger
        .write_all(&get("body=x"))
        .and_then(|()| stranger.read_to_end(&mut Vec::new()));
    assert!(refused.is_err());
    server.line("TLS handshake failed (127.0.0.1): peer sent no certificates");
    let mut known = authority.connect(&server, Some("client"));
    let reply = answer(&mut known, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    let report = support::Report::of(body(&reply));
    assert!(report.var("HTTPS_CLIENT_CERTIFICATE").is_some());
}

/// A ClientHello as of TLS 1.2 and before, with what any server of today needs; `version` is the
/// highest that its client speaks (RFC 5246 section 7.4.1.2).
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    // Curves, signatures, point formats.
    let extensions = b"\x00\x0a\x00\x04\x00\x02\x00\x17\
        \x00\x0d\x00\x06\x00\x04\x04\x03\x08\x04\
        \x00\x0b\x00\x02\x01\x00";
    // ECDHE with ECDSA, AES-128-GCM and AES-128-CBC; no compression.
    let suites = b"\x00\x00\x04\xc0\x2b\xc0\x09\x01\x00\x00\x18";
    let body = [&version[..], &[7; 32], suites, extensions].concat();
    let len = u8::try_from(body.len()).unwrap();
    let head = [22, 3, 1, 0, len + 4, 1, 0, 0, len];
    [&head[..], &body].concat()
}

#[test]
fn versions_before_1_2_are_refused() {
    let authority = Authority::new();
    let mut server = Server::start(&["--https", &authority.socket(""), "--probe"]);
    let begin = |version| {
        let mut peer = server.connect();
        peer.send(client_hello(version));
        peer.end_sending();
        peer.rest()
    };
    let hello = begin([3, 3]);
    assert!(
        hello.starts_with(&[22, 3, 3]) && hello[5] == 2,
        "TLS 1.2 gets a ServerHello"
    );
    for (version, name) in [([3, 0], "SSL 3"), ([3, 1], "TLS 1.0"), ([3, 2], "TLS 1.1")] {
        let alert = begin(version);
        // A fatal alert, protocol_version.
        assert!(alert.starts_with(&[21, 3]), "{name}: {alert:?}");
        assert_eq!(alert[5..], [2, 70], "{name}");
    }
    server.line("TLS handshake failed (127.0.0.1): peer is incompatible");
}

#[test]
fn versions_1_2_and_1_3_are_spoken() {
    let authority = Authority::new();
    let server = Server::start(&["--https", &authority.socket(""), "--probe"]);
    for version in [&TLS12, &TLS13] {
        let mut stream = authority.connect_with(&server, &[version], None);
        let reply = answer(&mut stream, &get("body=hello"));
        assert_eq!(body(&reply), b"hello");
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
    }
}

#[test]
fn plain_http_on_a_socket_with_tls_is_told() {
    let authority = Authority::new();
    let mut server = Server::start(&["--https", &authority.socket(""), "--probe"]);
    let mut peer = server.connect();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(peer.ends());
    server.line("client does not speak TLS on a socket with TLS");
}

#[track_caller]
fn assert_refused(socket: &str, part: &str) {
    let refused = Command::new(env!("CARGO_BIN_EXE_gateserve"))
        .args(["--probe", "--https", socket])
        .output()
        .unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains(part), "{told}");
}

#[test]
fn certificates_that_cannot_be_used_are_told_at_the_start() {
    let authority = Authority::new();
    authority.sign("other");
    let at = |name: &str| authority.path(name).display().to_string();
    assert_refused("127.0.0.1:0", "ADDR,CERT,KEY");
    let missing = format!("127.0.0.1:0,{},{}", at("none.pem"), at("localhost.key"));
    assert_refused(&missing, "none.pem");
    let swapped = format!("127.0.0.1:0,{0},{0}", at("localhost.key"));
    assert_refused(&swapped, "there is no certificate in");
    let mixed = format!("127.0.0.1:0,{},{}", at("localhost.pem"), at("other.key"));
    assert_refused(&mixed, "other.key");
}

/// An nginx that runs until it is dropped.
struct Nginx {
    child: Child,
    socket: PathBuf,
}

impl Nginx {
    fn start(folder: &Path, upstream: &str) -> Option<Self> {
        let socket = folder.join("nginx.sock");
        let config = format!(
            "daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/error.log;\n\
             events {{}}\n\
             http {{ access_log off; client_body_temp_path {0}/body; uwsgi_temp_path {0}/uwsgi;\n\
             proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi; scgi_temp_path {0}/scgi;\n\
             server {{ listen unix:{1}; location / {{ uwsgi_pass suwsgi://{upstream};\n\
             uwsgi_param REQUEST_METHOD $request_method; uwsgi_param PATH_INFO $document_uri;\n\
             uwsgi_param HTTP_X_PROBE $http_x_probe; uwsgi_param SERVER_PROTOCOL $server_protocol; }} }} }}\n",
            folder.display(),
            socket.display(),
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let nginx = Self { child, socket };
        let deadline = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(&nginx.socket).is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nginx_passes_requests_over_suwsgi() {
    let authority = Authority::new();
    let server = Server::start(&["--suwsgi-socket", &authority.socket(""), "--probe"]);
    let Some(nginx) = Nginx::start(authority.folder.path(), &server.addresses[0]) else {
        eprintln!("skipped: nginx is not installed");
        return;
    };
    for size in [10, 300_000] {
        let mut peer = support::Peer::to(nginx.socket.to_str().unwrap());
        peer.send(get(&format!("size={size}")));
        let response = support::Responses::on(peer).next("GET");
        assert_eq!(response.head.status, 200);
        assert!(response.body == counter(size));
    }
    let log = std::fs::read_to_string(authority.path("error.log")).unwrap();
    assert!(!log.contains("[error]") && !log.contains("[crit]"), "{log}");
}
