//! What the program writes, on its way to the client.

use std::time::Duration;

use bytes::BytesMut;
use gatebench::witness::Health;
use probe::cgi::Ending;
use tokio::{io::AsyncReadExt, net::UnixStream, sync::oneshot, time::timeout};
use wire::{
    cgi::decode_either,
    http::{Framing, Limits},
};

use super::{
    Setting,
    asked::Asked,
    conduct::{CAUGHT, WaitsFor},
    connection::Trouble,
    incoming::BLOCK,
    outgoing::Outgoing,
    reply::{Answered, Reply, Script},
};

/// The output of the program that answers one request.
pub(super) struct Output<'a> {
    asked: &'a Asked,
    setting: &'a Setting,
    stdout: UnixStream,
    others: Others,
    /// Once it is known.
    ended: Option<Ending>,
}

/// What goes on beside the output.
pub(super) struct Others {
    /// How the program ended.
    pub(super) ending: oneshot::Receiver<Ending>,
    /// Whether it read all its input.
    pub(super) fed: oneshot::Receiver<bool>,
    /// What it wrote to its error stream.
    pub(super) errors: oneshot::Receiver<Vec<u8>>,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        asked: &'a Asked,
        setting: &'a Setting,
        stdout: UnixStream,
        others: Others,
    ) -> Self {
        Self {
            asked,
            setting,
            stdout,
            others,
            ended: None,
        }
    }

    /// Passes the output on to the client as it comes.
    pub(super) async fn pass(mut self, to: &mut Outgoing) -> Result<Answered, Trouble> {
        let mut buf = BytesMut::new();
        let noise = self.hold_back(&mut buf).await?;
        self.head(&mut buf).await?;
        self.survive(&buf).await?;
        if self.setting.conduct.nph && buf.starts_with(b"HTTP/") {
            to.begin(&[], Framing::UntilClose.into()).await?;
            self.body(buf, to).await?;
            return Ok(Answered::Sent(false));
        }
        let script = self.script(&mut buf)?;
        if let Some(location) = script.redirect(self.setting.conduct.follows)? {
            return Ok(Answered::Redirect(location));
        }
        let reply = Reply::new(&script, self.setting, !noise.is_empty())?;
        let head = reply.encode(&script, self.setting);
        to.begin(&head, reply.frame).await?;
        to.body(&noise).await?;
        let within = self.setting.conduct.reply_within;
        let passing = self.body(buf, to);
        // What does not come in time is cut off.
        let passed = timeout(within.unwrap_or(Duration::MAX), passing).await;
        passed.unwrap_or(Err(Trouble::Gone))?;
        Ok(Answered::Sent(reply.stays))
    }

    /// Reads everything first where the conduct wants to know something before it replies; what
    /// has to go before the body.
    async fn hold_back(&mut self, buf: &mut BytesMut) -> Result<Vec<u8>, Trouble> {
        let waits_for = self.setting.conduct.waits_for;
        if waits_for == WaitsFor::Nothing {
            return Ok(Vec::new());
        }
        while self.fill(buf).await? > 0 {}
        let is_fit = match waits_for {
            WaitsFor::ErrorStream => {
                return Ok((&mut self.others.errors).await.unwrap_or_default());
            }
            WaitsFor::Input => (&mut self.others.fed).await.unwrap_or(false),
            WaitsFor::ExitStatus => matches!(self.ending().await, Ending::Exit(0) | Ending::Killed),
            WaitsFor::CaughtErrors => {
                let errors = (&mut self.others.errors).await.unwrap_or_default();
                !errors.windows(CAUGHT.len()).any(|said| said == CAUGHT)
            }
            WaitsFor::Nothing | WaitsFor::Output => true,
        };
        if is_fit {
            Ok(Vec::new())
        } else {
            Err(Trouble::Answer(502))
        }
    }

    /// Reads until the head is whole or the output ends.
    async fn head(&mut self, buf: &mut BytesMut) -> Result<(), Trouble> {
        let patience = self.setting.conduct.head_patience.unwrap_or(Duration::MAX);
        let reading = async {
            while !is_whole(buf) && buf.len() < Limits::default().head_bytes {
                if self.fill(buf).await? == 0 {
                    break;
                }
            }
            Ok(())
        };
        timeout(patience, reading)
            .await
            .unwrap_or(Err(Trouble::Answer(504)))
    }

    /// A program that is killed before its head takes nothing else down with it.
    async fn survive(&mut self, output: &[u8]) -> Result<(), Trouble> {
        if let Some(health) = self.setting.conduct.goes_down
            && output.is_empty()
            && self.ending().await == Ending::Killed
        {
            return Err(Trouble::Down(health()));
        }
        Ok(())
    }

    /// Takes the head off the front of the output.
    fn script(&self, buf: &mut BytesMut) -> Result<Script<'a>, Trouble> {
        if buf.is_empty() && self.setting.conduct.empty_is_200 {
            return Err(Trouble::Answer(200));
        }
        let raw = buf.clone().freeze();
        self.setting.judge(&raw)?;
        self.setting.output(buf);
        if self.setting.conduct.dies_of_a_cut_head && !buf.is_empty() && !is_whole(buf) {
            return Err(Trouble::Down(Health::Died("ended by signal 6".to_owned())));
        }
        // No whole head by now is none at all (CGI-DF-EMPTY, DF-RESP-NO-HEADER).
        let head = decode_either(buf, &Limits::default())?
            .ok_or(Trouble::Answer(self.setting.conduct.no_head_status))?;
        Ok(Script {
            request: &self.asked.head,
            interface: self.asked.model,
            raw,
            head,
        })
    }

    /// Passes the body on; a reply that the program did not finish must not look whole.
    async fn body(&mut self, mut buf: BytesMut, to: &mut Outgoing) -> Result<(), Trouble> {
        let (mut patience, mut is_first) = (Duration::MAX, true);
        loop {
            if !buf.is_empty() {
                let piece = buf.split();
                match self.setting.conduct.chunks_twice && !is_first {
                    true => to.body_with_head(&piece).await?,
                    false => to.body(&piece).await?,
                }
                is_first = false;
                patience = self.setting.conduct.body_patience.unwrap_or(patience);
            }
            match timeout(patience, self.fill(&mut buf)).await {
                Err(_) => return to.end().await,
                Ok(Ok(0)) => break,
                Ok(read) => {
                    read?;
                }
            }
        }
        match self.ending().await {
            Ending::Killed if !to.hides_cut() && !self.setting.conduct.hides_cuts => {
                Err(Trouble::Gone)
            }
            _ => to.end().await,
        }
    }

    async fn ending(&mut self) -> Ending {
        let ended = match self.ended {
            Some(ended) => ended,
            None => (&mut self.others.ending).await.unwrap_or(Ending::Killed),
        };
        self.ended = Some(ended);
        ended
    }

    async fn fill(&mut self, buf: &mut BytesMut) -> Result<usize, Trouble> {
        buf.reserve(BLOCK);
        Ok(self.stdout.read_buf(buf).await?)
    }
}

/// Whether the blank line behind a head is there.
fn is_whole(output: &[u8]) -> bool {
    let is_blank = |line: &[u8]| matches!(line, b"" | b"\r");
    let mut lines = output.split(|&b| b == b'\n');
    // What follows the last line feed is no line yet.
    lines.next_back();
    lines.any(is_blank)
}
