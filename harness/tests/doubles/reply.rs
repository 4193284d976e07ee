//! CGI output to an HTTP reply (RFC 3875 section 6).

use bytes::{Bytes, BytesMut};
use gatebench::model::Model;
use wire::{
    cgi::{CgiError, CgiHead, ReplyKind},
    http::{Framing, Header, RequestHead, ResponseHead, Version},
};

use super::{
    Setting,
    conduct::{Conduct, Dates, Follows},
    connection::Trouble,
    outgoing::Frame,
};

/// The double has no clock: any Date will do for a bench that only counts them.
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// What came of a program's output.
pub(super) enum Answered {
    /// The client has its reply; whether the connection may go on.
    Sent(bool),
    /// The reply is that to another path of this server.
    Redirect(Bytes),
}

/// What a program said in answer to a request.
pub(super) struct Script<'a> {
    pub(super) request: &'a RequestHead,
    pub(super) interface: Model,
    /// The output as it came, at least its head.
    pub(super) raw: Bytes,
    pub(super) head: CgiHead,
}

/// A reply before it is sent.
pub(super) struct Reply {
    pub(super) head: ResponseHead,
    pub(super) frame: Frame,
    /// Whether the connection may go on.
    pub(super) stays: bool,
}

impl From<CgiError> for Trouble {
    fn from(_: CgiError) -> Self {
        Self::Answer(502)
    }
}

impl Script<'_> {
    /// The path that is to be answered instead.
    pub(super) fn redirect(&self, follows: Follows) -> Result<Option<Bytes>, Trouble> {
        let takes_cgi_output = matches!(self.interface, Model::Cgi | Model::FastCgi | Model::Scgi);
        let location = match (self.head.kind()?, follows) {
            (_, Follows::Never) => None,
            (_, Follows::EveryPath) => self
                .head
                .location()
                .filter(|l| l.starts_with(b"/"))
                .cloned(),
            (ReplyKind::LocalRedirect(location), Follows::Local) => Some(location),
            (_, Follows::Local) => None,
        };
        Ok(location.filter(|_| takes_cgi_output || follows == Follows::EveryPath))
    }

    /// Whether the reply is a redirect with a document (RFC 3875 section 6.2.4).
    pub(super) fn is_redirect_with_document(&self) -> bool {
        let status = self.head.status.as_ref().map(|(code, _)| *code);
        matches!(status, Some(300..=399)) && self.head.location().is_some()
    }
}

impl Reply {
    /// The reply that says what the program said; with `unmeasured`, its length is not believed.
    pub(super) fn new(
        script: &Script<'_>,
        setting: &Setting,
        unmeasured: bool,
    ) -> Result<Self, Trouble> {
        let mut head = response(&script.head, &setting.conduct)?;
        // RFC 9110 section 8.6: no length beside a status that never has a body.
        if unmeasured || head.status == 204 {
            head.headers.retain(|field| !field.is("content-length"));
        }
        date(&mut head, setting.conduct.dates);
        let framing = frame(&mut head, script.request)?;
        let stays = framing != Framing::UntilClose && script.request.keep_alive();
        if !stays {
            head.headers.push(Header::new("Connection", "close"));
        }
        let frame = framing.into();
        let mut reply = Self { head, frame, stays };
        setting.reply(&mut reply, script);
        Ok(reply)
    }

    /// The octets of the head.
    pub(super) fn encode(&self, script: &Script<'_>, setting: &Setting) -> BytesMut {
        let mut octets = BytesMut::new();
        self.head.encode(&mut octets);
        setting.wire(&mut octets, script);
        octets
    }
}

fn response(head: &CgiHead, conduct: &Conduct) -> Result<ResponseHead, Trouble> {
    match head.to_response(Version::Http11) {
        Err(CgiError::Interim(status)) if conduct.interim_is_final => {
            let mut final_head = head.clone();
            final_head.status = None;
            let response = final_head.to_response(Version::Http11)?;
            Ok(ResponseHead { status, ..response })
        }
        response => Ok(response?),
    }
}

fn date(head: &mut ResponseHead, dates: Dates) {
    let adds = match dates {
        Dates::Missing => head.header("date").is_none(),
        Dates::Never => false,
        Dates::Always => true,
    };
    if adds {
        head.headers.push(Header::new("Date", DATE));
    }
}

/// Chooses the frame of the body and says so in the head.
fn frame(head: &mut ResponseHead, request: &RequestHead) -> Result<Framing, Trouble> {
    // RFC 9110 section 15.3.6: 205 says that there is nothing to come.
    if head.status == 205 && request.method != "HEAD" {
        let frames = |field: &Header| field.is("content-length") || field.is("transfer-encoding");
        head.headers.retain(|field| !frames(field));
        head.headers.push(Header::new("Content-Length", "0"));
    }
    let framing = head.framing(&request.method)?;
    if framing != Framing::UntilClose || request.version == Version::Http10 {
        return Ok(framing);
    }
    head.headers
        .push(Header::new("Transfer-Encoding", "chunked"));
    Ok(Framing::Chunked)
}
