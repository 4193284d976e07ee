//! Waiting until a subject serves: asked again and again, never slept for.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpStream, UnixStream},
    time::{sleep, timeout},
};

use super::error::root_cause;
use crate::address::Address;

/// How long a subject may take to be ready.
pub(super) const WITHIN: Duration = Duration::from_secs(10);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(2);
/// First pause between tries; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// How to tell that a subject serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It accepts connections there.
    Accepts(Address),
    /// It answers a GET of this `http://` URL, with any status.
    Http(String),
}

impl Ready {
    /// What is being waited for, in words.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Accepts(address) => format!("no connection to {address}"),
            Self::Http(url) => format!("no answer from {url}"),
        }
    }

    async fn try_once(&self, client: &reqwest::Client) -> Result<(), String> {
        match self {
            Self::Accepts(address) => connect(address).await.map_err(|error| error.to_string()),
            Self::Http(url) => match client.get(url).send().await {
                Ok(_) => Ok(()),
                Err(error) => Err(root_cause(&error)),
            },
        }
    }
}

/// Why waiting ended without success.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotReady {
    /// The subject ended, in these words.
    Ended(String),
    /// The time is over; what the last try gave.
    TimedOut(String),
}

/// Tries until the subject is ready, has `ended`, or `within` is over.
pub(super) async fn wait(
    ready: &Ready,
    within: Duration,
    mut ended: impl FnMut() -> Option<String>,
) -> Result<(), NotReady> {
    let client = client();
    let deadline = Instant::now() + within;
    let mut pause = PAUSE;
    loop {
        let tried = timeout(TRY, ready.try_once(&client)).await;
        if let Some(how) = ended() {
            return Err(NotReady::Ended(how));
        }
        let last = match tried {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(reason)) => reason,
            Err(_) => format!("nothing came within {} s", TRY.as_secs()),
        };
        if Instant::now() >= deadline {
            return Err(NotReady::TimedOut(last));
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// The address that the subject is to serve on, if somebody already accepts there.
pub(super) async fn taken(ready: &Ready) -> Option<String> {
    let address = match ready {
        Ready::Accepts(address) => address.clone(),
        Ready::Http(url) => {
            let url = reqwest::Url::parse(url).ok()?;
            Address::Tcp(format!(
                "{}:{}",
                url.host_str()?,
                url.port_or_known_default()?
            ))
        }
    };
    let accepted = timeout(TRY, connect(&address)).await;
    matches!(accepted, Ok(Ok(()))).then(|| address.to_string())
}

/// A client that goes straight to the subject, whatever proxy the environment names.
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client without TLS needs nothing that could be missing")
}

async fn connect(address: &Address) -> io::Result<()> {
    match address {
        Address::Tcp(host_port) => TcpStream::connect(host_port).await.map(drop),
        Address::Unix(path) => UnixStream::connect(path).await.map(drop),
        Address::Abstract(name) => {
            // A leading NUL means the abstract namespace.
            let name = [b"\0", name.as_slice()].concat();
            let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&name);
            UnixStream::connect(Path::new(name)).await.map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, UnixListener},
    };

    use super::*;

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, address)
    }

    #[tokio::test]
    async fn a_listening_socket_is_ready_and_taken() {
        let (_listener, address) = listener().await;
        let ready = Ready::Accepts(Address::Tcp(address.clone()));
        assert_eq!(wait(&ready, WITHIN, || None).await, Ok(()));
        assert_eq!(taken(&ready).await, Some(address));
    }

    #[tokio::test]
    async fn a_unix_socket_that_comes_late_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("late.sock");
        let ready = Ready::Accepts(Address::Unix(path.clone()));
        let mut listener = None;
        let mut tries = 0;
        let bind_at_third_try = || {
            tries += 1;
            if tries == 3 {
                listener = Some(UnixListener::bind(&path).unwrap());
            }
            None
        };
        assert_eq!(wait(&ready, WITHIN, bind_at_third_try).await, Ok(()));
        assert_eq!(tries, 4);
    }

    #[tokio::test]
    async fn the_end_of_the_subject_ends_the_wait() {
        let ready = Ready::Accepts(Address::Abstract(b"gatebench nobody".to_vec()));
        let ended = wait(&ready, WITHIN, || Some("exit status 1".into())).await;
        assert_eq!(ended, Err(NotReady::Ended("exit status 1".into())));
    }

    #[tokio::test]
    async fn time_runs_out_with_the_last_reason() {
        let ready = Ready::Accepts(Address::Unix("/nowhere/to.sock".into()));
        let Err(NotReady::TimedOut(last)) = wait(&ready, Duration::ZERO, || None).await else {
            panic!("nobody listens there");
        };
        assert!(last.contains("No such file"), "{last}");
    }

    #[tokio::test]
    async fn any_http_answer_is_ready() {
        let (listener, address) = listener().await;
        tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            peer.read_u8().await.unwrap();
            peer.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                .await
                .unwrap();
        });
        let ready = Ready::Http(format!("http://{address}/"));
        assert_eq!(wait(&ready, WITHIN, || None).await, Ok(()));
    }
}
