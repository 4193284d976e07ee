//! HTTP/1.1: requests one after another on a connection.

use bytes::{Bytes, BytesMut};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::OwnedWriteHalf},
};
use wire::{
    cgi,
    environ::Environ,
    http::{
        self, ChunkEvent, ChunkedDecoder, Framing, Header, Limits, RequestHead, ResponseHead,
        Version,
    },
    request::{self, Gateway, SplitPath, Target},
};

use super::{Site, Trouble, call, flaw::Flaw, peer::Incoming};

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, site: &Site) -> Result<(), Trouble> {
    let (incoming, mut out) = stream.into_split();
    let mut incoming = Incoming::new(incoming);
    let served = requests(site, &mut incoming, &mut out).await;
    match served {
        Ok(()) | Err(Stop::Refused(_)) => {
            if let Err(Stop::Refused(status)) = served {
                refuse(status, &mut out).await.ok();
            }
            incoming.linger(&mut out).await;
            Ok(())
        }
        Err(Stop::Trouble(trouble)) => Err(trouble),
    }
}

/// Why there is no next request.
enum Stop {
    /// It is answered with this status, and nothing behind it is believed.
    Refused(u16),
    Trouble(Trouble),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<std::io::Error> for Stop {
    fn from(_: std::io::Error) -> Self {
        Self::Trouble(Trouble::Gone)
    }
}

impl From<http::HttpError> for Stop {
    fn from(error: http::HttpError) -> Self {
        Self::Refused(error.status())
    }
}

async fn requests(
    site: &Site,
    incoming: &mut Incoming,
    out: &mut OwnedWriteHalf,
) -> Result<(), Stop> {
    while let Some(head) = head(incoming).await? {
        let framing = head.framing()?;
        if head.expects_continue() {
            out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = body(framing, incoming).await?;
        let stays = head.keep_alive() && !site.does(Flaw::HttpClosesAlways);
        answer(site, &head, &body, stays, out).await?;
        if site.does(Flaw::HttpDropsPipelined) {
            incoming.buf.clear();
        }
        if !stays {
            break;
        }
    }
    Ok(())
}

async fn head(incoming: &mut Incoming) -> Result<Option<RequestHead>, Stop> {
    loop {
        if let Some(head) = http::decode_request(&mut incoming.buf, &Limits::default())? {
            return Ok(Some(head));
        }
        if incoming.fill().await? == 0 {
            return Ok(None);
        }
    }
}

async fn body(framing: Framing, incoming: &mut Incoming) -> Result<Bytes, Stop> {
    let mut body = BytesMut::new();
    match framing {
        Framing::None | Framing::UntilClose => {}
        Framing::Length(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            while incoming.buf.len() < length {
                if incoming.fill().await? == 0 {
                    return Err(Trouble::Gone.into());
                }
            }
            body = incoming.buf.split_to(length);
        }
        Framing::Chunked => {
            let mut decoder = ChunkedDecoder::new();
            loop {
                match decoder.decode(&mut incoming.buf) {
                    Ok(Some(ChunkEvent::Data(data))) => body.extend_from_slice(&data),
                    Ok(Some(ChunkEvent::End { .. })) => break,
                    Ok(None) if incoming.fill().await? == 0 => return Err(Trouble::Gone.into()),
                    Ok(None) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Ok(body.freeze())
}

async fn answer(
    site: &Site,
    head: &RequestHead,
    body: &Bytes,
    stays: bool,
    out: &mut OwnedWriteHalf,
) -> Result<(), Stop> {
    let mut program = call::start(site, environ(site, head, body)?)?;
    program.stdin.write_all(body).await.ok();
    let (mut output, _) = call::output(&mut program).await;
    let decoded = cgi::decode_head(&mut output, &Limits::default());
    let Ok(Some(cgi)) = decoded else {
        return Err(Stop::Refused(502));
    };
    let Ok(mut response) = cgi.to_response(Version::Http11) else {
        return Err(Stop::Refused(502));
    };
    let octets = encode(site, head, &mut response, &output, stays);
    Ok(out.write_all(&octets).await?)
}

fn environ(site: &Site, head: &RequestHead, body: &[u8]) -> Result<Environ, Stop> {
    let refused = |error: request::RequestError| Stop::Refused(error.status());
    let target = Target::parse(&head.target).map_err(refused)?;
    let path = target.decoded_path().map_err(refused)?;
    let path = SplitPath::at(&path, "").ok_or(Stop::Refused(404))?;
    let gateway = Gateway {
        server_software: "double/1.0",
        server_name: "localhost",
        server_port: site.listen.port(),
        remote_addr: "127.0.0.1",
        remote_port: 1,
        server_addr: "127.0.0.1",
        https: false,
        document_root: None,
    };
    let length = (!body.is_empty()).then_some(body.len() as u64);
    request::environ(head, &path, length, &gateway).map_err(refused)
}

/// The octets of a whole reply.
fn encode(
    site: &Site,
    request: &RequestHead,
    response: &mut ResponseHead,
    body: &[u8],
    stays: bool,
) -> BytesMut {
    let is_head = request.method == "HEAD";
    let has_none = matches!(response.status, 204 | 304);
    let is_chunked = response.header("content-length").is_none() && !has_none;
    if is_chunked && request.version == Version::Http11 {
        response
            .headers
            .push(Header::new("Transfer-Encoding", "chunked"));
    } else if is_chunked {
        let length = body.len().to_string();
        response.headers.push(Header::new("Content-Length", length));
    }
    if !stays {
        response.headers.push(Header::new("Connection", "close"));
    }
    let mut octets = BytesMut::new();
    response.encode(&mut octets);
    if is_head && site.does(Flaw::HttpHeadHasBody) {
        octets.extend_from_slice(b"body");
    }
    if is_head || has_none {
        return octets;
    }
    match response.header("transfer-encoding").is_some() {
        false => octets.extend_from_slice(body),
        true => {
            if !body.is_empty() {
                http::encode_chunk(body, &mut octets);
            }
            octets.extend_from_slice(http::LAST_CHUNK);
        }
    }
    octets
}

async fn refuse(status: u16, out: &mut OwnedWriteHalf) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        http::reason_phrase(status)
    );
    out.write_all(head.as_bytes()).await
}
