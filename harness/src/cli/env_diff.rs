//! `gatebench env-diff`: what two gateways or models make of one request.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::{Verdict, args::LaunchArgs, run::block_on};
use crate::{
    bench::Bench,
    env_diff::{Ask, Difference, Source, compare, text},
    event::Silent,
};

/// Below the options in `--help`.
pub(super) const HELP: &str = "\
A and B are each a gateway with a model, which are started with the probe behind them; an http:// URL
behind which the probe runs; or a file: captured octets, a line of `gatebench tap --json`, a report.
Ports and folders of the run are written as PORT and RUN; REMOTE_PORT is left out.
Exit codes: 0 no difference, 1 differences, 2 one of them cannot be had.

Examples:
  gatebench env-diff nginx:fastcgi nginx:uwsgi '/a%2Fb?c=d'
  gatebench env-diff nginx:stock:uwsgi builtin:uwsgi / --method POST --body hello --chunked
  gatebench env-diff nginx:cgi http://127.0.0.1:8080/probe --format json
  gatebench env-diff before.bin after.bin";

#[derive(Args, Debug)]
pub(super) struct EnvDiffArgs {
    /// The first: nginx:fastcgi, builtin:uwsgi, nginx:cgi …, an http:// URL, or a file
    #[arg(value_name = "A")]
    a: Source,
    /// The second
    #[arg(value_name = "B")]
    b: Source,
    /// Path and query, below where the application is mounted
    #[arg(value_name = "PATH", default_value = "/", value_parser = rooted)]
    path: String,
    /// Method
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: String,
    /// The Host field [default: localhost, or that of the URL]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    host: String,
    /// A further field; may be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = field)]
    header: Vec<String>,
    /// The body
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// Send the body in chunks
    #[arg(long, requires = "body")]
    chunked: bool,
    /// The application server behind gateways that are started
    #[arg(long, value_name = "NAME", default_value = "gateserve")]
    backend: String,
    /// Show what is the same as well
    #[arg(long)]
    all: bool,
    /// How
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    launch: LaunchArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn rooted(text: &str) -> Result<String, String> {
    let is_sound = |c: char| !c.is_control() && c != ' ';
    match text.starts_with('/') && text.chars().all(is_sound) {
        true => Ok(text.to_owned()),
        false => Err("a path begins with / and has no space (write %20)".to_owned()),
    }
}

fn field(text: &str) -> Result<String, String> {
    match text.contains(':') {
        true => Ok(text.to_owned()),
        false => Err("expected `Name: value`".to_owned()),
    }
}

/// Gets both and compares.
pub(super) fn env_diff(args: &EnvDiffArgs) -> anyhow::Result<Verdict> {
    let ask = Ask {
        method: args.method.clone(),
        target: args.path.clone(),
        host: args.host.clone(),
        fields: args.header.clone(),
        body: args.body.clone(),
        chunked: args.chunked,
        backend: args.backend.clone(),
    };
    let (a, b) = block_on(async {
        let mut bench = None;
        if args.a.needs_bench() || args.b.needs_bench() {
            let wishes = args.launch.wishes().first();
            wishes.check()?;
            bench = Some(Bench::set_up(wishes).await?);
        }
        let a = args.a.environ(&mut bench, &ask, &mut Silent).await?;
        let b = args.b.environ(&mut bench, &ask, &mut Silent).await?;
        Ok((a, b))
    })?;
    let rows = compare(&a, &b);
    let mut out = anstream::stdout().lock();
    match args.format {
        Format::Text => out.write_all(text(&a, &b, &rows, args.all).as_bytes())?,
        Format::Json => {
            let value = serde_json::json!({ "a": a.of, "b": b.of, "variables": rows });
            writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
        }
    }
    Ok(
        match rows.iter().all(|row| row.difference == Difference::Same) {
            true => Verdict::Passed,
            false => Verdict::Failed,
        },
    )
}
