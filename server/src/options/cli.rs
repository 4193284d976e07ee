//! The command line: what was given on it, and its help, man page and completions, which clap
//! makes from the option table.

use std::fmt;
use std::io::IsTerminal;

use clap::builder::{PossibleValuesParser, StyledStr, Styles, ValueHint};
use clap::{Arg, ArgAction, Command};
use clap_complete::Shell;

use super::error::OptionError;
use super::foreign::{self, Argument};
use super::opt::{Opt, Takes};
use super::table;

const EXAMPLES: &str = "\
Examples:
  gateserve --socket /run/shop.sock --chmod-socket --module shop.wsgi -H /srv/venv -p 4
      a Django, Flask or other WSGI application behind nginx (uwsgi_pass unix:/run/shop.sock)
  gateserve --http-socket 127.0.0.1:8000 --cgi /cgi-bin=/usr/lib/cgi-bin
      CGI programs at http://127.0.0.1:8000/cgi-bin/NAME
  gateserve --fastcgi-socket /run/fcgi.sock --chmod-socket --cgi /srv/cgi --processes 4
      CGI programs behind a web server's FastCGI (nginx: fastcgi_pass unix:/run/fcgi.sock)
  gateserve --http 127.0.0.1:8080 --fastcgi-to /run/php-fpm.sock
      a small HTTP gateway in front of a FastCGI server
  gateserve --socket 127.0.0.1:3031 --probe
      see what a gateway sends over uwsgi
  gateserve app.ini
      the same options from the [uwsgi] section of a file (also .yaml, .json, .toml, .xml)
  gateserve --check-config app.ini
      see what becomes of a uWSGI configuration

Every option can stand in an ini file (processes = 4) and in the environment
(UWSGI_PROCESSES=4) as well. Option names and meanings are uWSGI's.";

/// The options that `-h` shows: what most deployments set.
const COMMON: &[&str] = &[
    "socket",
    "http-socket",
    "fastcgi-socket",
    "chmod-socket",
    "vacuum",
    "buffer-size",
    "module",
    "wsgi-file",
    "callable",
    "mount",
    "virtualenv",
    "cgi",
    "static-map",
    "http",
    "fastcgi-to",
    "processes",
    "threads",
    "max-requests",
    "harakiri",
    "lazy-apps",
    "touch-reload",
    "chdir",
    "uid",
    "gid",
    "pidfile",
    "env",
    "stats",
    "logto",
    "disable-logging",
    "log-format",
    "daemonize",
    "ini",
    "strict",
    "check-config",
];

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To serve (or to check the configuration).
    Serve {
        /// The options in their order, each with its value if it has one.
        options: Vec<(String, Option<String>)>,
        /// Names of configuration files without an option.
        files: Vec<String>,
    },
    /// To print this and exit with 0: help, version, completions, man page.
    Print(Vec<u8>),
}

/// The definition from which help, completions and the man page come.
pub(super) fn command() -> Command {
    let about = "An application server for CGI, FastCGI, uwsgi, SCGI and HTTP";
    let files = Arg::new("files")
        .value_name("FILE[:SECTION]")
        .num_args(0..)
        .value_hint(ValueHint::FilePath);
    Command::new("gateserve")
        .version(env!("CARGO_PKG_VERSION"))
        .about(about)
        .styles(Styles::styled())
        .args(table::all().enumerate().map(arg))
        .arg(
            files.help(
                "Configuration files (.ini, .yaml, .json, .toml, .xml), read after all options",
            ),
        )
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
        .after_help(after_help())
        .after_long_help(EXAMPLES)
}

/// What stands below the few options of `-h`.
fn after_help() -> String {
    let all = table::all().count();
    format!("{EXAMPLES}\n\nThese are the most used of {all} options: --help shows all of them.")
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
        .display_order(place)
        .hide_short_help(!COMMON.contains(&opt.name));
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

/// Reads the arguments, program name first, as `getopt_long` reads uWSGI's: options and files in
/// any order, `--name=value` or `--name value`, letters with their value behind them.
///
/// # Errors
/// The first argument that cannot be made sense of.
pub(super) fn read(args: impl IntoIterator<Item = String>) -> Result<Asked, OptionError> {
    let mut parser = lexopt::Parser::from_iter(args);
    let (mut options, mut files) = (Vec::new(), Vec::new());
    loop {
        let option = match parser.next().map_err(|error| explain(&error))? {
            None => return Ok(Asked::Serve { options, files }),
            Some(lexopt::Arg::Value(file)) => {
                files.push(file.to_string_lossy().into_owned());
                continue;
            }
            Some(lexopt::Arg::Long(name)) => Spelt::Long(name.to_owned()),
            Some(lexopt::Arg::Short(letter)) => Spelt::Short(letter),
        };
        if let Some(printed) = printed(&option, &mut parser)? {
            return Ok(Asked::Print(printed));
        }
        let (name, argument) = option.find()?;
        let value = match argument {
            Argument::No => None,
            Argument::Optional => parser.optional_value(),
            Argument::Required => {
                let value = parser.value();
                Some(value.map_err(|_| OptionError::ValueMissing(option.to_string()))?)
            }
        };
        let value = value.map(|value| value.to_string_lossy().into_owned());
        options.push((name, value));
    }
}

/// An option as it stands on the command line.
enum Spelt {
    Long(String),
    Short(char),
}

impl Spelt {
    /// The option's name, and whether it takes a value.
    fn find(&self) -> Result<(String, Argument), OptionError> {
        let (ours, uwsgis) = match self {
            Self::Long(name) => (table::find(name), foreign::find(name)),
            Self::Short(letter) => (
                table::all().find(|opt| opt.short == Some(*letter)),
                foreign::find_short(*letter),
            ),
        };
        if let Some(opt) = ours {
            let name = match self {
                Self::Long(name) => name.as_str(),
                Self::Short(_) => opt.name,
            };
            return Ok((name.to_owned(), Argument::of(opt.takes)));
        }
        match uwsgis {
            Some(foreign) => Ok((foreign.name.to_owned(), foreign.argument)),
            None => Err(self.unknown()),
        }
    }

    fn unknown(&self) -> OptionError {
        let nearest = match self {
            Self::Long(name) => foreign::nearest(name),
            Self::Short(_) => None,
        };
        OptionError::Unknown {
            name: self.to_string(),
            nearest: nearest.map(|name| format!("--{name}")),
        }
    }
}

impl fmt::Display for Spelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long(name) => write!(f, "--{name}"),
            Self::Short(letter) => write!(f, "-{letter}"),
        }
    }
}

/// What an option prints instead of serving, if it does.
fn printed(option: &Spelt, parser: &mut lexopt::Parser) -> Result<Option<Vec<u8>>, OptionError> {
    let argument = match option {
        Spelt::Long(name) => name.as_str(),
        Spelt::Short('h') => "h",
        Spelt::Short('V') => "version",
        Spelt::Short(_) => return Ok(None),
    };
    Ok(Some(match argument {
        "h" => styled(&command().render_help()).into_bytes(),
        "help" | "usage" => styled(&command().render_long_help()).into_bytes(),
        "version" => command().render_version().into_bytes(),
        "dump-options" => names().into_bytes(),
        "man" => man(),
        "completions" => {
            let shell = parser.value().map_err(|error| explain(&error))?;
            completions(&shell.to_string_lossy())?
        }
        _ => return Ok(None),
    }))
}

/// The name of every option, one a line.
fn names() -> String {
    let names =
        table::all().flat_map(|opt| [opt.name].into_iter().chain(opt.aliases.iter().copied()));
    names.map(|name| format!("{name}\n")).collect()
}

fn man() -> Vec<u8> {
    let mut printed = Vec::new();
    clap_mangen::Man::new(command())
        .render(&mut printed)
        .expect("writing to memory cannot fail");
    printed
}

fn completions(shell: &str) -> Result<Vec<u8>, OptionError> {
    let shell: Shell = shell.parse().map_err(OptionError::CommandLine)?;
    let mut printed = Vec::new();
    clap_complete::generate(shell, &mut command(), "gateserve", &mut printed);
    Ok(printed)
}

/// In colour on a terminal, plain elsewhere.
fn styled(text: &StyledStr) -> String {
    if std::io::stdout().is_terminal() {
        text.ansi().to_string()
    } else {
        text.to_string()
    }
}

/// One sentence for what the parser of arguments says.
fn explain(error: &lexopt::Error) -> OptionError {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => OptionError::ValueExtra(option.clone()),
        lexopt::Error::MissingValue {
            option: Some(option),
        } => OptionError::ValueMissing(option.clone()),
        other => OptionError::CommandLine(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
