//! The command line: a clap command built from the option table, and what was given on it.

use std::io::IsTerminal;

use clap::builder::{PossibleValuesParser, Styles, ValueHint};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use clap_complete::Shell;

use super::error::OptionError;
use super::foreign::{self, Foreign};
use super::given::{Gathered, Given, Origin};
use super::opt::{Opt, Takes};
use super::table;

const EXAMPLES: &str = "\
Examples:
  gateserve --http-socket 127.0.0.1:8000 --cgi /cgi-bin=/usr/lib/cgi-bin
      CGI programs at http://127.0.0.1:8000/cgi-bin/NAME
  gateserve --fastcgi-socket /run/fcgi.sock --chmod-socket --cgi /srv/cgi --processes 4
      CGI programs behind a web server's FastCGI (nginx: fastcgi_pass unix:/run/fcgi.sock)
  gateserve --http 127.0.0.1:8080 --fastcgi-to /run/php-fpm.sock
      a small HTTP gateway in front of a FastCGI server
  gateserve --socket 127.0.0.1:3031 --probe
      see what a gateway sends over uwsgi
  gateserve app.ini
      the same options from the [uwsgi] section of a file

Every option can stand in an ini file (processes = 4) and in the environment
(UWSGI_PROCESSES=4) as well. Option names and meanings are uWSGI's.";

/// What the command line asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// To serve (or to check the configuration).
    Serve {
        /// The options given.
        gathered: Gathered,
        /// Names of ini files without `--ini`.
        files: Vec<String>,
    },
    /// To print this and exit with 0: help, version, completions, man page.
    Print(Vec<u8>),
}

/// The clap definition.
pub(super) fn command() -> Command {
    let about = "An application server for CGI, FastCGI, uwsgi, SCGI and HTTP";
    let files = Arg::new("files")
        .value_name("FILE.ini")
        .num_args(0..)
        .value_hint(ValueHint::FilePath);
    Command::new("gateserve")
        .version(env!("CARGO_PKG_VERSION"))
        .about(about)
        .styles(Styles::styled())
        .args(table::all().enumerate().map(arg))
        .arg(files.help("Configuration files; each is read as with --ini"))
        .arg(
            hidden("completions")
                .value_name("SHELL")
                .value_parser(PossibleValuesParser::new([
                    "bash",
                    "elvish",
                    "fish",
                    "powershell",
                    "zsh",
                ])),
        )
        .arg(hidden("man").action(ArgAction::SetTrue))
        .after_help(EXAMPLES)
}

fn hidden(name: &'static str) -> Arg {
    Arg::new(name).long(name).hide(true)
}

fn arg((place, opt): (usize, &'static Opt)) -> Arg {
    let arg = Arg::new(opt.name)
        .long(opt.name)
        .help(opt.help)
        .visible_aliases(opt.aliases.iter().copied())
        .help_heading(opt.topic.heading())
        .display_order(place);
    let arg = match opt.short {
        Some(letter) => arg.short(letter),
        None => arg,
    };
    match opt.takes {
        Takes::Flag => arg.action(ArgAction::SetTrue),
        Takes::One(value) | Takes::Many(value) => arg.value_name(value).action(ArgAction::Append),
        Takes::Maybe { value, default } => arg
            .value_name(value)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value(default)
            .action(ArgAction::Append),
    }
}

/// Reads the arguments, program name first.
///
/// # Errors
/// The first argument that cannot be made sense of.
pub(super) fn read(args: impl IntoIterator<Item = String>) -> Result<Asked, OptionError> {
    let (args, skipped) = skip_foreign(args);
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) if !error.use_stderr() => {
            return Ok(Asked::Print(styled(&error).into_bytes()));
        }
        Err(error) => return Err(explain(&error)),
    };
    if let Some(printed) = generated(&matches) {
        return Ok(Asked::Print(printed));
    }
    let given = table::all().flat_map(|opt| given(opt, &matches)).collect();
    let unsupported = skipped
        .iter()
        .map(|foreign| foreign.name.to_owned())
        .collect();
    let gathered = Gathered {
        given,
        unsupported,
        ..Gathered::default()
    };
    let files = matches
        .get_many("files")
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    Ok(Asked::Serve { gathered, files })
}

/// Help and version in colour on a terminal, plain elsewhere.
fn styled(printed: &clap::Error) -> String {
    let text = printed.render();
    if std::io::stdout().is_terminal() {
        text.ansi().to_string()
    } else {
        text.to_string()
    }
}

/// Takes uWSGI's own options, with their values, out of the arguments.
fn skip_foreign(args: impl IntoIterator<Item = String>) -> (Vec<String>, Vec<Foreign>) {
    let (mut kept, mut skipped) = (Vec::new(), Vec::new());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match foreign_in(&arg) {
            Some((foreign, holds_value)) => {
                skipped.push(foreign);
                if foreign.takes_next && !holds_value {
                    args.next();
                }
            }
            None => kept.push(arg),
        }
    }
    (kept, skipped)
}

/// The foreign option that an argument names, and whether its value is in the same argument.
fn foreign_in(arg: &str) -> Option<(Foreign, bool)> {
    if let Some(long) = arg.strip_prefix("--") {
        let name = long.split_once('=').map_or(long, |(name, _)| name);
        return foreign::find(name).map(|foreign| (foreign, long.contains('=')));
    }
    let mut letters = arg.strip_prefix('-')?.chars();
    let foreign = foreign::find_short(letters.next()?)?;
    Some((foreign, letters.next().is_some()))
}

fn given(opt: &'static Opt, matches: &ArgMatches) -> Vec<Given> {
    let one = |value: String| Given {
        opt,
        value,
        origin: Origin::CommandLine,
    };
    if opt.takes == Takes::Flag {
        return matches
            .get_flag(opt.name)
            .then(|| one("true".into()))
            .into_iter()
            .collect();
    }
    matches
        .get_many::<String>(opt.name)
        .into_iter()
        .flatten()
        .cloned()
        .map(one)
        .collect()
}

/// What the hidden options print.
fn generated(matches: &ArgMatches) -> Option<Vec<u8>> {
    let mut printed = Vec::new();
    if let Some(shell) = matches.get_one::<String>("completions") {
        let shell: Shell = shell
            .parse()
            .expect("the parser allows names of shells only");
        clap_complete::generate(shell, &mut command(), "gateserve", &mut printed);
        return Some(printed);
    }
    if matches.get_flag("man") {
        clap_mangen::Man::new(command())
            .render(&mut printed)
            .expect("writing to memory cannot fail");
        return Some(printed);
    }
    None
}

/// One sentence for what clap tells in several lines.
fn explain(error: &clap::Error) -> OptionError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let arg = context(ContextKind::InvalidArg);
    let name = arg
        .split([' ', '=', '['])
        .next()
        .unwrap_or_default()
        .to_owned();
    match error.kind() {
        ErrorKind::UnknownArgument if arg.starts_with('-') => {
            let nearest = foreign::nearest(name.trim_start_matches('-'));
            OptionError::Unknown {
                name,
                nearest: nearest.map(|name| format!("--{name}")),
            }
        }
        ErrorKind::UnknownArgument => OptionError::Stray(arg),
        ErrorKind::InvalidValue if context(ContextKind::InvalidValue).is_empty() => {
            OptionError::ValueMissing(name)
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues => OptionError::ValueExtra(name),
        _ => OptionError::CommandLine(first_line(&error.to_string())),
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests;
