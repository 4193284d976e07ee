//! The CGI driver: one request from an environment and a standard input.

use std::io::{self, Read, Write};
use std::thread::sleep;

use crate::answer::Answer;
use crate::burn::burn;
use crate::command;
use crate::pieces::PIECE_LEN;
use crate::plan::{Death, Plan};
use crate::report::{BodySeen, Digest, Report};

/// The three streams of a CGI program.
#[derive(Debug)]
pub struct Streams<I, O, E> {
    /// Request body.
    pub stdin: I,
    /// Reply.
    pub stdout: O,
    /// Log.
    pub stderr: E,
}

/// How the program has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this exit status.
    Exit(u32),
    /// By a signal that nobody can catch.
    Killed,
}

/// Answers one request: `request` holds the environment, argv and cwd, and no body yet.
///
/// # Errors
/// Those of the streams; a standard input that cannot be read is part of the report instead.
pub fn run<I: Read, O: Write, E: Write>(
    request: Report,
    mut streams: Streams<I, O, E>,
) -> io::Result<Ending> {
    let method = variable(&request, "REQUEST_METHOD");
    match Plan::parse(&variable(&request, "HTTP_X_PROBE")) {
        Ok(plan) => follow(&plan, &method, request, &mut streams),
        Err(unknown) => {
            let answer = Answer::refusal(&method, &unknown);
            send_head(&answer, is_nph(&request), &mut streams.stdout)?;
            send_payload(&answer, &Plan::default(), None, &mut streams)?;
            Ok(Ending::Exit(0))
        }
    }
}

fn follow<I: Read, O: Write, E: Write>(
    plan: &Plan,
    method: &[u8],
    mut report: Report,
    streams: &mut Streams<I, O, E>,
) -> io::Result<Ending> {
    complain(plan, &mut streams.stderr)?;
    let length = Announced::of(&report);
    if !plan.echoes() {
        report.body = read_body(&length, plan.read, &mut streams.stdin);
    }
    sleep(plan.delay);
    burn(plan.burn);
    if plan.die == Some(Death::BeforeHead) {
        return Ok(Ending::Killed);
    }
    let answer = plan.answer(report.interface, method, &report);
    send_head(&answer, is_nph(&report), &mut streams.stdout)?;
    if plan.die == Some(Death::AfterHead) {
        return Ok(Ending::Killed);
    }
    send_payload(&answer, plan, length.bytes, streams)?;
    Ok(Ending::Exit(plan.exit))
}

fn complain(plan: &Plan, stderr: &mut impl Write) -> io::Result<()> {
    stderr.write_all(&plan.stderr)?;
    io::copy(&mut io::repeat(b'e').take(plan.stderr_size), stderr)?;
    stderr.flush()
}

/// Whether it was started under a name that begins with `nph-` (RFC 3875 section 5).
fn is_nph(report: &Report) -> bool {
    let program = report.argv.as_ref().and_then(|argv| argv.first());
    let name = program.and_then(|program| program.rsplit('/').next());
    name.is_some_and(|name| name.starts_with("nph-"))
}

fn send_head(answer: &Answer, is_nph: bool, stdout: &mut impl Write) -> io::Result<()> {
    match &answer.head {
        Some(head) if is_nph => stdout.write_all(&head.to_http())?,
        Some(head) => stdout.write_all(&head.to_cgi())?,
        None => {}
    }
    stdout.flush()
}

fn send_payload<I: Read, O: Write, E>(
    answer: &Answer,
    plan: &Plan,
    length: Option<u64>,
    streams: &mut Streams<I, O, E>,
) -> io::Result<()> {
    let Some(pieces) = answer.pieces() else {
        return echo(
            plan.read.min(length.unwrap_or(0)),
            &mut streams.stdin,
            &mut streams.stdout,
        );
    };
    for piece in pieces {
        sleep(piece.wait);
        streams.stdout.write_all(&piece.bytes)?;
        if piece.flush {
            streams.stdout.flush()?;
        }
    }
    streams.stdout.flush()
}

/// Sends back what comes, as soon as it comes.
fn echo(limit: u64, stdin: &mut impl Read, stdout: &mut impl Write) -> io::Result<()> {
    let mut stdin = stdin.take(limit);
    let mut block = vec![0; PIECE_LEN as usize];
    loop {
        let size = stdin.read(&mut block)?;
        if size == 0 {
            return Ok(());
        }
        stdout.write_all(&block[..size])?;
        stdout.flush()?;
    }
}

/// What CONTENT_LENGTH says.
struct Announced {
    /// `None` without a usable number: then there is no body to read.
    bytes: Option<u64>,
    error: Option<String>,
}

impl Announced {
    /// CGI-4.1-NULL-UNSET: an empty value is the same as none.
    fn of(report: &Report) -> Self {
        let bytes = report.content_length();
        let text = command::latin1(&variable(report, "CONTENT_LENGTH"));
        let is_bad = bytes.is_none() && !text.is_empty();
        let error = is_bad.then(|| format!("CONTENT_LENGTH is not a number: {text}"));
        Self { bytes, error }
    }
}

/// CGI-4.2-APP-NO-OVERREAD: never more than CONTENT_LENGTH bytes, however long the input stays open.
fn read_body(length: &Announced, limit: u64, stdin: &mut impl Read) -> BodySeen {
    let mut digest = Digest::default();
    let wanted = length.bytes.unwrap_or(0).min(limit);
    match drain(wanted, stdin, &mut digest) {
        Err(error) => digest.finish(Some(format!("read failed: {error}"))),
        Ok(()) if digest.size() < wanted => {
            let error = format!("ended after {} of {wanted} bytes", digest.size());
            digest.finish(Some(error))
        }
        Ok(()) => digest.finish(length.error.clone()),
    }
}

fn drain(wanted: u64, stdin: &mut impl Read, digest: &mut Digest) -> io::Result<()> {
    let mut stdin = stdin.take(wanted);
    let mut block = vec![0; wanted.min(PIECE_LEN) as usize];
    loop {
        let size = stdin.read(&mut block)?;
        if size == 0 {
            return Ok(());
        }
        digest.update(&block[..size]);
    }
}

/// A meta-variable's bytes, empty if it is not set.
fn variable(report: &Report, name: &str) -> Vec<u8> {
    // every character was a byte (ISO-8859-1), so the cast gives that byte back
    report.variable(name).chars().map(|c| c as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Interface;

    fn request(pairs: &[(&str, &str)]) -> Report {
        let bytes = pairs
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        Report::new(Interface::Cgi, bytes)
    }

    fn answer(pairs: &[(&str, &str)], stdin: &[u8]) -> (String, String, Ending) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let streams = Streams {
            stdin,
            stdout: &mut stdout,
            stderr: &mut stderr,
        };
        let ending = run(request(pairs), streams).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(stdout), text(stderr), ending)
    }

    fn body_seen(pairs: &[(&str, &str)], stdin: &[u8]) -> BodySeen {
        let (stdout, _, _) = answer(pairs, stdin);
        let (_, json) = stdout.split_once("\n\n").unwrap();
        serde_json::from_str::<Report>(json).unwrap().body
    }

    #[test]
    fn exactly_content_length_bytes_are_read() {
        let seen = body_seen(&[("CONTENT_LENGTH", "3")], b"abcdef");
        assert_eq!((seen.size, seen.error), (3, None));
    }

    #[test]
    fn a_short_body_is_reported() {
        let seen = body_seen(&[("CONTENT_LENGTH", "9")], b"abc");
        assert_eq!(seen.error.as_deref(), Some("ended after 3 of 9 bytes"));
    }

    #[test]
    fn without_content_length_nothing_is_read() {
        for pairs in [&[][..], &[("CONTENT_LENGTH", "")]] {
            let seen = body_seen(pairs, b"abc");
            assert_eq!((seen.size, seen.error), (0, None));
        }
    }

    #[test]
    fn a_content_length_that_is_no_number_is_reported() {
        let seen = body_seen(&[("CONTENT_LENGTH", "abc")], b"abc");
        assert_eq!(
            seen.error.as_deref(),
            Some("CONTENT_LENGTH is not a number: abc")
        );
    }

    #[test]
    fn reading_stops_where_the_command_says() {
        let pairs = [("CONTENT_LENGTH", "3"), ("HTTP_X_PROBE", "read=2")];
        assert_eq!(body_seen(&pairs, b"abc").size, 2);
    }

    #[test]
    fn an_echo_gives_the_body_back() {
        let pairs = [
            ("CONTENT_LENGTH", "5"),
            ("HTTP_X_PROBE", "echo; length=yes"),
        ];
        let (stdout, _, _) = answer(&pairs, b"hello, more");
        let head = "Content-Type: application/octet-stream\nContent-Length: 5\n\n";
        assert_eq!(stdout, format!("{head}hello"));
    }

    #[test]
    fn the_error_stream_comes_first_and_the_exit_status_last() {
        let pairs = [(
            "HTTP_X_PROBE",
            "stderr=oops%0A; stderr-size=3; body=x; exit=7",
        )];
        let (stdout, stderr, ending) = answer(&pairs, b"");
        assert!(stdout.ends_with("\n\nx"), "{stdout}");
        assert_eq!(stderr, "oops\neee");
        assert_eq!(ending, Ending::Exit(7));
    }

    #[test]
    fn raw_output_is_left_alone() {
        let pairs = [("HTTP_X_PROBE", "raw=no%20head%0A")];
        assert_eq!(answer(&pairs, b"").0, "no head\n");
    }

    #[test]
    fn death_cuts_the_reply() {
        let before = answer(&[("HTTP_X_PROBE", "die=before-head; body=x")], b"");
        assert_eq!((before.0.as_str(), before.2), ("", Ending::Killed));
        let after = answer(&[("HTTP_X_PROBE", "die=after-head; body=x")], b"");
        assert!(after.0.ends_with("Content-Length: 1\n\n"), "{}", after.0);
        assert_eq!(after.2, Ending::Killed);
    }

    #[test]
    fn an_unknown_command_is_refused() {
        let (stdout, _, _) = answer(&[("HTTP_X_PROBE", "colour=red")], b"");
        assert!(stdout.starts_with("Status: 400 Bad Request\n"), "{stdout}");
        assert!(stdout.ends_with(r#"{"probe":1,"error":"unknown probe command: colour"}"#));
    }
}
