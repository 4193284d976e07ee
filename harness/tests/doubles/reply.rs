//! CGI output to an HTTP reply (RFC 3875 section 6).

use bytes::{Bytes, BytesMut};
use probe::cgi::Ending;
use tokio::{io::AsyncReadExt, net::UnixStream, sync::oneshot};
use wire::{
    cgi::{CgiError, CgiHead, ReplyKind, decode_either},
    http::{Framing, Header, Limits, RequestHead, ResponseHead, Version},
};

use super::{Setting, connection::Trouble, outgoing::Outgoing};

/// What came of a program's output.
pub(super) enum Answered {
    /// The client has its reply; whether the connection may go on.
    Sent(bool),
    /// The reply is that to another path of this server.
    Redirect(Bytes),
}

/// The output of the program that answers one request.
pub(super) struct Output<'a> {
    pub(super) request: &'a RequestHead,
    pub(super) setting: &'a Setting,
    pub(super) redirects: bool,
    pub(super) stdout: UnixStream,
    pub(super) ending: oneshot::Receiver<Ending>,
}

impl From<CgiError> for Trouble {
    fn from(_: CgiError) -> Self {
        Self::Refuse(502)
    }
}

impl Output<'_> {
    /// Passes the output on to the client as it comes.
    pub(super) async fn pass(mut self, to: &mut Outgoing) -> Result<Answered, Trouble> {
        let mut buf = BytesMut::new();
        let head = self.head(&mut buf).await?;
        if let (true, ReplyKind::LocalRedirect(location)) = (self.redirects, head.kind()?) {
            return Ok(Answered::Redirect(location));
        }
        let mut head = head.to_response(Version::Http11)?;
        let framing = self.frame(&mut head)?;
        let stays = framing != Framing::UntilClose && self.request.keep_alive();
        if !stays {
            head.headers.push(Header::new("Connection", "close"));
        }
        self.setting.reply(&mut head, self.request);
        to.head(&head, framing).await?;
        self.body(buf, to).await?;
        Ok(Answered::Sent(stays))
    }

    async fn head(&mut self, buf: &mut BytesMut) -> Result<CgiHead, Trouble> {
        loop {
            if let Some(head) = decode_either(buf, &Limits::default())? {
                return Ok(head);
            }
            if self.stdout.read_buf(buf).await? == 0 {
                return Err(Trouble::Refuse(502));
            }
        }
    }

    /// Chooses the frame of the body and says so in the head.
    fn frame(&self, head: &mut ResponseHead) -> Result<Framing, Trouble> {
        // RFC 9110 section 8.6: no length beside a status that never has a body.
        if head.status == 204 {
            head.headers.retain(|field| !field.is("content-length"));
        }
        let framing = head.framing(&self.request.method)?;
        if framing != Framing::UntilClose || self.request.version == Version::Http10 {
            return Ok(framing);
        }
        head.headers
            .push(Header::new("Transfer-Encoding", "chunked"));
        Ok(Framing::Chunked)
    }

    async fn body(&mut self, mut buf: BytesMut, to: &mut Outgoing) -> Result<(), Trouble> {
        loop {
            if !buf.is_empty() {
                to.body(&buf.split()).await?;
            }
            if self.stdout.read_buf(&mut buf).await? == 0 {
                break;
            }
        }
        // DF-RESP-ABORT: a reply that the program did not finish must not look whole.
        match (&mut self.ending).await {
            Ok(Ending::Exit(_)) => to.end().await,
            Ok(Ending::Killed) | Err(_) => Err(Trouble::Gone),
        }
    }
}
