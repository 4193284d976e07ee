//! The relay between gateway and backend.

use std::path::PathBuf;

use gatebench::{
    address::Address,
    model::Model,
    seats::tap::Tap,
    transcript::{Happened, Leg, Log, Way},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

/// A relay with a backend to accept at.
struct Bench {
    tap: Tap,
    log: Log,
    backend: UnixListener,
    at: PathBuf,
    _folder: tempfile::TempDir,
}

fn bench(model: Model) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let [at, to] = ["tap.sock", "backend.sock"].map(|name| folder.path().join(name));
    let (backend, log) = (UnixListener::bind(&to).unwrap(), Log::default());
    let tap = Tap::open(&Address::Unix(at.clone()), &to, model, log.clone()).unwrap();
    Bench {
        tap,
        log,
        backend,
        at,
        _folder: folder,
    }
}

impl Bench {
    /// Both ends of a relayed connection: the gateway's, the backend's.
    async fn pair(&self) -> (UnixStream, UnixStream) {
        let gateway = UnixStream::connect(&self.at).await.unwrap();
        let (backend, _) = self.backend.accept().await.unwrap();
        (gateway, backend)
    }

    /// As a target does between two cases.
    fn next_case(&self) {
        self.log.take();
        self.tap.forget();
    }
}

/// Writes at one end and reads as much at the other.
async fn pass(from: &mut UnixStream, to: &mut UnixStream, octets: &[u8]) {
    from.write_all(octets).await.unwrap();
    let mut came = vec![0; octets.len()];
    to.read_exact(&mut came).await.unwrap();
    assert_eq!(came, octets);
}

async fn assert_end(of: &mut UnixStream) {
    let mut rest = Vec::new();
    of.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
}

/// A uwsgi packet with PATH_INFO `/`.
const UWSGI: &[u8] = b"\0\x0e\0\0\x09\0PATH_INFO\x01\0/";
/// A FastCGI request with the parameter A and two octets of body.
const FASTCGI: &[u8] = b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0\
    \x01\x04\0\x01\0\x04\0\0\x01\x01A1\x01\x04\0\x01\0\0\0\0\
    \x01\x05\0\x01\0\x02\0\0hi\x01\x05\0\x01\0\0\0\0";

#[tokio::test]
async fn octets_pass_both_ways_as_they_are() {
    for size in [UWSGI.len(), 1] {
        let bench = bench(Model::Uwsgi);
        let (mut gateway, mut backend) = bench.pair().await;
        for piece in UWSGI.chunks(size) {
            pass(&mut gateway, &mut backend, piece).await;
        }
        pass(&mut backend, &mut gateway, b"HTTP/1.1 200 OK\r\n\r\n\0\xff").await;
        let received = bench.tap.requests();
        assert_eq!(received.len(), 1, "in pieces of {size}");
        assert_eq!(received[0].params, [("PATH_INFO".into(), "/".into())]);
        assert!(bench.log.has_octets_since(0, Leg::Upstream, Way::Reply));
    }
}

#[tokio::test]
async fn each_end_passes_by_itself() {
    let bench = bench(Model::Uwsgi);
    let (mut gateway, mut backend) = bench.pair().await;
    gateway.write_all(UWSGI).await.unwrap();
    gateway.shutdown().await.unwrap();
    let mut request = Vec::new();
    backend.read_to_end(&mut request).await.unwrap();
    assert_eq!(request, UWSGI);
    pass(&mut backend, &mut gateway, b"a reply behind the end").await;
    drop(backend);
    assert_end(&mut gateway).await;
}

#[tokio::test]
async fn a_backend_that_hangs_up_is_a_gateways_to_see() {
    let bench = bench(Model::FastCgi);
    let (mut gateway, backend) = bench.pair().await;
    drop(backend);
    assert_end(&mut gateway).await;
}

#[tokio::test]
async fn a_backend_that_is_gone_is_no_trouble_of_the_bench() {
    let bench = bench(Model::FastCgi);
    std::fs::remove_file(bench.at.with_file_name("backend.sock")).unwrap();
    let mut gateway = UnixStream::connect(&bench.at).await.unwrap();
    assert_end(&mut gateway).await;
    assert_eq!(bench.tap.trouble(), None);
    let transcript = bench.log.take();
    let broke = |happened: &Happened| match happened {
        Happened::Broke(why) => why.starts_with("the backend refuses the connection"),
        _ => false,
    };
    assert!(
        transcript
            .entries()
            .iter()
            .any(|entry| broke(&entry.happened))
    );
}

#[tokio::test]
async fn a_kept_connection_counts_anew_in_each_case() {
    let bench = bench(Model::FastCgi);
    let (mut gateway, mut backend) = bench.pair().await;
    for _ in 0..2 {
        pass(&mut gateway, &mut backend, FASTCGI).await;
        let received = bench.tap.requests();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].body_size, 2);
        bench.next_case();
    }
}

#[tokio::test]
async fn the_rest_of_a_request_is_not_the_next_cases() {
    for (model, whole, cut) in [
        (Model::FastCgi, FASTCGI, 40),
        (Model::Uwsgi, UWSGI, UWSGI.len()),
    ] {
        let bench = bench(model);
        let (mut gateway, mut backend) = bench.pair().await;
        pass(&mut gateway, &mut backend, &whole[..cut]).await;
        bench.next_case();
        // What comes late passes, but looks like a request only to who missed its beginning.
        pass(&mut gateway, &mut backend, &whole[cut..]).await;
        pass(&mut gateway, &mut backend, UWSGI).await;
        assert_eq!(bench.tap.requests(), [], "{model}");
        assert_eq!(bench.log.take().entries(), [], "{model}");
    }
}
