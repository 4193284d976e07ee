//! A CGI program that the driver executes: its environment, input, output and end.

use std::{
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt, process::ExitStatusExt},
    path::Path,
    process::Stdio,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, Command},
    sync::oneshot,
    task::{JoinHandle, yield_now},
};

use super::link::Board;
use crate::dialogue::Exit;

/// A program that runs; it is killed when this is dropped.
pub(super) struct Running {
    input: Option<ChildStdin>,
    /// Its output, as long as the driver reads it.
    output: JoinHandle<()>,
    /// Dropped, it ends the program.
    _end: oneshot::Sender<()>,
}

/// What a program is executed with.
pub(super) struct Execution {
    pub(super) environ: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) argv: Vec<Vec<u8>>,
}

impl Running {
    /// Executes `program` in its own folder, as RFC 3875 section 7.2 has it.
    ///
    /// # Errors
    /// It cannot be executed.
    pub(super) fn start(
        program: &Path,
        with: &Execution,
        at: usize,
        board: &Board,
    ) -> io::Result<Self> {
        let text = |octets: &Vec<u8>| OsStr::from_bytes(octets).to_owned();
        let mut command = Command::new(program);
        command
            .args(with.argv.iter().map(text))
            .env_clear()
            .envs(with.environ.iter().map(|(n, v)| (text(n), text(v))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(folder) = program.parent().filter(|folder| folder.is_dir()) {
            command.current_dir(folder);
        }
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let of = board.clone();
        let output = tokio::spawn(async move {
            if let Some(stdout) = stdout {
                drain(stdout, |octets| of.came(at, octets)).await;
            }
            of.ended(at, Ok(()));
        });
        let of = board.clone();
        tokio::spawn(async move {
            if let Some(stderr) = stderr {
                let take = |octets: &[u8]| {
                    of.on(at, |line| {
                        let room = STDERR_KEPT.saturating_sub(line.stderr.len());
                        line.stderr
                            .extend_from_slice(&octets[..room.min(octets.len())]);
                    })
                };
                drain(stderr, take).await;
            }
        });
        let (end, ended) = oneshot::channel::<()>();
        let of = board.clone();
        tokio::spawn(async move {
            tokio::select! {
                status = child.wait() => {
                    let exit = status.ok().map(|status| match status.signal() {
                        Some(signal) => Exit::Signal(signal),
                        None => Exit::Status(status.code().unwrap_or_default()),
                    });
                    of.on(at, |line| line.exit = exit);
                }
                _ = ended => { child.kill().await.ok(); }
            }
        });
        Ok(Self {
            input,
            output,
            _end: end,
        })
    }

    pub(super) async fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match &mut self.input {
            Some(input) => input.write(octets).await,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The program reads to the end of what it got.
    pub(super) fn close_input(&mut self) {
        self.input = None;
    }

    /// Reads no more output and writes no more input; the program may go on until the case is over.
    pub(super) async fn close(&mut self) {
        self.close_input();
        self.output.abort();
        (&mut self.output).await.ok();
    }
}

/// So many octets of what a program says besides are kept.
const STDERR_KEPT: usize = 1 << 20;

async fn drain(mut from: impl AsyncRead + Unpin, mut take: impl FnMut(&[u8])) {
    let mut buf = vec![0; 64 * 1024];
    while let Ok(size @ 1..) = from.read(&mut buf).await {
        take(&buf[..size]);
        // A program that never stops writing must not keep the case from its end.
        yield_now().await;
    }
}
