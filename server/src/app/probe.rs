//! The native probe: the `probe` crate behind the listeners, without a process of its own.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use probe::{Answer, BodySeen, Death, Digest, Head, Interface, Plan, Report};
use wire::cgi::CgiHead;
use wire::field::Header;

use super::{App, AppError};
use crate::exchange::{Body, BodyError, PIECE, Protocol, Reply, ReplyError, Request};

/// Answers every request as its `X-Probe` header asks, and without one with a report of what
/// arrived.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProbeApp;

impl App for ProbeApp {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        answer(request, reply).boxed_local()
    }
}

async fn answer(request: Request, reply: &mut Reply) -> Result<(), AppError> {
    let commands = request
        .environ
        .get("HTTP_X_PROBE")
        .cloned()
        .unwrap_or_default();
    match Plan::parse(&commands) {
        Ok(plan) => follow(&plan, request, reply).await,
        Err(unknown) => {
            let answer = Answer::refusal(&method(&request), &unknown);
            send(&answer, &Plan::default(), request.body, reply).await
        }
    }
}

async fn follow(plan: &Plan, request: Request, reply: &mut Reply) -> Result<(), AppError> {
    let (method, mut body) = (method(&request), request.body);
    let interface = interface(request.protocol);
    let environ = request
        .environ
        .iter()
        .map(|(name, value)| (&name[..], &value[..]))
        .filter(|(name, _)| plan.tells_of(name));
    let mut report = Report::new(interface, environ);
    reply.set_exit_status(plan.exit);
    complain(plan, reply).await?;
    if !plan.echoes() {
        report.body = read_body(&mut body, plan.read, report.content_length()).await?;
    }
    wait(plan.delay, reply).await?;
    probe::burn::burn(plan.burn);
    if plan.die == Some(Death::BeforeHead) {
        return Err(AppError::new(
            502,
            "probe ended before its head, as it was asked to",
        ));
    }
    send(&plan.answer(interface, &method, &report), plan, body, reply).await
}

fn method(request: &Request) -> Bytes {
    request
        .environ
        .get("REQUEST_METHOD")
        .cloned()
        .unwrap_or_default()
}

fn interface(protocol: Protocol) -> Interface {
    match protocol {
        Protocol::Http => Interface::Http,
        Protocol::Uwsgi => Interface::Uwsgi,
        Protocol::FastCgi => Interface::FastCgi,
        Protocol::Scgi => Interface::Scgi,
    }
}

async fn complain(plan: &Plan, reply: &mut Reply) -> Result<(), ReplyError> {
    if !plan.stderr.is_empty() {
        reply.stderr(plan.stderr.clone().into()).await?;
    }
    let mut rest = plan.stderr_size;
    while rest > 0 {
        let size = rest.min(PIECE as u64);
        reply.stderr(vec![b'e'; size as usize].into()).await?;
        rest -= size;
    }
    Ok(())
}

async fn read_body(
    body: &mut Body,
    limit: u64,
    announced: Option<u64>,
) -> Result<BodySeen, AppError> {
    let mut digest = Digest::default();
    let wanted = announced.unwrap_or(u64::MAX).min(limit);
    while digest.size() < wanted {
        match body.chunk().await {
            Ok(Some(chunk)) => digest.update(clipped(&chunk, wanted - digest.size())),
            Ok(None) => break,
            Err(BodyError::Malformed(fault)) => {
                return Ok(digest.finish(Some(format!("read failed: {fault}"))));
            }
            Err(gone) => return Err(gone.into()),
        }
    }
    let short = announced.is_some() && digest.size() < wanted;
    let error = short.then(|| format!("ended after {} of {wanted} bytes", digest.size()));
    Ok(digest.finish(error))
}

fn clipped(chunk: &[u8], most: u64) -> &[u8] {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    &chunk[..chunk.len().min(most)]
}

async fn send(answer: &Answer, plan: &Plan, body: Body, reply: &mut Reply) -> Result<(), AppError> {
    match &answer.head {
        Some(head) => reply.head(cgi_head(head)).await?,
        None => return Ok(send_raw(answer, reply).await?),
    }
    if plan.die == Some(Death::AfterHead) {
        return Err(AppError::new(
            502,
            "probe ended after its head, as it was asked to",
        ));
    }
    let Some(pieces) = answer.pieces() else {
        return echo(body, plan.read, reply).await;
    };
    for piece in pieces {
        wait(piece.wait, reply).await?;
        reply.body(piece.bytes.into()).await?;
        if piece.flush {
            // What is queued leaves whenever the application does not go on at once.
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Output that brings its own head.
async fn send_raw(answer: &Answer, reply: &mut Reply) -> Result<(), ReplyError> {
    for piece in answer.pieces().into_iter().flatten() {
        wait(piece.wait, reply).await?;
        reply.raw(piece.bytes.into()).await?;
    }
    Ok(())
}

async fn echo(mut body: Body, limit: u64, reply: &mut Reply) -> Result<(), AppError> {
    let mut rest = limit;
    while rest > 0 {
        let Some(chunk) = body.chunk().await? else {
            break;
        };
        let piece = chunk.slice_ref(clipped(&chunk, rest));
        rest -= piece.len() as u64;
        reply.body(piece).await?;
    }
    Ok(())
}

fn cgi_head(head: &Head) -> CgiHead {
    let status = head
        .status
        .as_ref()
        .map(|status| (status.code, status.reason.clone().into()));
    let fields = head
        .fields
        .iter()
        .map(|(name, value)| Header::new(name.clone(), value.clone()));
    CgiHead {
        status,
        fields: fields.collect(),
    }
}

/// Waits, unless the peer goes away meanwhile.
async fn wait(time: Duration, reply: &Reply) -> Result<(), ReplyError> {
    if time.is_zero() {
        return Ok(());
    }
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = reply.closed() => Err(ReplyError::ClientGone),
    }
}

#[cfg(test)]
mod tests {
    use wire::environ::Environ;

    use super::*;
    use crate::exchange::Recording;

    /// Serves one request with this body over `protocol`.
    async fn ask(
        protocol: Protocol,
        commands: &str,
        body: &'static str,
    ) -> (Result<(), AppError>, Recording) {
        let mut environ = Environ::new();
        environ.push("REQUEST_METHOD", "POST");
        environ.push("CONTENT_LENGTH", body.len().to_string());
        environ.push("HTTP_X_PROBE", commands.to_owned());
        let body = Body::from_bytes(body.into());
        let (mut reply, recording) = Reply::recorded();
        let served = ProbeApp
            .serve(
                Request {
                    environ,
                    body,
                    protocol,
                    http: None,
                },
                &mut reply,
            )
            .await;
        (served, recording)
    }

    async fn report(protocol: Protocol, commands: &str, body: &'static str) -> Report {
        let (served, recording) = ask(protocol, commands, body).await;
        assert_eq!(served, Ok(()));
        serde_json::from_slice(&recording.body()).unwrap()
    }

    #[tokio::test]
    async fn the_report_tells_what_arrived_and_how() {
        let report = report(Protocol::Scgi, "", "hello").await;
        assert_eq!(report.interface, Interface::Scgi);
        assert_eq!((report.body.size, report.body.error), (5, None));
        assert_eq!(report.environ[0], ("REQUEST_METHOD".into(), "POST".into()));
        assert_eq!((report.argv, report.cwd), (None, None));
    }

    #[tokio::test]
    async fn reading_stops_where_the_command_says() {
        assert_eq!(report(Protocol::Http, "read=2", "hello").await.body.size, 2);
        assert_eq!(
            report(Protocol::Http, "read=none", "hello").await.body.size,
            0
        );
    }

    #[tokio::test]
    async fn status_fields_and_body_are_those_asked_for() {
        let commands = "status=404 Not Found; header=X-A: 1; header=X-A: 2; body=gone";
        let (_, recording) = ask(Protocol::FastCgi, commands, "").await;
        let expected = CgiHead::new(404)
            .with("Content-Type", "text/plain")
            .with("Content-Length", "4")
            .with("X-A", "1")
            .with("X-A", "2");
        assert_eq!(recording.head(), Some(expected));
        assert_eq!(recording.body(), b"gone");
    }

    #[tokio::test]
    async fn an_echo_gives_the_body_back() {
        let (_, recording) = ask(Protocol::Uwsgi, "echo; read=4", "hello").await;
        assert_eq!(recording.body(), b"hell");
    }

    #[tokio::test]
    async fn error_text_comes_before_the_head() {
        let (_, recording) =
            ask(Protocol::Http, "stderr=oops; stderr-size=70000; body=x", "").await;
        assert_eq!(recording.stderr().len(), 70_004);
        assert!(recording.stderr().starts_with(b"oopseee"));
    }

    #[tokio::test]
    async fn a_death_before_the_head_leaves_none() {
        let (served, recording) = ask(Protocol::Http, "die=before-head; body=x", "").await;
        assert_eq!(served.unwrap_err().status, 502);
        assert_eq!(recording.head(), None);
    }

    #[tokio::test]
    async fn a_death_after_the_head_leaves_no_body() {
        let (served, recording) = ask(Protocol::Http, "die=after-head; body=x", "").await;
        assert!(served.is_err());
        assert!(recording.head().is_some());
        assert_eq!(recording.body(), b"");
    }

    #[tokio::test]
    async fn a_location_is_bare_only_where_the_gateway_reads_cgi_heads() {
        let (_, over_http) = ask(Protocol::Http, "location=/next", "").await;
        assert_eq!(
            over_http.head(),
            Some(CgiHead::new(302).with("Location", "/next"))
        );
        let (_, over_fastcgi) = ask(Protocol::FastCgi, "location=/next", "").await;
        assert_eq!(
            over_fastcgi.head(),
            Some(CgiHead::default().with("Location", "/next"))
        );
    }

    #[tokio::test]
    async fn raw_output_needs_a_gateway_that_reads_cgi_heads() {
        let (_, over_scgi) = ask(Protocol::Scgi, "raw=no head", "").await;
        assert_eq!(over_scgi.raw(), b"no head");
        let (_, over_uwsgi) = ask(Protocol::Uwsgi, "raw=no head", "").await;
        assert_eq!(over_uwsgi.head().unwrap().status.unwrap().0, 501);
    }

    #[tokio::test]
    async fn an_unknown_command_is_refused() {
        let (_, recording) = ask(Protocol::Http, "colour=red", "").await;
        assert_eq!(recording.head().unwrap().status.unwrap().0, 400);
        let body = String::from_utf8(recording.body()).unwrap();
        assert_eq!(
            body,
            r#"{"probe":1,"error":"unknown probe command: colour"}"#
        );
    }

    #[tokio::test]
    async fn a_client_that_goes_away_ends_the_wait() {
        let mut environ = Environ::new();
        environ.push("HTTP_X_PROBE", "delay=3600s; body=x");
        let request = Request {
            environ,
            body: Body::empty(),
            protocol: Protocol::Http,
            http: None,
        };
        let (mut reply, recording) = Reply::recorded();
        let hang_up = async { recording.hang_up() };
        let both = async { tokio::join!(ProbeApp.serve(request, &mut reply), hang_up) };
        let (served, ()) = tokio::time::timeout(Duration::from_secs(60), both)
            .await
            .unwrap();
        assert_eq!(served, Err(ReplyError::ClientGone.into()));
    }
}
