//! One run of one script, from its start to the end of its reply.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use nix::errno::Errno;
use tokio::time::timeout;
use wire::cgi::{self, CgiError, CgiHead, ReplyKind};
use wire::http::Limits;

use super::child::{Child, Exit};
use super::head;
use super::hold::{self, Feed};
use super::output::{Output, OutputError};
use super::script::Script;
use super::spawn::{self, NotStarted, Program, Rights, Step};
use super::stdio::{self, Pipes};
use super::strings::Strings;
use super::warm::Warm;
use crate::app::AppError;
use crate::app::patience::Patience;
use crate::exchange::{Body, Protocol, Reply, ReplyError};
use crate::trace;

/// How long the end of a script is waited for once its reply is complete: its exit status goes to
/// a FastCGI gateway, and a reply that a crash cut short must not look whole.
const GRACE: Duration = Duration::from_millis(200);

/// A script about to run.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) script: &'a Script,
    /// What is executed: the script itself, or its `cgi-helper`.
    pub(super) program: &'a Path,
    pub(super) argv: &'a Strings,
    pub(super) environ: &'a Strings,
    pub(super) timeout: Duration,
    pub(super) head_bytes: usize,
    pub(super) protocol: Protocol,
    /// Whether error text is for the log alone.
    pub(super) stderr_to_log: bool,
    /// Where it may be forked from instead of being executed.
    pub(super) warm: Option<&'a Warm>,
    /// Whether what it leaves behind may run on.
    pub(super) keeps_children: bool,
    pub(super) rights: &'a Rights,
}

/// What a script's output came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The reply is complete.
    Answered,
    /// A local redirect is to be followed.
    Redirect(CgiHead),
    /// The output ended before its head did; this is how it began.
    NoHead(Bytes),
}

impl Run<'_> {
    /// Starts the script and passes everything on, both ways at the same time (CGI-DF-DUPLEX).
    /// Whatever ends this early also ends the script.
    pub(super) async fn serve(&self, body: Body, reply: &mut Reply) -> Result<Outcome, AppError> {
        reply.step(trace::Step::Started);
        let is_traced = reply.traced().is_some();
        let (child, pipes, born) = self.start(body.length() != Some(0), is_traced).await?;
        match born {
            Some(at) => {
                reply.step_at(trace::Step::Spawned, at);
                reply.step(trace::Step::Executed);
            }
            None => reply.step(trace::Step::Spawned),
        }
        let Pipes {
            stdin,
            stdout,
            stderr,
        } = pipes;
        let patience = Patience::new(self.timeout);
        let feed = Feed::new();
        let closed = reply.closed();
        let output =
            Output::new(self.script.name(), &patience, stdout, stderr).for_log(self.stderr_to_log);
        tokio::select! {
            biased;
            outcome = self.relay(child, output, &patience, &feed, reply) => outcome,
            Err(fault) = stdio::feed(body, stdin, &patience, &feed) => Err(fault),
            () = patience.runs_out() => Err(self.too_slow()),
            () = closed => Err(ReplyError::ClientGone.into()),
        }
    }

    /// The time is that of its birth, if it was executed and `timed`.
    async fn start(
        &self,
        has_body: bool,
        timed: bool,
    ) -> Result<(Child, Pipes, Option<Instant>), AppError> {
        let no_pipes = |error| {
            AppError::new(
                503,
                format!("no pipes for CGI program {}: {error}", self.script.name()),
            )
        };
        let (pipes, ends) = stdio::open(has_body).map_err(no_pipes)?;
        let path = c_path(self.program);
        let directory = c_path(self.script.folder());
        let program = Program {
            path: &path,
            argv: self.argv,
            environ: self.environ,
            directory: &directory,
            rights: self.rights,
            takes_up_orphans: !self.keeps_children,
        };
        if let Some(warm) = self.warm {
            let (script, folder) = (&self.script.file, directory.to_bytes());
            let child = warm.start(script, folder, &program, ends.stdio()).await;
            if let Some(child) = child.map_err(|error| self.not_warm(&error))? {
                return Ok((child.keeping_others(self.keeps_children), pipes, None));
            }
        }
        let started = spawn::spawn_timed(&program, ends.stdio(), timed);
        let (pid, born) = started.map_err(|failed| self.no_start(failed))?;
        let child = Child::new(pid).keeping_others(self.keeps_children);
        Ok((child, pipes, born))
    }

    /// From the script to the client, until the script has ended.
    async fn relay(
        &self,
        mut child: Child,
        mut output: Output<'_>,
        patience: &Patience,
        feed: &Feed,
        reply: &mut Reply,
    ) -> Result<Outcome, AppError> {
        let outcome = self.answer(&mut output, patience, feed, reply).await?;
        reply.step(trace::Step::LastByte);
        let exit = match timeout(GRACE, output.settle(&mut child, reply)).await {
            Ok(exit) => Some(exit.map_err(|error| self.broken(error))?),
            Err(_) => None,
        };
        match (&outcome, exit) {
            (Outcome::NoHead(start), exit) => return Err(self.no_head(start, exit)),
            (_, Some(Exit::Signal(signal))) => return Err(self.crashed(signal)),
            (_, Some(Exit::Status(status))) => reply.set_exit_status(status.unsigned_abs()),
            (_, None) => child.detach(self.timeout),
        }
        Ok(outcome)
    }

    async fn answer(
        &self,
        output: &mut Output<'_>,
        patience: &Patience,
        feed: &Feed,
        reply: &mut Reply,
    ) -> Result<Outcome, AppError> {
        if self.script.is_nph() && self.protocol.replies_in_http() {
            return self.pass_raw(output, patience, reply).await;
        }
        let Some(head) = self.read_head(output, reply).await? else {
            return Ok(Outcome::NoHead(output.take()));
        };
        if let ReplyKind::LocalRedirect(_) = head.kind().map_err(|fault| self.at_fault(&fault))? {
            while self.more(output, reply).await? {
                output.take();
            }
            return Ok(Outcome::Redirect(head));
        }
        let head = head::cleaned(head).map_err(|fault| self.at_fault(&fault))?;
        if !self.protocol.replies_in_http() {
            self.hold(output, feed).await?;
        }
        self.send(reply.head(head)).await?;
        loop {
            let piece = output.take();
            self.send(patience.with_client(reply.body(piece))).await?;
            if !self.more(output, reply).await? {
                return Ok(Outcome::Answered);
            }
        }
    }

    /// Gathers what the script writes until its head may leave: see [`hold`].
    async fn hold(&self, output: &mut Output<'_>, feed: &Feed) -> Result<(), AppError> {
        let until = feed.holds();
        tokio::pin!(until);
        while output.buffer.len() < hold::HELD {
            let read = tokio::select! {
                biased;
                () = &mut until => return Ok(()),
                read = output.reply_alone() => read.map_err(|error| self.broken(error))?,
            };
            if !read {
                return Ok(());
            }
            feed.moves();
        }
        feed.hurry();
        until.await;
        Ok(())
    }

    /// CGI-5.2-NPH-UNMODIFIED: output that is an HTTP response goes out as it comes.
    async fn pass_raw(
        &self,
        output: &mut Output<'_>,
        patience: &Patience,
        reply: &mut Reply,
    ) -> Result<Outcome, AppError> {
        while self.more(output, reply).await? {
            let piece = output.take();
            self.send(patience.with_client(reply.raw(piece))).await?;
        }
        match reply.head_sent() {
            true => Ok(Outcome::Answered),
            false => Ok(Outcome::NoHead(Bytes::new())),
        }
    }

    /// The head, or `None` if the output ends before.
    async fn read_head(
        &self,
        output: &mut Output<'_>,
        reply: &mut Reply,
    ) -> Result<Option<CgiHead>, AppError> {
        while self.more(output, reply).await? {
            let head = self.decode(&mut output.buffer);
            if let Some(head) = head.map_err(|fault| self.at_fault(&fault))? {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    /// Behind a gateway that reads CGI heads, an NPH script's HTTP response is turned into one.
    fn decode(&self, buffer: &mut BytesMut) -> Result<Option<CgiHead>, CgiError> {
        let limits = Limits {
            head_bytes: self.head_bytes,
            ..Limits::default()
        };
        match self.script.is_nph() {
            true => cgi::decode_either(buffer, &limits),
            false => cgi::decode_head(buffer, &limits),
        }
    }

    async fn more(&self, output: &mut Output<'_>, reply: &mut Reply) -> Result<bool, AppError> {
        output.more(reply).await.map_err(|error| self.broken(error))
    }

    async fn send(
        &self,
        sent: impl Future<Output = Result<(), ReplyError>>,
    ) -> Result<(), AppError> {
        sent.await.map_err(|error| self.broken(error.into()))
    }
}

/// What went wrong, and whose fault it is.
impl Run<'_> {
    fn no_start(&self, failed: NotStarted) -> AppError {
        let (status, reason) = match failed.errno {
            errno if failed.step == Step::Rights => return self.no_rights(errno),
            errno if failed.step == Step::Folder => return self.no_folder(errno),
            Errno::ENOENT => (500, "its interpreter does not exist"),
            Errno::EACCES => (500, "its interpreter may not be executed"),
            Errno::ENOEXEC => (500, "it is neither a program nor starts with #!"),
            Errno::E2BIG => (500, "its environment and arguments are too large"),
            errno => (503, errno.desc()),
        };
        let file = self.script.file.display();
        AppError::new(status, format!("cannot start CGI program {file}: {reason}"))
    }

    fn not_warm(&self, error: &std::io::Error) -> AppError {
        let file = self.script.file.display();
        AppError::new(
            503,
            format!("CGI program {file} was not seen to start: {error}"),
        )
    }

    fn no_rights(&self, errno: Errno) -> AppError {
        let (name, reason) = (self.script.name(), errno.desc());
        let text = format!("CGI program {name} cannot take its user or limits (cgi-set): {reason}");
        AppError::new(500, text)
    }

    fn no_folder(&self, errno: Errno) -> AppError {
        let (name, reason) = (self.script.name(), errno.desc());
        AppError::new(
            500,
            format!("CGI program {name} cannot enter its folder: {reason}"),
        )
    }

    fn too_slow(&self) -> AppError {
        let (name, seconds) = (self.script.name(), self.timeout.as_secs());
        AppError::new(
            504,
            format!("CGI program {name} stayed silent for {seconds} s (cgi-timeout)"),
        )
    }

    fn crashed(&self, signal: nix::sys::signal::Signal) -> AppError {
        AppError::new(
            502,
            format!("CGI program {} was killed by {signal}", self.script.name()),
        )
    }

    fn no_head(&self, start: &[u8], exit: Option<Exit>) -> AppError {
        let name = self.script.name();
        let exit = exit.map_or_else(|| "still running".into(), |exit| exit.to_string());
        let start = start[..start.len().min(64)].escape_ascii();
        AppError::new(
            502,
            format!("CGI program {name} gave no response head ({exit}): '{start}'"),
        )
    }

    fn at_fault(&self, fault: &CgiError) -> AppError {
        AppError::new(502, format!("CGI program {}: {fault}", self.script.name()))
    }

    fn broken(&self, error: OutputError) -> AppError {
        match error {
            OutputError::Reply(ReplyError::Head(fault)) => self.at_fault(&fault),
            OutputError::Reply(error) => error.into(),
            error => AppError::new(500, format!("CGI program {}: {error}", self.script.name())),
        }
    }
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("a path that was found holds no NUL")
}
