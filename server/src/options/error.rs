//! What can be wrong with a configuration. The user is at fault in each.

use std::path::PathBuf;

use super::given::Origin;
use super::groups::sockets::MAX_SOCKETS;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    /// A name that neither this server nor uWSGI knows.
    #[error("there is no option `{name}`{}", hint(.nearest))]
    Unknown {
        /// As it was written.
        name: String,
        /// The known name that looks most like it.
        nearest: Option<String>,
    },
    /// The same in a file, where it is a warning.
    #[error("there is no option `{name}` ({origin}){}", hint(.nearest))]
    UnknownKey {
        /// As it was written.
        name: String,
        /// Where.
        origin: Origin,
        /// The known name that looks most like it.
        nearest: Option<String>,
    },
    /// What `strict` refuses: keys that nobody knows, and uWSGI's options that are not here.
    #[error("refused because of strict: {0}")]
    Strict(String),
    /// An argument that belongs to no option.
    #[error(
        "`{0}` is neither an option nor a configuration file (.ini, .yaml, .json, .toml, .xml)"
    )]
    Stray(String),
    /// An option without the value that it needs.
    #[error("option `{0}` needs a value")]
    ValueMissing(String),
    /// A value for an option that takes none.
    #[error("option `{0}` takes no value")]
    ValueExtra(String),
    /// Some other trouble on the command line, in the parser's words.
    #[error("{0}")]
    CommandLine(String),
    /// A value that is not what the option takes.
    #[error("`{name}` takes {expected}, not `{value}` ({origin})")]
    BadValue {
        /// The option.
        name: &'static str,
        /// What it would take.
        expected: String,
        /// What was given.
        value: String,
        /// Where.
        origin: Origin,
    },
    /// A configuration file that cannot be read.
    #[error("cannot read configuration {}{}: {source}", path.display(), asked(.origin))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where it is asked for, if in a file.
        origin: Option<Origin>,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not what its format allows.
    #[error("{}, line {line}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In the words of the format's parser.
        what: String,
    },
    /// A condition that cannot be decided here.
    #[error("`{name}` ({origin}): conditions on regular expressions are not supported")]
    Condition {
        /// The key.
        name: String,
        /// Where.
        origin: Origin,
    },
    /// A block in a block.
    #[error(
        "`{name}` ({origin}): recursive logic in options is not supported; end the block above \
         with `endif` or `endfor` first"
    )]
    BlockInBlock {
        /// The key.
        name: String,
        /// Where.
        origin: Origin,
    },
    /// `set` and `set-placeholder` without a value.
    #[error("`set` takes NAME=VALUE, not `{value}` ({origin})")]
    NotAPair {
        /// As it was written.
        value: String,
        /// Where.
        origin: Origin,
    },
    /// A placeholder with the name of an option.
    #[error("`{name}` ({origin}) cannot be a placeholder: it is an option")]
    PlaceholderIsOption {
        /// The name.
        name: String,
        /// Where.
        origin: Origin,
    },
    /// Placeholders that name each other in a circle.
    #[error("`{name}` ({origin}): its placeholders stand for each other without an end")]
    Circle {
        /// The option.
        name: String,
        /// Where.
        origin: Origin,
    },
    /// Files that include each other.
    #[error("configuration files include each other more than {0} deep")]
    TooDeep(usize),
    /// No socket option at all.
    #[error(
        "nothing to listen on: give --socket, --fastcgi-socket, --scgi-socket, --http-socket \
         or --http (see --help)"
    )]
    NoSocket,
    /// Too many of them.
    #[error("{0} sockets are given, at most {MAX_SOCKETS} are possible")]
    TooManySockets(usize),
    /// Nothing that answers.
    #[error(
        "no application to serve: give --module, --wsgi-file, --cgi or --probe, or forward --http with --uwsgi-to, \
         --fastcgi-to or --scgi-to (see --help)"
    )]
    NoApp,
    /// A path is forwarded to one place: the path, and both addresses.
    #[error(
        "what is below {0} is to be forwarded to {1} and to {2}: the built-in gateway does not share \
         requests out; give one of them, or another prefix (/PREFIX=ADDR)"
    )]
    TwoUpstreams(String, String, String),
    /// A gateway that nothing reaches.
    #[error("`{0}` has nothing to forward: give --http too")]
    UpstreamUnused(&'static str),
}

fn asked(origin: &Option<Origin>) -> String {
    origin
        .as_ref()
        .map_or_else(String::new, |origin| format!(" ({origin})"))
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
