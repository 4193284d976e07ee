//! Reads one HTTP reply strictly, as far as it goes, and says what became of it.

use std::time::Instant;

use bytes::BytesMut;
use sha2::{Digest, Sha256};
use tokio::{io::AsyncReadExt, net::tcp::OwnedReadHalf, sync::watch};
use wire::http::{self, ChunkEvent, ChunkedDecoder, Framing, HttpError, Limits, ResponseHead};

use crate::{
    scenario::text::latin1,
    transcript::{Happened, Leg, Log, Way},
    witness::{BodyView, ClientView, Connection, TooManyInterim},
};

/// Room for one read.
const READ_SIZE: usize = 64 * 1024;

/// The reading half of a client connection.
pub(super) struct Reader {
    pub(super) half: OwnedReadHalf,
    pub(super) buf: BytesMut,
    pub(super) log: Log,
    pub(super) number: u32,
}

/// Why reading stopped before the message was complete.
enum Cut {
    Broken,
    Malformed(String),
}

impl From<HttpError> for Cut {
    fn from(error: HttpError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<TooManyInterim> for Cut {
    fn from(error: TooManyInterim) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// What the sender has to know: whether a first response head came.
pub(super) type HeadSeen = watch::Sender<bool>;

impl Reader {
    /// Reads the reply to `method` into `view`; interim responses first.
    /// The view is filled as far as the reply came, also when this future is dropped. Whether the
    /// connection stays open.
    pub(super) async fn reply(
        &mut self,
        method: &str,
        view: &mut ClientView,
        seen: &HeadSeen,
    ) -> bool {
        let start = Instant::now();
        let ended = self.message(method, view, seen, start).await;
        view.connection = match ended {
            Ok(stays) => {
                view.malformed = self.surplus();
                if stays {
                    Connection::Open
                } else {
                    Connection::Closed
                }
            }
            Err(Cut::Broken) => Connection::Cut,
            Err(Cut::Malformed(error)) => {
                view.malformed = Some(error);
                Connection::Cut
            }
        };
        view.connection == Connection::Open
    }

    /// RFC 9112 §6.3: nothing may follow a message that nobody asked for.
    fn surplus(&self) -> Option<String> {
        let size = self.buf.len();
        (size > 0).then(|| format!("{size} octets after the end of the message"))
    }

    /// Reads the message; whether the connection stays open after it.
    async fn message(
        &mut self,
        method: &str,
        view: &mut ClientView,
        seen: &HeadSeen,
        start: Instant,
    ) -> Result<bool, Cut> {
        let head = self.head(view, seen, start).await?;
        let framing = head.framing(method.as_bytes())?;
        let mut hasher = Sha256::new();
        let body = self.body(framing, &mut view.body, &mut hasher).await;
        view.body.sha256 = hex(&hasher.finalize());
        body?;
        let stays = head.keep_alive() && framing != Framing::UntilClose;
        if !stays && framing != Framing::UntilClose {
            self.drain().await;
        }
        Ok(stays)
    }

    async fn head(
        &mut self,
        view: &mut ClientView,
        seen: &HeadSeen,
        start: Instant,
    ) -> Result<ResponseHead, Cut> {
        let limits = Limits {
            head_bytes: 1 << 20,
            headers: 1000,
        };
        loop {
            while let Some(head) = http::decode_response(&mut self.buf, &limits)? {
                seen.send_replace(true);
                if (100..200).contains(&head.status) && head.status != 101 {
                    view.take_interim(head.status)?;
                    continue;
                }
                view.status = Some(head.status);
                view.reason = latin1(&head.reason);
                view.headers = head
                    .headers
                    .iter()
                    .map(|h| (latin1(&h.name), latin1(&h.value)))
                    .collect();
                return Ok(head);
            }
            if self.fill().await? == 0 {
                return Err(Cut::Broken);
            }
            view.first_byte.get_or_insert_with(|| start.elapsed());
        }
    }

    async fn body(
        &mut self,
        framing: Framing,
        view: &mut BodyView,
        hasher: &mut Sha256,
    ) -> Result<(), Cut> {
        match framing {
            Framing::None => Ok(()),
            Framing::Length(length) => self.counted(length, view, hasher).await,
            Framing::Chunked => self.chunked(view, hasher).await,
            Framing::UntilClose => loop {
                take(&self.buf.split().freeze(), view, hasher);
                if self.fill().await? == 0 {
                    return Ok(());
                }
            },
        }
    }

    async fn counted(
        &mut self,
        length: u64,
        view: &mut BodyView,
        hasher: &mut Sha256,
    ) -> Result<(), Cut> {
        let mut left = length;
        loop {
            let now = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(self.buf.len());
            take(&self.buf.split_to(now).freeze(), view, hasher);
            left -= now as u64;
            if left == 0 {
                return Ok(());
            }
            if self.fill().await? == 0 {
                return Err(Cut::Broken);
            }
        }
    }

    async fn chunked(&mut self, view: &mut BodyView, hasher: &mut Sha256) -> Result<(), Cut> {
        let mut decoder = ChunkedDecoder::new();
        loop {
            match decoder.decode(&mut self.buf)? {
                Some(ChunkEvent::Data(data)) => take(&data, view, hasher),
                Some(ChunkEvent::End { .. }) => return Ok(()),
                None if self.fill().await? == 0 => return Err(Cut::Broken),
                None => {}
            }
        }
    }

    /// Reads to the end of a connection that the gateway said it would close; what it must not have
    /// sent any more is left in the buffer, as far as anybody wants to know.
    async fn drain(&mut self) {
        while self.buf.len() < READ_SIZE && matches!(self.fill().await, Ok(1..)) {}
    }

    async fn fill(&mut self) -> Result<usize, Cut> {
        let before = self.buf.len();
        self.buf.reserve(READ_SIZE);
        let happened = match self.half.read_buf(&mut self.buf).await {
            Ok(0) => Happened::Ended,
            Ok(_) => Happened::Octets(self.buf[before..].to_vec()),
            Err(error) => Happened::Broke(error.to_string()),
        };
        let broke = matches!(happened, Happened::Broke(_));
        self.log.add(Leg::Client, self.number, Way::Reply, happened);
        if broke {
            Err(Cut::Broken)
        } else {
            Ok(self.buf.len() - before)
        }
    }
}

/// Adds to a body, of which the beginning is kept.
pub(super) fn take(data: &[u8], view: &mut BodyView, hasher: &mut Sha256) {
    hasher.update(data);
    view.size += data.len() as u64;
    let room = BodyView::KEPT
        .saturating_sub(view.kept.len())
        .min(data.len());
    view.kept.extend_from_slice(&data[..room]);
}

/// Octets in lower-case hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
