//! One request over FastCGI.

use std::{
    future::pending,
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::{Bytes, BytesMut};
use probe::cgi::Ending;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UnixStream,
};
use wire::fastcgi::Kind;

use super::{
    super::faults::find,
    Broken, Order, Streams, Upstream,
    habits::{Habits, Stray, WhenGone},
    inbound::{self, Inbound},
    link::Link,
    outbound, unwanted,
};

/// Octets read at once.
const BLOCK: usize = 64 * 1024;

/// Sends a request and passes on what comes back; over another connection if a kept one is dead.
pub(super) async fn exchange(
    upstream: &Upstream,
    order: &Order,
    streams: &mut Streams,
) -> Result<Ending, Broken> {
    if let Some(link) = upstream.idle.take(&order.habits) {
        match over(upstream, link, order, streams).await {
            Err(Broken::Stale) if order.length.is_none() && order.habits.asks_again => {}
            ended => return ended,
        }
    }
    let link = Link::open(&upstream.to).await?;
    over(upstream, link, order, streams).await
}

async fn over(
    upstream: &Upstream,
    mut link: Link,
    order: &Order,
    streams: &mut Streams,
) -> Result<Ending, Broken> {
    let habits = &order.habits;
    let is_sent = AtomicBool::new(false);
    let ended = both_ways(&mut link, order, streams, &is_sent).await;
    let is_over = match &ended {
        Ok(_) => true,
        Err(Broken::Unwanted) => left_alone(&mut link, habits).await,
        Err(_) => false,
    };
    let is_clean = habits.keeps_rest || link.is_aborted || link.buf.is_empty();
    if is_over && is_sent.load(Ordering::Relaxed) && habits.keeps && is_clean {
        upstream.idle.keep(link);
    }
    ended
}

/// Sends and takes at the same time, until the reply is over.
async fn both_ways(
    link: &mut Link,
    order: &Order,
    streams: &mut Streams,
    is_sent: &AtomicBool,
) -> Result<Ending, Broken> {
    let Link {
        stream,
        buf,
        is_kept,
        is_aborted,
    } = link;
    *is_aborted = false;
    let (reader, mut writer) = stream.split();
    let (mut from_output, stdout) = streams.stdout.split();
    let mut taking = Taking {
        habits: &order.habits,
        is_kept: *is_kept,
        has_come: !buf.is_empty(),
        stdout_ended: false,
        output: 0,
        has_length: false,
        reader,
        buf,
        stdout,
        stderr: &mut streams.stderr,
    };
    let sending = async {
        // A backend that takes no more may have replied already.
        if send(order, &mut writer, &mut streams.stdin).await.is_ok() {
            is_sent.store(true, Ordering::Relaxed);
        }
    };
    if order.habits.writes_all_first {
        sending.await;
        return match is_sent.load(Ordering::Relaxed) {
            true => taking.reply().await,
            false => Err(Broken::Wire),
        };
    }
    tokio::select! {
        biased;
        ended = taking.reply() => ended,
        () = async { sending.await; pending().await } => unreachable!("it is pending"),
        broken = unwanted(&mut from_output) => Err(broken),
    }
}

/// Sends all of a request.
async fn send(
    order: &Order,
    to: &mut (impl AsyncWrite + Unpin),
    stdin: &mut UnixStream,
) -> Result<(), Broken> {
    to.write_all(&outbound::opening(order)).await?;
    let mut piece = BytesMut::new();
    loop {
        piece.reserve(BLOCK);
        if stdin.read_buf(&mut piece).await? == 0 {
            break;
        }
        let octets = outbound::body(&piece.split(), &order.habits);
        to.write_all(&octets).await?;
    }
    to.write_all(&outbound::end(&order.habits)).await?;
    Ok(())
}

/// What is done about a reply that nobody wants any more; whether the connection is for the next
/// request.
async fn left_alone(link: &mut Link, habits: &Habits) -> bool {
    match habits.when_gone {
        WhenGone::Close => false,
        WhenGone::GoOn => {
            let mut rest = vec![0; BLOCK];
            while let Ok(1..) = link.stream.read(&mut rest).await {}
            false
        }
        WhenGone::AbortAndKeep => {
            let abort = outbound::abort(habits);
            link.is_aborted = true;
            link.stream.write_all(&abort).await.is_ok()
        }
    }
}

/// The reply to one request as it comes.
struct Taking<'a, R, W> {
    habits: &'a Habits,
    is_kept: bool,
    has_come: bool,
    stdout_ended: bool,
    /// Records of output so far.
    output: u64,
    /// Whether it told its length.
    has_length: bool,
    reader: R,
    buf: &'a mut BytesMut,
    stdout: W,
    stderr: &'a mut UnixStream,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Taking<'_, R, W> {
    /// Passes the reply on until END_REQUEST.
    async fn reply(&mut self) -> Result<Ending, Broken> {
        let mut held = BytesMut::new();
        loop {
            while let Some(record) = inbound::decode(self.buf, self.habits)? {
                let ended = self.record(record, &mut held).await?;
                let is_done = self.stdout_ended && self.has_length && self.habits.keeps_before_end;
                if ended.is_some() || is_done {
                    if self.output == 0 {
                        self.put(self.habits.empty_reply).await?;
                    }
                    self.put(&held.split()).await?;
                    return Ok(ended.unwrap_or(Ending::Exit(0)));
                }
            }
            self.buf.reserve(BLOCK);
            match self.reader.read_buf(self.buf).await {
                Ok(1..) => self.has_come = true,
                _ if self.is_kept && !self.has_come => return Err(Broken::Stale),
                Ok(_) if self.habits.close_ends => {
                    let last = match self.output {
                        0 => self.habits.empty_reply,
                        _ => self.habits.last_output,
                    };
                    self.put(last).await?;
                    return Ok(Ending::Exit(0));
                }
                _ => return Err(Broken::Wire),
            }
        }
    }

    /// Takes one record; how the request ended, if it is over.
    async fn record(
        &mut self,
        record: Inbound,
        held: &mut BytesMut,
    ) -> Result<Option<Ending>, Broken> {
        let id = self.habits.request_id;
        if record.is(Kind::END_REQUEST, id) {
            return self.end(&record.content).map(Some);
        }
        if record.is(Kind::STDERR, id) && !self.habits.mixes_stderr {
            // Where nobody listens to complaints the reply is no worse.
            self.stderr.write_all(&record.content).await.ok();
            return Ok(None);
        }
        let is_output = record.is(Kind::STDOUT, id) && !self.stdout_ended;
        if is_output && record.content.is_empty() {
            self.stdout_ended = true;
            return Ok(None);
        }
        let is_output = is_output || record.is(Kind::STDERR, id);
        match is_output {
            true => self.output(record.content, held).await?,
            false => match (self.habits.strays)(&record) {
                Stray::Skip => {}
                Stray::Refuse => return Err(Broken::Wire),
                Stray::Output => self.output(record.content, held).await?,
            },
        }
        Ok(None)
    }

    async fn output(&mut self, content: Bytes, held: &mut BytesMut) -> Result<(), Broken> {
        self.output += 1;
        self.has_length |= find(&content, b"Content-Length").is_some();
        let has_head = || {
            find(&content, b"\r\n\r\n")
                .or_else(|| find(&content, b"\n\n"))
                .is_some()
        };
        if self.habits.needs_whole_head && self.output == 1 && !has_head() {
            return Err(Broken::Wire);
        }
        if self.habits.holds_back {
            held.extend_from_slice(&content);
            return Ok(());
        }
        self.put(&content).await
    }

    async fn put(&mut self, octets: &[u8]) -> Result<(), Broken> {
        let written = self.stdout.write_all(octets).await;
        written.map_err(|_| Broken::Unwanted)
    }

    fn end(&self, content: &[u8]) -> Result<Ending, Broken> {
        let &[a, b, c, d, status, ..] = content else {
            return match self.habits.needs_end_body {
                true => Err(Broken::Wire),
                false => Ok(Ending::Exit(0)),
            };
        };
        let is_complete = (self.habits.completes)(status, self.output > 0);
        let misses_end = self.habits.needs_stdout_end && !self.stdout_ended;
        match is_complete && !misses_end {
            true => Ok(Ending::Exit(u32::from_be_bytes([a, b, c, d]))),
            false => Err(Broken::Wire),
        }
    }
}
