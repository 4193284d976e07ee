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
    /// The same in a file, under `strict`.
    #[error("there is no option `{name}` ({origin}){}", hint(.nearest))]
    UnknownKey {
        /// As it was written.
        name: String,
        /// Where.
        origin: Origin,
        /// The known name that looks most like it.
        nearest: Option<String>,
    },
    /// uWSGI's options, under `strict`.
    #[error("not supported yet, and refused because of strict: {0}")]
    Unsupported(String),
    /// An argument that belongs to no option.
    #[error("`{0}` is neither an option nor an .ini file")]
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
    #[error("cannot read configuration {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A section that the file does not have.
    #[error("{} has no section [{section}]", path.display())]
    NoSection {
        /// The file.
        path: PathBuf,
        /// The section asked for.
        section: String,
    },
    /// `if-…` and `for-…` blocks.
    #[error("`{name}` ({origin}): conditions and loops in ini files are not supported")]
    Logic {
        /// The key.
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
    /// A gateway can forward to one place.
    #[error("`{0}` and `{1}` are both given: the built-in gateway forwards to one server")]
    TwoUpstreams(&'static str, &'static str),
    /// A gateway that nothing reaches.
    #[error("`{0}` has nothing to forward: give --http too")]
    UpstreamUnused(&'static str),
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
