//! A gateway of a few lines: a function says what each request is answered with.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use gatebench::{
    model::Model,
    run::case::Target,
    scenario::Place,
    transcript::{Happened, Leg, Log, Way},
    witness::{ProcessView, Received},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What becomes of a request.
pub(crate) enum Reply {
    /// These octets; the connection stays open.
    Octets(Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// The connection is closed.
    Close,
    /// Nothing, and nobody listens any more.
    Gone,
}

/// One request as the function sees it.
pub(crate) struct Asked {
    /// Request line.
    pub(crate) line: String,
    /// How many came before on this connection.
    pub(crate) earlier: usize,
}

impl Asked {
    /// Whether the scenario asks, and not the bench by itself.
    pub(crate) fn is_case(&self) -> bool {
        self.line.contains("/case")
    }
}

type Answer = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// The gateway, and what it tells of its processes.
pub(crate) struct Tiny {
    listen: SocketAddr,
    place: Place,
    log: Log,
    serving: JoinHandle<()>,
    requests: Arc<AtomicUsize>,
    /// What it says when its health is asked for.
    pub(crate) process: ProcessView,
    /// What it says of the bench's own trouble.
    pub(crate) trouble: Option<String>,
}

impl Tiny {
    /// Serves on a free port until it is dropped.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let (log, requests) = (Log::default(), Arc::new(AtomicUsize::new(0)));
        let shared = Shared {
            answer: Arc::new(answer),
            log: log.clone(),
            requests: Arc::clone(&requests),
        };
        Self {
            listen,
            place: Place::new("/probe", listen.to_string()),
            log,
            serving: tokio::spawn(serve(listener, shared)),
            requests,
            process: ProcessView::default(),
            trouble: None,
        }
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Target for Tiny {
    fn listen(&self) -> SocketAddr {
        self.listen
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn model(&self) -> Model {
        Model::FastCgi
    }

    fn carried(&self) -> bool {
        false
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn forget(&mut self) {
        self.log.take();
        self.requests.store(0, Ordering::SeqCst);
    }

    fn received(&mut self) -> Option<Vec<Received>> {
        Some(vec![
            Received::default();
            self.requests.load(Ordering::SeqCst)
        ])
    }

    fn health(&mut self) -> ProcessView {
        self.process.clone()
    }

    fn last_words(&mut self) -> String {
        String::new()
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.clone()
    }
}

#[derive(Clone)]
struct Shared {
    answer: Answer,
    log: Log,
    requests: Arc<AtomicUsize>,
}

async fn serve(listener: TcpListener, shared: Shared) {
    let (gone, mut is_gone) = tokio::sync::mpsc::channel(1);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                let (shared, gone) = (shared.clone(), gone.clone());
                tokio::spawn(async move {
                    if converse(stream, &shared).await.is_ok_and(|end| end) {
                        gone.send(()).await.ok();
                    }
                });
            }
            _ = is_gone.recv() => break,
        }
    }
    drop(listener);
    std::future::pending().await
}

/// Whether nobody shall listen any more.
async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<bool> {
    let mut earlier = 0;
    loop {
        let head = head(&mut stream).await?;
        shared.requests.fetch_add(1, Ordering::SeqCst);
        // What a relay would have written down.
        let octets = Happened::Octets(b"passed on".to_vec());
        shared.log.add(Leg::Upstream, 0, Way::Request, octets);
        let asked = Asked {
            line: head.lines().next().unwrap_or_default().to_owned(),
            earlier,
        };
        match (shared.answer)(&asked) {
            Reply::Octets(octets) => stream.write_all(&octets).await?,
            Reply::Silence => std::future::pending().await,
            Reply::Close => return Ok(false),
            Reply::Gone => {
                tokio::spawn(hold(stream));
                return Ok(true);
            }
        }
        earlier += 1;
    }
}

/// Keeps a connection open without a word.
async fn hold(stream: TcpStream) {
    std::future::pending::<()>().await;
    drop(stream);
}

async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A reply with this status line, body and length.
pub(crate) fn reply(status: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Octets(
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes(),
    )
}

/// What every healthy pairing answers a plain request with.
pub(crate) fn report() -> Reply {
    let body = r#"{"probe":1,"language":"rust","interface":"fastcgi","pid":7,"environ":[],
        "body":{"size":0,"sha256":"","error":null},"argv":null,"cwd":null}"#;
    reply("200 OK", body)
}
