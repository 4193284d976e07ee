//! Connections that are kept for the next request (`fastcgi-keepalive`).

use std::cell::RefCell;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;
use wire::environ::Environ;

use super::connect::Link;

/// How long a connection is kept that nobody uses, as by nginx (`keepalive_timeout`).
const LIFETIME: Duration = Duration::from_secs(60);

/// The idle connections of one worker to one upstream.
#[derive(Debug)]
pub(super) struct Idle {
    most: usize,
    /// The one that was used last at the end, each with the time since when nobody uses it.
    links: RefCell<Vec<(Kept, Instant)>>,
}

/// A connection for one request, with the memory that the reply is read into.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) link: Link,
    pub(super) buffer: BytesMut,
    /// Whether an earlier request went over it.
    pub(super) is_used: bool,
}

impl Kept {
    /// A new connection.
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            buffer: BytesMut::new(),
            is_used: false,
        }
    }
}

impl Idle {
    /// At most so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            links: RefCell::default(),
        }
    }

    /// Whether connections are kept at all.
    pub(super) fn keeps(&self) -> bool {
        self.most > 0
    }

    /// The connection that was used last and is fit for another request; those that are not are
    /// closed (FCGI-3.5-STALE, FCGI-DF-EXTRA-AFTER-END).
    pub(super) fn take(&self) -> Option<Kept> {
        let mut links = self.links.borrow_mut();
        while let Some((kept, since)) = links.pop() {
            if since.elapsed() < LIFETIME && kept.link.is_quiet() {
                return Some(kept);
            }
        }
        None
    }

    /// Keeps a connection whose request is over, unless there are enough.
    pub(super) fn keep(&self, link: Link, buffer: BytesMut) {
        let mut links = self.links.borrow_mut();
        links.retain(|(_, since)| since.elapsed() < LIFETIME);
        if links.len() < self.most {
            let kept = Kept {
                link,
                buffer,
                is_used: true,
            };
            links.push((kept, Instant::now()));
        }
    }
}

/// Whether a request may be asked again where a kept connection turns out to be dead: it changes
/// nothing if it was answered already (RFC 9110 section 9.2.2). Others go over a new connection.
pub(super) fn may_be_repeated(environ: &Environ, length: Option<u64>) -> bool {
    let methods = [
        &b"GET"[..],
        b"HEAD",
        b"OPTIONS",
        b"TRACE",
        b"PUT",
        b"DELETE",
    ];
    let method = environ.get("REQUEST_METHOD").map(AsRef::<[u8]>::as_ref);
    length == Some(0) && method.is_some_and(|method| methods.contains(&method))
}
