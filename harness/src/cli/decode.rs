//! `gatebench decode`: octets of a wire, field by field.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Verdict;
use crate::{
    decode::{self, Direction, Field, show},
    model::Model,
    tap::{
        Conversation, Exchange, Happened,
        record::{self, Captured},
    },
    transcript::Way,
};

/// Below the options in `--help`.
pub(super) const HELP: &str = "\
The file holds what went one way over one connection: the octets themselves, or digits as xxd,
hexdump -C and people write them. With REPLY and --record the two become a scenario.

Examples:
  gatebench decode wire/testdata/nginx-fastcgi-get.bin
  echo '00 0e 00 00 09 00 50 41 54 48 5f 49 4e 46 4f 01 00 2f' | gatebench decode -
  gatebench decode request.bin reply.bin --record cases/recorded/slow.toml";

#[derive(Args, Debug)]
pub(super) struct DecodeArgs {
    /// The octets, binary or hexadecimal; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What came back, if that was kept as well
    #[arg(value_name = "REPLY")]
    reply: Option<PathBuf>,
    /// The protocol, where it is not to be recognised: fastcgi, uwsgi, scgi, http
    #[arg(long, value_name = "PROTOCOL", value_parser = super::spoken)]
    protocol: Option<Model>,
    /// FILE went back from the application server
    #[arg(long, conflicts_with = "reply")]
    is_reply: bool,
    /// Names and values only, without what each is for
    #[arg(long)]
    brief: bool,
    /// How
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write a scenario that sends the request again, or that answers with the reply
    #[arg(long, value_name = "FILE.toml")]
    record: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// One direction, decoded.
#[derive(Serialize)]
struct Decoded {
    protocol: Model,
    direction: Direction,
    /// Whether the protocol was told by the octets alone.
    recognised: bool,
    octets: usize,
    fields: Vec<Field>,
    #[serde(skip)]
    raw: Vec<u8>,
}

/// Decodes and tells.
pub(super) fn decode(args: &DecodeArgs) -> anyhow::Result<Verdict> {
    let direction = args.is_reply.then_some(Direction::Reply);
    let mut all = vec![one(&args.file, args.protocol, direction)?];
    if let Some(file) = &args.reply {
        let protocol = Some(all[0].protocol);
        all.push(one(file, protocol, Some(Direction::Reply))?);
    }
    if let Some(file) = &args.record {
        write_scenario(file, &all)?;
    }
    let mut out = anstream::stdout().lock();
    match args.format {
        Format::Json => {
            let text = match all.as_slice() {
                [one] => serde_json::to_string_pretty(one)?,
                all => serde_json::to_string_pretty(all)?,
            };
            writeln!(out, "{text}")?;
        }
        Format::Text => {
            let detail = show::Detail {
                notes: !args.brief,
                octets: true,
            };
            for one in &all {
                writeln!(out, "{}", one.title())?;
                out.write_all(show::text(&one.fields, &one.raw, detail).as_bytes())?;
            }
        }
    }
    Ok(Verdict::Passed)
}

fn one(
    file: &Path,
    protocol: Option<Model>,
    direction: Option<Direction>,
) -> anyhow::Result<Decoded> {
    let raw = decode::octets(&read(file)?);
    let seen = decode::recognise(&raw);
    let (protocol, recognised) = match (protocol, seen) {
        (Some(protocol), _) => (protocol, false),
        (None, Some(seen)) => (seen.protocol, true),
        (None, None) => anyhow::bail!(
            "{} begins like no protocol of the family ({}); say --protocol",
            file.display(),
            match decode::show_start(&raw).as_str() {
                "" => "it is empty".to_owned(),
                start => format!("`{start}`"),
            }
        ),
    };
    let of_seen = seen.map(|seen| seen.direction);
    let direction = direction.or(of_seen).unwrap_or(Direction::Request);
    Ok(Decoded {
        protocol,
        direction,
        recognised,
        octets: raw.len(),
        fields: decode::fields(protocol, direction, &raw),
        raw,
    })
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut octets = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut octets);
        read.context("standard input cannot be read")?;
        return Ok(octets);
    }
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

impl Decoded {
    fn title(&self) -> String {
        let way = match self.direction {
            Direction::Request => "to the application server",
            Direction::Reply => "back from the application server",
        };
        let how = if self.recognised { " (recognised)" } else { "" };
        let (protocol, octets) = (self.protocol, self.octets);
        format!("{protocol}, {way}{how}, {octets} octets")
    }
}

fn write_scenario(file: &Path, all: &[Decoded]) -> anyhow::Result<()> {
    let of = |direction| all.iter().find(|one| one.direction == direction);
    let (request, reply) = (of(Direction::Request), of(Direction::Reply));
    let exchange = replay(all[0].protocol, request, reply);
    let status = exchange.as_ref().and_then(|exchange| exchange.status);
    let name = exchange.map(|exchange| format!("{} {}", exchange.method, exchange.uri));
    let captured = Captured {
        protocol: all[0].protocol,
        request: request.map(|one| one.raw.clone()),
        reply: reply.map(|one| one.raw.clone()),
        name: name.unwrap_or_else(|| "the captured request".to_owned()),
        status,
    };
    record::write(file, &[captured])
}

/// The exchange that the two directions are.
fn replay(protocol: Model, request: Option<&Decoded>, reply: Option<&Decoded>) -> Option<Exchange> {
    let mut conversation = Conversation::new(1, Some(protocol));
    let mut over = Vec::new();
    let steps = [
        request.map(|one| Happened::Octets(Way::Request, &one.raw)),
        reply.map(|one| Happened::Octets(Way::Reply, &one.raw)),
        Some(Happened::Ended(Way::Reply)),
    ];
    for step in steps.into_iter().flatten() {
        over.extend(conversation.happened(Duration::ZERO, step));
    }
    over.into_iter().next().filter(|_| request.is_some())
}
