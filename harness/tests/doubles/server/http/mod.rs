//! HTTP/1.1: requests one after another on a connection.

use bytes::{Bytes, BytesMut};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::OwnedWriteHalf},
};
use wire::{
    cgi,
    environ::Environ,
    http::{self, Header, Limits, RequestHead, ResponseHead, Version},
    request::{self, Gateway, SplitPath, Target},
};

use super::{Site, Trouble, call, flaw::Flaw, peer::Incoming};

mod body;
mod head;

/// The double has no clock: any Date will do for a bench that only counts them.
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

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
    while let Some(mut request) = next(site, incoming, out).await? {
        let is_reversed =
            request.stays && request.is_get() && site.does(Flaw::HttpPipelineReversed);
        if is_reversed
            && !incoming.buf.is_empty()
            && let Some(second) = next(site, incoming, out).await?
        {
            answer(site, &second, out).await?;
            request.stays &= second.stays;
        }
        answer(site, &request, out).await?;
        if request.is_get() && site.does(Flaw::HttpDropsPipelined) {
            incoming.buf.clear();
        }
        if !goes_on(site, &request, incoming) {
            break;
        }
    }
    Ok(())
}

/// A request, whole.
struct Request {
    head: RequestHead,
    body: Bytes,
    /// Whether the connection takes another one.
    stays: bool,
}

impl Request {
    fn is_get(&self) -> bool {
        self.head.method == "GET"
    }
}

/// Whether the server looks for another request.
fn goes_on(site: &Site, request: &Request, incoming: &Incoming) -> bool {
    let says_close = request.head.header("connection").is_some();
    request.stays
        || (site.does(Flaw::HttpServesAfterClose) && !incoming.buf.is_empty())
        || (site.does(Flaw::HttpNeverCloses) && says_close)
}

/// Reads the next request.
async fn next(
    site: &Site,
    incoming: &mut Incoming,
    out: &mut OwnedWriteHalf,
) -> Result<Option<Request>, Stop> {
    let Some(mut head) = head::read(site, incoming).await? else {
        return Ok(None);
    };
    let framing = head::framing(site, &mut head)?;
    if continues(site, &head) {
        out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body = body::read(site, &mut head, framing, incoming).await?;
    let is_old = head.version == Version::Http10;
    let closes = site.does(Flaw::HttpClosesAlways) || site.does(Flaw::HttpClosesSilently);
    let stays = head.keep_alive() && !closes;
    Ok(Some(Request {
        stays: stays || (is_old && site.does(Flaw::Http10Persists)),
        head,
        body,
    }))
}

fn continues(site: &Site, head: &RequestHead) -> bool {
    let is_old = head.version == Version::Http10 && head.header("expect").is_some();
    match head.expects_continue() {
        true => !site.does(Flaw::HttpNoContinue),
        false => is_old && site.does(Flaw::HttpContinueTo10),
    }
}

async fn answer(site: &Site, request: &Request, out: &mut OwnedWriteHalf) -> Result<(), Stop> {
    let mut program = call::start(site, environ(site, &request.head, &request.body)?)?;
    program.stdin.write_all(&request.body).await.ok();
    let (mut output, _) = call::output(&mut program).await;
    let decoded = cgi::decode_head(&mut output, &Limits::default());
    let Ok(Some(cgi)) = decoded else {
        return Err(Stop::Refused(502));
    };
    let Ok(mut response) = cgi.to_response(Version::Http11) else {
        return Err(Stop::Refused(502));
    };
    let octets = encode(site, request, &mut response, &output);
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
fn encode(site: &Site, request: &Request, response: &mut ResponseHead, body: &[u8]) -> BytesMut {
    let is_head = request.head.method == "HEAD";
    let has_none = matches!(response.status, 204 | 304);
    frame(site, request, response, body);
    if !request.stays && !site.does(Flaw::HttpClosesSilently) {
        response.headers.push(Header::new("Connection", "close"));
    }
    if !site.does(Flaw::HttpNoDate) {
        response.headers.push(Header::new("Date", DATE));
    }
    let mut octets = BytesMut::new();
    response.encode(&mut octets);
    if is_head && site.does(Flaw::HttpHeadHasBody) {
        octets.extend_from_slice(b"body");
    }
    let with_304 = response.status == 304 && site.does(Flaw::HttpBodyWith304);
    if (is_head || has_none) && !with_304 {
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

/// Says in the head how the body is framed.
fn frame(site: &Site, request: &Request, response: &mut ResponseHead, body: &[u8]) {
    if response.status == 204 && site.does(Flaw::HttpLengthWith204) {
        response.headers.push(Header::new("Content-Length", "0"));
    }
    if response.header("content-length").is_some() || matches!(response.status, 204 | 304) {
        return;
    }
    let is_new = request.head.version == Version::Http11 || site.does(Flaw::HttpChunksTo10);
    response.headers.push(match is_new {
        true => Header::new("Transfer-Encoding", "chunked"),
        false => Header::new("Content-Length", body.len().to_string()),
    });
}

async fn refuse(status: u16, out: &mut OwnedWriteHalf) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        http::reason_phrase(status)
    );
    out.write_all(head.as_bytes()).await
}
