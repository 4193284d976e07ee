//! One request over uwsgi, SCGI or HTTP: its head, its body as it is, and a reply to the end of
//! the connection.

use std::future::pending;

use bytes::BytesMut;
use gatebench::{model::Model, scenario::text::latin1};
use probe::cgi::Ending;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use wire::{
    http::{Header, RequestHead, Version},
    scgi, uwsgi,
};

use super::{
    Broken, Order, Streams, Upstream, habits::WhenGone, link::Link, reply::Reply, unwanted,
};

/// Octets read at once.
const BLOCK: usize = 64 * 1024;

/// Fields that the double says itself.
const OWN_FIELDS: [&str; 5] = [
    "connection",
    "transfer-encoding",
    "content-length",
    "trailer",
    "expect",
];

/// Fields that concern one connection (RFC 9110 section 7.6.1).
const HOP_FIELDS: [&str; 4] = ["keep-alive", "te", "upgrade", "proxy-connection"];

/// Sends a request and passes on what comes back.
pub(super) async fn exchange(
    upstream: &Upstream,
    order: &Order,
    streams: &mut Streams,
) -> Result<Ending, Broken> {
    let habits = &order.habits;
    // A connection is for one request (UWSGI-CONN-ONE, SCGI-2-ONE-REQUEST).
    let kept = upstream.idle.take(habits).filter(|_| habits.keeps_rest);
    let mut link = match kept {
        Some(link) => link,
        None => Link::open(&upstream.to).await?,
    };
    let ended = both_ways(&mut link, order, streams).await;
    match ended {
        Err(Broken::Unwanted) if habits.when_gone == WhenGone::GoOn => {
            let mut rest = vec![0; BLOCK];
            while let Ok(1..) = link.stream.read(&mut rest).await {}
        }
        Ok((_, true)) if habits.keeps_rest => upstream.idle.keep(link),
        _ => {}
    }
    ended.map(|(ending, _)| ending)
}

/// Sends and takes at the same time; how it ended, and whether the reply's length told so.
async fn both_ways(
    link: &mut Link,
    order: &Order,
    streams: &mut Streams,
) -> Result<(Ending, bool), Broken> {
    let Link { stream, buf, .. } = link;
    let (mut reader, mut writer) = stream.split();
    let (mut from_output, mut stdout) = streams.stdout.split();
    let mut opening = opening(order)?;
    let trailer = order.habits.trailer;
    if order.length.is_none() {
        opening.extend_from_slice(trailer);
    }
    let sending = async {
        // A backend that takes no more may have replied already.
        writer.write_all(&opening).await?;
        copy(&mut streams.stdin, &mut writer).await?;
        match order.length {
            Some(_) => writer.write_all(trailer).await,
            None => Ok(()),
        }
    };
    let taking = async {
        let (mut reply, mut left) = (Reply::new(order), buf.len());
        loop {
            buf.reserve(BLOCK);
            // What an earlier reply left comes first.
            let read = match std::mem::take(&mut left) {
                0 => reader.read_buf(buf).await?,
                left => left,
            };
            let passed = if read == 0 {
                reply.end(buf)
            } else {
                reply.take(buf)
            };
            let written = stdout.write_all(&passed?).await;
            written.map_err(|_| Broken::Unwanted)?;
            if read == 0 {
                return reply.ending().map(|ending| (ending, false));
            }
            if reply.is_whole() && order.habits.keeps_rest {
                return Ok((Ending::Exit(0), true));
            }
        }
    };
    if order.habits.writes_all_first {
        sending.await?;
        return taking.await;
    }
    tokio::select! {
        biased;
        ended = taking => ended,
        () = async { sending.await.ok(); pending().await } => unreachable!("it is pending"),
        broken = unwanted(&mut from_output) => Err(broken),
    }
}

/// Everything before the body.
fn opening(order: &Order) -> Result<BytesMut, Broken> {
    let mut octets = BytesMut::new();
    match order.model {
        Model::Scgi => scgi::encode_request(&order.environ, order.length.unwrap_or(0), &mut octets)
            .map_err(|_| Broken::Wire)?,
        Model::Http => http(order, &mut octets),
        _ => uwsgi::encode_request(&order.environ, 0, 0, &mut octets).map_err(|_| Broken::Wire)?,
    }
    (order.habits.opening)(&mut octets);
    Ok(octets)
}

/// The head of an HTTP request whose connection ends with the reply.
fn http(order: &Order, octets: &mut BytesMut) {
    let habits = &order.habits;
    let is_one_of = |names: &[&str], field: &Header| names.iter().any(|name| field.is(name));
    let named = named(&order.head);
    let mut headers = order.head.headers.clone();
    headers.retain(|field| !is_one_of(&OWN_FIELDS, field));
    headers.retain(|field| habits.passes_hops || !is_one_of(&HOP_FIELDS, field));
    headers.retain(|field| habits.passes_named || !named.iter().any(|name| field.is(name)));
    headers.push(Header::new("Connection", "close"));
    let length = order.length.map(|length| length.to_string());
    headers.extend(length.map(|length| Header::new("Content-Length", length)));
    let head = RequestHead {
        headers,
        version: Version::Http11,
        ..order.head.clone()
    };
    head.encode(octets);
}

/// The fields that Connection names.
fn named(head: &RequestHead) -> Vec<String> {
    let lists = head.all("connection").map(|value| latin1(value));
    let names = lists.flat_map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>());
    names.map(|name| name.trim().to_owned()).collect()
}
