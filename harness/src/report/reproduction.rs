//! One case with all that it takes to see it again, fit for a report to a subject's maintainers.

use std::fmt::Write;

use super::{findings, text::visible_lines, view::Column};
use crate::{
    launch::Launch,
    results::{CaseResult, Results, Subject},
    scenario::Action,
};

/// What one case was played with.
#[derive(Debug)]
pub struct Reproduction<'a> {
    /// The run that holds the case: environment, subjects and rules.
    pub run: &'a Results,
    /// How it ended.
    pub case: &'a CaseResult,
    /// What was started for it, the backend first.
    pub launches: &'a [Launch],
    /// What the HTTP client did, where one asked, and the address that it asked.
    pub client: Option<(&'a str, &'a [Action])>,
    /// The bytes of all wires, decoded.
    pub transcript: &'a str,
}

/// Octets of a request that are printed as a command; a longer one is told by its transcript.
const LONGEST: usize = 4096;

impl Reproduction<'_> {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let case = self.case;
        let mut out = format!("# {}: {}\n\n{}\n\n", case.scenario, word(case), case.says);
        for rule in findings::quoted(case, self.run) {
            _ = writeln!(out, "> {rule}\n");
        }
        out += &self.subjects();
        out += &verdict(case);
        out += &self.configuration();
        out += &self.request();
        _ = writeln!(out, "## What crossed the wires\n");
        out += &fenced("text", self.transcript);
        _ = writeln!(out, "Again: `{}`", findings::replay(case, self.run));
        out
    }

    fn subjects(&self) -> String {
        let mut out = format!("On {}:\n\n", Column::of(self.case).label());
        for subject in &self.run.subjects {
            _ = writeln!(out, "- {}", told(subject));
        }
        let environment = &self.run.environment;
        _ = writeln!(
            out,
            "- gatebench {}, {}\n",
            environment.gatebench, environment.kernel
        );
        out
    }

    fn configuration(&self) -> String {
        if self.launches.is_empty() {
            return String::new();
        }
        let mut out = "## Configuration\n\n".to_owned();
        for launch in self.launches {
            let words = [&launch.program].into_iter().chain(&launch.args);
            let words: Vec<String> = words.map(|word| findings::quoted_word(word)).collect();
            out += &fenced("sh", &words.join(" "));
            for file in &launch.files {
                if let Ok(text) = std::str::from_utf8(&file.contents) {
                    _ = writeln!(out, "`{}`:\n", file.path.display());
                    out += &fenced("", text);
                }
            }
        }
        out
    }

    fn request(&self) -> String {
        let Some((address, actions)) = self.client else {
            return String::new();
        };
        let mut out = "## The request\n\n".to_owned();
        out += &fenced("sh", &command(address, actions));
        out
    }
}

fn word(case: &CaseResult) -> &'static str {
    super::view::Mark::of(case).word()
}

fn told(subject: &Subject) -> String {
    let version = subject.version.as_deref().unwrap_or("of unknown version");
    let from = subject.image.as_deref().unwrap_or(&subject.via);
    format!("{} {version} ({from})", subject.id)
}

fn verdict(case: &CaseResult) -> String {
    let facts = [
        ("expected", case.expected.clone()),
        ("actual", case.actual.clone()),
        ("at fault", findings::blame(case)),
        ("likely cause", case.cause.clone()),
        ("reason", case.reason.clone()),
    ];
    let mut out = String::new();
    for (name, value) in facts {
        if let Some(value) = value {
            _ = writeln!(out, "- {name}: {value}");
        }
    }
    for (name, value) in &case.observation {
        _ = writeln!(out, "- {name}: {value}");
    }
    match out.is_empty() {
        true => out,
        false => format!("## What was seen\n\n{out}\n"),
    }
}

/// A shell command that sends the same octets with the same waits between them.
fn command(address: &str, actions: &[Action]) -> String {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "80"));
    let steps: Vec<String> = actions.iter().map(step).collect();
    match steps.as_slice() {
        [one] => format!("{one} | nc {host} {port}"),
        _ => format!("{{ {}; }} | nc {host} {port}", steps.join("; ")),
    }
}

fn step(action: &Action) -> String {
    match action {
        Action::Send(octets) if octets.len() <= LONGEST => {
            format!("printf '%b' '{}'", escaped(octets))
        }
        Action::Send(octets) => format!(": {} octets, see below", octets.len()),
        Action::SendPattern { size, chunked } => {
            let framed = if *chunked { ", in chunks" } else { "" };
            format!(": {size} octets of content{framed}, see below")
        }
        Action::Pause(time) => format!("sleep {}", time.as_secs_f64()),
        Action::AwaitContinue => "sleep 1".to_owned(),
        Action::HalfClose => ": half-close".to_owned(),
        Action::Close => ": close".to_owned(),
    }
}

/// Octets for `printf '%b'` within single quotes.
fn escaped(octets: &[u8]) -> String {
    let mut text = String::new();
    for &octet in octets {
        match octet {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\\' | b'\'' | 0..=0x1f | 0x7f.. => _ = write!(text, "\\0{octet:03o}"),
            _ => text.push(char::from(octet)),
        }
    }
    text
}

/// A block of code; the fence is longer than any in the text.
fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let text = visible_lines(text);
    format!("{fence}{language}\n{}\n{fence}\n\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_request_becomes_a_command_that_sends_the_same_octets() {
        let actions = [Action::Send(b"GET /'\\\x00 HTTP/1.1\r\n\r\n".to_vec())];
        assert_eq!(
            command("127.0.0.1:80", &actions),
            r"printf '%b' 'GET /\0047\0134\0000 HTTP/1.1\r\n\r\n' | nc 127.0.0.1 80"
        );
    }

    #[test]
    fn what_is_waited_for_is_waited_for() {
        let pause = Action::Pause(Duration::from_millis(300));
        let actions = [Action::Send(b"a".to_vec()), pause, Action::HalfClose];
        assert_eq!(
            command("[::1]:81", &actions),
            "{ printf '%b' 'a'; sleep 0.3; : half-close; } | nc [::1] 81"
        );
    }

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        assert_eq!(fenced("", "a ``` b"), "````\na ``` b\n````\n\n");
    }
}
