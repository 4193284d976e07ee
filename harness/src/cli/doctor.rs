//! `gatebench doctor`: what speaks there, what is wrong, and which line to change.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::Verdict;
use crate::{
    address::Endpoint,
    doctor::{self, Ask, Report, Wishes},
};

/// Below the options in `--help`.
pub(super) const HELP: &str = "\
It sends GET and HEAD requests and says which; POST only with --post. Of an nginx.conf it reads every
include, checks each location with fastcgi_pass, uwsgi_pass, scgi_pass or proxy_pass, and asks each
server behind them with the variables that nginx would send.
Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be examined.

Examples:
  gatebench doctor unix:/run/php/php-fpm.sock --root /srv/www --path /index.php
  gatebench doctor 127.0.0.1:3031
  gatebench doctor http://127.0.0.1:8080/shop --post
  gatebench doctor /etc/nginx/nginx.conf --format json";

#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// A socket ([proto://]HOST:PORT, /path, unix:/path, @abstract), an http:// URL, or an nginx.conf
    #[arg(value_name = "ADDR|URL|nginx.conf")]
    target: String,
    /// Path and query to ask for; of an nginx.conf, for each location that takes it
    #[arg(long, value_name = "PATH", value_parser = rooted)]
    path: Vec<String>,
    /// Document root as the application server sees it: SCRIPT_FILENAME is made of it
    #[arg(long, value_name = "DIR")]
    root: Option<String>,
    /// Host to ask for [default: localhost, or that of the URL]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// A variable of every request, for example SCRIPT_FILENAME=/srv/www/index.php
    #[arg(long, value_name = "NAME=VALUE", value_parser = param)]
    param: Vec<(String, String)>,
    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Send a POST of 16 octets as well, with and without its length
    #[arg(long)]
    post: bool,
    /// How
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn rooted(text: &str) -> Result<String, String> {
    let is_line = |c: char| !c.is_control() && c != ' ';
    match text.starts_with('/') && text.chars().all(is_line) {
        true => Ok(text.to_owned()),
        false => {
            Err("a path begins with / and has neither space nor control character (%20)".to_owned())
        }
    }
}

/// Who is examined.
enum Target {
    Socket(Endpoint),
    Url {
        at: Endpoint,
        host: String,
        path: String,
    },
    Configuration(PathBuf),
}

/// Examines and tells.
pub(super) fn doctor(args: &DoctorArgs) -> anyhow::Result<Verdict> {
    let report = examine(args)?;
    let mut out = anstream::stdout().lock();
    match args.format {
        Format::Text => out.write_all(report.text().as_bytes())?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
    }
    Ok(match report.is_well() {
        true => Verdict::Passed,
        false => Verdict::Failed,
    })
}

fn examine(args: &DoctorArgs) -> anyhow::Result<Report> {
    let mut ask = Ask::get(args.path.first().map_or("/", String::as_str));
    ask.root = args
        .root
        .as_deref()
        .map(|root| root.trim_end_matches('/').to_owned());
    ask.params = args.param.clone();
    ask.host = args.host.clone().unwrap_or(ask.host);
    let mut wishes = Wishes {
        ask,
        timeout: args.timeout,
        post: args.post,
    };
    match target(&args.target)? {
        Target::Configuration(file) => Ok(doctor::nginx::examine(&file, &wishes, &args.path)?),
        Target::Socket(at) => Ok(doctor::examine(&at, &wishes)),
        Target::Url { at, host, path } => {
            if args.path.is_empty() {
                wishes.ask.target = path;
            }
            if args.host.is_none() {
                wishes.ask.host = host;
            }
            Ok(doctor::examine(&at, &wishes))
        }
    }
}

fn target(text: &str) -> anyhow::Result<Target> {
    anyhow::ensure!(
        !text.starts_with("https://"),
        "doctor speaks plain HTTP only: ask the server's http:// port, or the application server behind it"
    );
    if let Some(rest) = text.strip_prefix("http://") {
        let (host, path) = match rest.find('/') {
            Some(at) if !rest.starts_with(['/', '@']) && !rest.starts_with("unix:") => {
                rest.split_at(at)
            }
            _ => (rest, "/"),
        };
        let at: Endpoint = format!("http://{host}").parse()?;
        let path = rooted(path).map_err(anyhow::Error::msg)?;
        let host = match host.contains("unix:") || host.starts_with(['/', '@']) {
            true => "localhost",
            false => host,
        };
        return Ok(Target::Url {
            at,
            host: host.to_owned(),
            path,
        });
    }
    let file = Path::new(text);
    let is_file = file.is_file() || (text.ends_with(".conf") && !text.contains("://"));
    if is_file {
        return Ok(Target::Configuration(file.to_owned()));
    }
    let at = text.parse();
    let at = at.with_context(|| format!("`{text}` is no file, address or http:// URL"))?;
    Ok(Target::Socket(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_told_by_how_it_is_written() {
        let url = |text: &str| match target(text).unwrap() {
            Target::Url { at, host, path } => (at.to_string(), host, path),
            _ => panic!("{text} is a URL"),
        };
        let owned = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            url("http://127.0.0.1:8080/a?b"),
            owned("http://127.0.0.1:8080", "127.0.0.1:8080", "/a?b")
        );
        assert_eq!(url("http://shop"), owned("http://shop:80", "shop", "/"));
        assert_eq!(
            url("http://unix:/run/a.sock"),
            owned("http:///run/a.sock", "localhost", "/")
        );
        assert!(matches!(
            target("/no/such/nginx.conf").unwrap(),
            Target::Configuration(_)
        ));
        assert!(matches!(
            target("/run/app.sock").unwrap(),
            Target::Socket(_)
        ));
        assert!(matches!(
            target("uwsgi://127.0.0.1:3031").unwrap(),
            Target::Socket(_)
        ));
        assert!(target("https://shop/").is_err());
        assert!(target("shop").is_err());
    }
}
