//! `gatebench tap`: a relay between gateway and application server that tells what it sees.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::Verdict;
use crate::{
    address::{Address, Endpoint},
    model::Model,
    tap::{self, Detail, Wishes, filter::Filter},
};

/// Below the options in `--help`.
pub(super) const HELP: &str = "\
Point the gateway at --listen and the tap at the application server. It passes everything on as it
is and never waits for its own decoding. Ctrl-C ends it and takes the socket away.

Filters: status=404, status>=500, method=POST, uri~REGEX, time>=100ms, param:NAME=VALUE,
         problem, problem=NAME; several must hold together.

Examples:
  gatebench tap --listen unix:/tmp/tap.sock --to unix:/run/php/php-fpm.sock
  gatebench tap --listen 127.0.0.1:9001 --to 127.0.0.1:9000 -v --filter problem
  gatebench tap --listen /tmp/tap.sock --to uwsgi:///run/app.sock --json | jq .findings
  gatebench tap --listen /tmp/tap.sock --to /run/app.sock --record cases/recorded/shop.toml";

#[derive(Args, Debug)]
pub(super) struct TapArgs {
    /// Where the gateway connects: HOST:PORT, a path, unix:/path or @abstract
    #[arg(long, value_name = "ADDRESS")]
    listen: Address,
    /// Where the application server listens; a protocol in front (uwsgi://…) is taken as given
    #[arg(long, value_name = "ADDRESS")]
    to: Endpoint,
    /// The protocol, where it is not to be recognised: fastcgi, uwsgi, scgi, http
    #[arg(long, value_name = "PROTOCOL", value_parser = super::spoken)]
    protocol: Option<Model>,
    /// -v every record and variable; -vv their octets
    #[arg(short, action = ArgAction::Count)]
    verbose: u8,
    /// Show only exchanges that this holds of; may be given several times
    #[arg(long, value_name = "FILTER")]
    filter: Vec<Filter>,
    /// One JSON object a line
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
    /// Write what was shown as scenarios when the tap ends, 200 at most
    #[arg(long, value_name = "FILE.toml")]
    record: Option<PathBuf>,
    /// End after so many exchanges
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Relays until it is ended.
pub(super) fn tap(args: &TapArgs) -> anyhow::Result<Verdict> {
    anyhow::ensure!(
        args.listen != args.to.address,
        "--listen and --to are the same address, {}: the tap would talk to itself",
        args.listen
    );
    tap::run(&Wishes {
        listen: args.listen.clone(),
        to: args.to.address.clone(),
        protocol: args.protocol.or(args.to.protocol),
        detail: match args.verbose {
            0 => Detail::Line,
            1 => Detail::Records,
            _ => Detail::Octets,
        },
        json: args.json,
        filters: args.filter.clone(),
        record: args.record.clone(),
        count: args.count,
    })?;
    Ok(Verdict::Passed)
}
