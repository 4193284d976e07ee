//! Options as they were given, before their values are looked at.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use super::finding::Finding;
use super::opt::Opt;

/// Where an option was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// On the command line.
    CommandLine,
    /// As an environment variable `UWSGI_…`.
    Environment,
    /// In a configuration file.
    File {
        /// The file's name as it was given.
        path: Arc<str>,
        /// Counted from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => write!(f, "command line"),
            Self::Environment => write!(f, "environment"),
            Self::File { path, line } => write!(f, "{path}, line {line}"),
        }
    }
}

/// One option with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The option.
    pub opt: &'static Opt,
    /// Its value; flags have `true` or `false`.
    pub value: String,
    /// Where it was given.
    pub origin: Origin,
}

/// A key that is not an option of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// As it was written.
    pub name: String,
    /// Its value, placeholders filled in.
    pub value: String,
    /// Where it was given.
    pub origin: Origin,
    /// Whether it was made with `set-placeholder`, which `strict` allows.
    pub placeholder: bool,
}

/// Everything given, in uWSGI's order: the last of an option counts.
#[derive(Debug, Default)]
pub struct Gathered {
    /// This server's options.
    pub given: Vec<Given>,
    /// uWSGI's options that this server does not have.
    pub unsupported: Vec<Stray>,
    /// Keys that something refers to, as in `%(base)`.
    pub variables: Vec<Stray>,
    /// Keys that are nobody's option and that nothing refers to.
    pub unknown: Vec<Stray>,
    /// Every key with its value, in uWSGI's order and as uWSGI would list it.
    pub(super) exported: Vec<(String, Option<String>)>,
    /// What came up while the configuration was read.
    pub(super) findings: Vec<Finding>,
    /// What came up while the values were read, one sentence each.
    pub(super) notes: RefCell<Vec<String>>,
}

impl Gathered {
    /// Keeps a sentence for the user; the same one only once.
    pub(super) fn note(&self, sentence: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&sentence) {
            notes.push(sentence);
        }
    }

    /// Everything noted so far.
    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// The value that counts for an option that is not repeatable.
    pub fn last(&self, name: &str) -> Option<&Given> {
        self.all(name).last()
    }

    /// All values of an option, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Given> {
        self.given
            .iter()
            .filter(move |given| given.opt.name == name)
    }
}
