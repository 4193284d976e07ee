//! Internal routing: rules that look at a request before the application gets it, change it, or
//! answer it.

mod check;
mod text;

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use wire::cgi::CgiHead;
use wire::environ::Environ;
use wire::http::reason_phrase;

use self::text::filled;
use super::files::FilesApp;
use super::{App, AppError, plain};
use crate::exchange::{Reply, Request, Via};
use crate::log;
use crate::options::{Action, Route, header_field};

/// Rules, and what answers the requests that they let through.
pub(crate) struct RoutesApp {
    rules: Vec<Route>,
    /// For the action `static`.
    files: FilesApp,
    next: Rc<dyn App>,
}

/// What becomes of a request.
enum Verdict {
    /// The next rule.
    Next,
    /// On with the rules behind this label.
    Goto(String),
    /// The application.
    PassOn,
    Answer(CgiHead, String),
    File(String),
}

impl RoutesApp {
    /// In front of `next`.
    pub(crate) fn new(rules: &[Route], files: FilesApp, next: Rc<dyn App>) -> Self {
        Self {
            rules: rules.to_vec(),
            files,
            next,
        }
    }

    async fn answer(&self, mut request: Request, reply: &mut Reply) -> Result<(), AppError> {
        match self.judge(&mut request.environ, reply) {
            Verdict::Answer(head, body) => {
                reply.notes().app = -1;
                reply.notes().via = Via::Route;
                reply
                    .head(head.with("Content-Length", body.len().to_string()))
                    .await?;
                Ok(reply.body(body.into()).await?)
            }
            Verdict::File(path) => match self.files.at(&path) {
                Some(found) => self.files.answer(found, request, reply).await,
                None => Ok(plain(reply, 404).await?),
            },
            Verdict::Next | Verdict::Goto(_) | Verdict::PassOn => {
                self.next.serve(request, reply).await
            }
        }
    }

    /// Follows the rules; [`Verdict::Next`] behind the last of them.
    fn judge(&self, environ: &mut Environ, reply: &mut Reply) -> Verdict {
        let mut label: Option<String> = None;
        for route in &self.rules {
            match route {
                Route::Label(name) if label.as_ref() == Some(name) => label = None,
                Route::Rule(test, action) if label.is_none() => {
                    let Some(groups) = check::check(test, environ) else {
                        continue;
                    };
                    match act(action, &groups, environ, reply) {
                        Verdict::Next => {}
                        Verdict::Goto(name) => label = Some(name),
                        verdict => return verdict,
                    }
                }
                _ => {}
            }
        }
        Verdict::Next
    }
}

fn act(action: &Action, groups: &[String], environ: &mut Environ, reply: &mut Reply) -> Verdict {
    let text = |text: &str| filled(text, groups, environ);
    match action {
        Action::Nothing => {}
        Action::Continue => return Verdict::PassOn,
        Action::Goto(label) => return Verdict::Goto(text(label)),
        Action::Answer(status, reason) => return answer(*status, reason),
        Action::Redirect(status, to) => {
            let head = CgiHead::new(*status)
                .with("Location", text(to))
                .with("Content-Type", "text/plain");
            return Verdict::Answer(head, "Moved".to_owned());
        }
        Action::Static(file) => return Verdict::File(text(file)),
        Action::Rewrite(to, is_last) => {
            let to = text(to);
            rewrite(environ, &to);
            if *is_last {
                return Verdict::PassOn;
            }
        }
        Action::BasicAuth(realm, user, next) => match (known(environ, user), next) {
            (Some(name), _) => {
                // CGI-4.1.1-AUTH-TYPE: who asks for the user says by which scheme.
                environ.set("AUTH_TYPE", "Basic");
                environ.set("REMOTE_USER", name);
            }
            (None, true) => {}
            (None, false) => return unauthorized(realm),
        },
        Action::Log(line) => log::tell(&text(line)),
        Action::DoNotLog => reply.notes().silent = true,
        Action::AddHeader(field) => match header_field(&text(field)) {
            Some((name, value)) => reply.edits().add(name, value),
            None => log::fault(&format!("rule addheader:{field} makes no header field")),
        },
        Action::RemoveHeader(name) => reply.edits().remove(&text(name)),
        Action::SetVariable(name, value) => {
            let value = text(value);
            environ.set(name, value);
        }
        Action::LogVariable(name, value) => reply.notes().set(name.clone(), text(value)),
    }
    Verdict::Next
}

fn answer(status: u16, reason: &str) -> Verdict {
    let reason = match reason {
        "" => reason_phrase(status),
        reason => reason,
    };
    let mut head = CgiHead::new(status).with("Content-Type", "text/plain");
    head.status = Some((status, Bytes::copy_from_slice(reason.as_bytes())));
    Verdict::Answer(head, reason.to_owned())
}

fn unauthorized(realm: &str) -> Verdict {
    match answer(401, "") {
        Verdict::Answer(head, body) => {
            let challenge = format!("Basic realm=\"{realm}\"");
            Verdict::Answer(head.with("WWW-Authenticate", challenge), body)
        }
        other => other,
    }
}

/// The name of a user who showed the password of `user:password`.
fn known(environ: &Environ, user: &str) -> Option<String> {
    let (scheme, shown) = environ.text("HTTP_AUTHORIZATION")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let shown = STANDARD.decode(shown.trim()).ok()?;
    let name = user.split(':').next().unwrap_or_default();
    (shown == user.as_bytes()).then(|| name.to_owned())
}

/// Another path, and its query in front of the one that there is.
fn rewrite(environ: &mut Environ, to: &str) {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    environ.set("PATH_INFO", wire::http::percent_decode(path.as_bytes()));
    let before = text::variable(environ, "QUERY_STRING").into_owned();
    match (query, before.as_str()) {
        ("", _) => {}
        (query, "") => environ.set("QUERY_STRING", query.to_owned()),
        (query, before) => environ.set("QUERY_STRING", format!("{query}&{before}")),
    }
}

impl App for RoutesApp {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        self.answer(request, reply).boxed_local()
    }

    fn has(&self, path: &Bytes) -> bool {
        self.next.has(path)
    }
}
