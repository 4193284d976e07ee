//! CGI programs behind a recorded reply: shell scripts in a folder of their own.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::FutureExt;
use tempfile::TempDir;

use super::*;
use crate::app::Router;
use crate::exchange::{Body, BodyError, HttpFacts, Intake, Recording};

mod faults;
mod replies;
mod requests;

/// A mounted folder of scripts.
struct Site {
    folder: TempDir,
    settings: CgiSettings,
}

/// Writes an executable file through another process: a descriptor open for writing in this one
/// could be in the hands of a process just being spawned, and then the file would be busy.
fn write_program(file: &Path, text: &str) {
    let script = "cat > \"$1\" && chmod 755 \"$1\"";
    let mut shell = Command::new("sh");
    let shell = shell
        .args(["-c", script, "sh"])
        .arg(file)
        .stdin(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(shell.wait().unwrap().success());
}

/// One request to a site.
struct Ask {
    environ: Environ,
    body: Body,
    protocol: Protocol,
}

fn get(path: &'static str) -> Ask {
    let mut environ = Environ::new();
    environ.push("REQUEST_METHOD", "GET");
    environ.push("QUERY_STRING", "");
    environ.push("PATH_INFO", path);
    Ask {
        environ,
        body: Body::empty(),
        protocol: Protocol::Http,
    }
}

impl Ask {
    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.environ.set(name, value);
        self
    }

    fn over(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    fn body(mut self, body: Body) -> Self {
        self.environ.set("REQUEST_METHOD", "POST");
        if let Some(length) = body.length() {
            self.environ.set("CONTENT_LENGTH", length.to_string());
        }
        self.body = body;
        self
    }
}

impl Site {
    fn with(scripts: &[(&str, &str)]) -> Self {
        let site = Self {
            folder: tempfile::tempdir().unwrap(),
            settings: CgiSettings::default(),
        };
        for (name, text) in scripts {
            write_program(
                &site.folder.path().join(name),
                &format!("#!/bin/sh\n{text}\n"),
            );
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn router(&self) -> Router {
        let mount = CgiMount {
            prefix: "/cgi".into(),
            path: self.folder.path().into(),
        };
        Router::new(mounts(&[mount], &self.settings).unwrap())
    }

    async fn ask(&self, ask: Ask) -> (Result<(), AppError>, Recording) {
        let (mut reply, recording) = Reply::recorded();
        let http = (ask.protocol == Protocol::Http).then(|| HttpFacts {
            target: "/".into(),
            version: wire::http::Version::Http11,
        });
        let request = Request {
            environ: ask.environ,
            body: ask.body,
            protocol: ask.protocol,
            http,
        };
        let served = self.router().serve(request, &mut reply).await;
        drop(reply);
        (served, recording)
    }

    /// The body of a reply that succeeds.
    async fn text(&self, ask: Ask) -> String {
        let (served, recording) = self.ask(ask).await;
        assert_eq!(served, Ok(()));
        String::from_utf8(recording.body()).unwrap()
    }

    /// Status and log text of a request that fails.
    async fn error(&self, ask: Ask) -> (u16, String) {
        let (served, recording) = self.ask(ask).await;
        let error = served.unwrap_err();
        assert!(recording.head().is_none());
        (
            error.status,
            error.log.replace(self.path("").to_str().unwrap(), "ROOT/"),
        )
    }
}

const PLAIN: &str = "echo 'Content-Type: text/plain'; echo;";

fn plain(script: &str) -> String {
    format!("{PLAIN} {script}")
}

/// Pieces of a body; with none left it ends, or breaks off if it never had one.
struct Pieces(Vec<Bytes>);

impl Intake for Pieces {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, BodyError>> {
        let broken = self.0.capacity() == 0;
        let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
        let read = if broken {
            Err(BodyError::ClientGone)
        } else {
            Ok(piece)
        };
        std::future::ready(read).boxed_local()
    }
}
