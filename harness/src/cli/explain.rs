//! `gatebench explain`: what a line of a log means, and what to change.

use std::io::{self, Read, Write};

use anyhow::Context;
use clap::Args;

use super::Verdict;
use crate::{
    cause::{self, LogLine},
    scenario::{Catalogue, load_embedded},
};

/// Below the options in `--help`.
pub(super) const HELP: &str = "\
Known are lines of nginx, Apache, lighttpd, HAProxy, uWSGI, gunicorn, php-fpm, fcgiwrap and
gateserve. Of a log on standard input every line that is known is explained once.
Exit code 1: no line is known.

Examples:
  gatebench explain 'invalid request block size: 21573 (max 4096)...skip'
  gatebench explain < /var/log/nginx/error.log";

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// The line; standard input without it or with -
    #[arg(value_name = "LOG LINE")]
    line: Vec<String>,
}

/// Scenarios that are named for a line.
const NAMED: usize = 3;

/// Explains every line that is known.
pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<Verdict> {
    let line = args.line.join(" ");
    let log = match line.as_str() {
        "" | "-" => {
            let mut octets = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut octets);
            read.context("standard input cannot be read")?;
            String::from_utf8_lossy(&octets).into_owned()
        }
        _ => line,
    };
    let mut told: Vec<&LogLine> = Vec::new();
    let catalogue = load_embedded()?;
    let mut out = anstream::stdout().lock();
    for line in log.lines() {
        let Some(known) = cause::of_line(line) else {
            continue;
        };
        if told.iter().any(|one| std::ptr::eq(*one, known)) {
            continue;
        }
        told.push(known);
        out.write_all(text(line, known, &catalogue).as_bytes())?;
    }
    if told.is_empty() {
        anstream::eprintln!(
            "gatebench: this line is not known. To see what happens on the wire, put `gatebench tap --listen \
             A --to B` between the two, or ask the application server directly: `gatebench doctor B`."
        );
        return Ok(Verdict::Failed);
    }
    Ok(Verdict::Passed)
}

fn text(line: &str, known: &LogLine, catalogue: &Catalogue) -> String {
    let plain: String = line.chars().filter(|c| !c.is_control()).collect();
    let mut text = format!("{plain}\n  by     {}\n  cause  {}\n", known.by, known.cause);
    if let Some(number) = known.number(line) {
        text.push_str(&format!("  number {number}\n"));
    }
    text.push_str(&format!("  cure   {}\n", known.cure));
    if !known.requirements.is_empty() {
        text.push_str(&format!("  rules  {}\n", known.requirements.join(", ")));
    }
    let cites = |id: &String| known.requirements.contains(id);
    let scenarios = catalogue.scenarios.iter();
    let citing = scenarios.filter(|one| one.requirements.iter().any(cites));
    for scenario in citing.take(NAMED) {
        text.push_str(&format!("  see    gatebench replay {}\n", scenario.id));
    }
    text.push('\n');
    text
}
