//! Messages and the request log: lines on standard error, which `--logto` turns into a file.

mod request;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use crate::app::AppError;

pub(crate) use request::{RequestFacts, RequestLog};

/// Writes one line. Each goes out in one write, so that the lines of several processes do not mix.
pub(crate) fn tell(text: &str) {
    let mut line = String::with_capacity(text.len() + 1);
    push_printable(&mut line, text.as_bytes());
    line.push('\n');
    write(line.as_bytes());
}

/// Writes what an application said on its standard error, line by line (DF-LOG-STDERR).
pub(crate) fn application(text: &[u8]) {
    write(printable_lines(text).as_bytes());
}

/// Sends standard output and standard error of this process, and of all that it starts, to the end
/// of `file`.
pub(crate) fn redirect(file: &Path) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(file)?;
    nix::unistd::dup2_stdout(&file)?;
    nix::unistd::dup2_stderr(&file)?;
    Ok(())
}

/// Tells of a request that could not be answered as wished.
pub(crate) fn failure(error: &AppError, facts: Option<&RequestFacts>) {
    match facts {
        Some(facts) => fault(&format!("{} ({facts})", error.log)),
        None => fault(&error.log),
    }
}

/// Tells of a request that was not understood, and of the peer if it has an internet address.
pub(crate) fn refusal(status: u16, reason: &str, peer: Option<SocketAddr>) {
    let peer = peer.map_or_else(String::new, |peer| format!(" ({})", peer.ip()));
    fault(&format!("request refused with {status}: {reason}{peer}"));
}

/// Tells of something that went wrong, and when.
pub(crate) fn fault(text: &str) {
    let date = crate::clock::local_date();
    tell(&format!("{} - {text}", String::from_utf8_lossy(&date)));
}

/// A log that cannot be written to cannot be complained about either.
fn write(bytes: &[u8]) {
    let _ = io::stderr().write_all(bytes);
}

fn printable_lines(text: &[u8]) -> String {
    let mut lines = String::with_capacity(text.len() + 1);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        push_printable(&mut lines, line.strip_suffix(b"\n").unwrap_or(line));
        lines.push('\n');
    }
    lines
}

/// Appends text from outside without letting it start a line of its own (DF-LOG-INJECTION).
fn push_printable(line: &mut String, text: &[u8]) {
    for piece in text.utf8_chunks() {
        for character in piece.valid().chars() {
            match character.is_control() {
                true => line.extend(character.escape_default()),
                false => line.push(character),
            }
        }
        for byte in piece.invalid() {
            line.push_str(&format!("\\x{byte:02x}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_on_its_line() {
        let mut line = String::new();
        push_printable(&mut line, b"a\r\nb\x1b[31m\xff \xc3\xa9");
        assert_eq!(line, "a\\r\\nb\\u{1b}[31m\\xff \u{e9}");
    }

    #[test]
    fn the_lines_of_an_application_stay_lines() {
        assert_eq!(
            printable_lines(b"one\n\ntwo\x1b\r\nthree"),
            "one\n\ntwo\\u{1b}\\r\nthree\n"
        );
        assert_eq!(printable_lines(b""), "");
    }
}
