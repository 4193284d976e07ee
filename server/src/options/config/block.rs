//! `if-…` and `for-…` blocks: each option inside is taken never, once, or several times.

use std::ffi::CString;
use std::path::Path;

use super::super::error::OptionError;
use super::super::given::Origin;
use super::super::groups::accepted;
use super::super::values;
use super::Reader;

/// The most turns that `for-times` may take.
const MOST_TIMES: i64 = 100_000;

/// A block that was opened.
#[derive(Clone, Debug)]
pub(super) struct Block {
    kind: Kind,
    argument: String,
    origin: Origin,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    For,
    Glob,
    Times,
    Lines,
    If { test: Test, wanted: bool },
}

/// What an `if-…` asks.
#[derive(Clone, Copy, Debug)]
enum Test {
    Environment,
    Option,
    Exists,
    File,
    Folder,
    Host,
    Reload,
    Plugin,
}

/// Whether the option ends a block.
pub(super) fn is_end(key: &str) -> bool {
    matches!(key, "end" | "endfor" | "endif" | "end-for" | "end-if")
}

/// Whether the option opens a block.
pub(super) fn is_block(key: &str) -> bool {
    kind(key).is_some() || matches!(key, "if-hostname-match" | "if-not-hostname-match")
}

fn kind(key: &str) -> Option<Kind> {
    let test = |test, wanted| Some(Kind::If { test, wanted });
    match key {
        "for" => Some(Kind::For),
        "for-glob" => Some(Kind::Glob),
        "for-times" => Some(Kind::Times),
        "for-readline" => Some(Kind::Lines),
        "if-env" | "ifenv" => test(Test::Environment, true),
        "if-not-env" => test(Test::Environment, false),
        "if-opt" => test(Test::Option, true),
        "if-not-opt" => test(Test::Option, false),
        "if-exists" | "ifexists" => test(Test::Exists, true),
        "if-not-exists" => test(Test::Exists, false),
        "if-file" => test(Test::File, true),
        "if-not-file" => test(Test::File, false),
        "if-dir" | "ifdir" | "if-directory" => test(Test::Folder, true),
        "if-not-dir" => test(Test::Folder, false),
        "if-hostname" => test(Test::Host, true),
        "if-not-hostname" => test(Test::Host, false),
        "if-reload" => test(Test::Reload, true),
        "if-not-reload" => test(Test::Reload, false),
        "if-plugin" | "ifplugin" => test(Test::Plugin, true),
        "if-not-plugin" => test(Test::Plugin, false),
        _ => None,
    }
}

impl Block {
    pub(super) fn open(key: &str, argument: String, origin: &Origin) -> Result<Self, OptionError> {
        let kind = kind(key).ok_or_else(|| OptionError::Condition {
            name: key.to_owned(),
            origin: origin.clone(),
        })?;
        Ok(Self {
            kind,
            argument,
            origin: origin.clone(),
        })
    }

    /// The values with which an option in the block counts, `%(_)` filled in.
    pub(super) fn values(
        &self,
        value: Option<String>,
        reader: &mut Reader,
    ) -> Result<Vec<Option<String>>, OptionError> {
        let with = |item: &str| value.as_ref().map(|value| value.replace("%(_)", item));
        Ok(match self.kind {
            Kind::For => self
                .argument
                .split(' ')
                .filter(|item| !item.is_empty())
                .map(with)
                .collect(),
            Kind::Glob => glob(&self.argument).iter().map(|item| with(item)).collect(),
            Kind::Times => {
                let times = values::leading_number(&self.argument).min(MOST_TIMES);
                (1..=times).map(|turn| with(&turn.to_string())).collect()
            }
            Kind::Lines => self.lines()?.lines().map(with).collect(),
            Kind::If { test, wanted } => match self.test(test, wanted, reader) {
                None => Vec::new(),
                Some(Found::Nothing) => vec![value],
                Some(Found::Text(text)) => vec![with(&text)],
            },
        })
    }

    fn lines(&self) -> Result<String, OptionError> {
        std::fs::read_to_string(&self.argument).map_err(|source| OptionError::Unreadable {
            path: self.argument.clone().into(),
            origin: Some(self.origin.clone()),
            source,
        })
    }

    /// `None` if the block is left out, else what `%(_)` stands for in it.
    fn test(&self, test: Test, wanted: bool, reader: &mut Reader) -> Option<Found> {
        let argument = self.argument.as_str();
        let path = Path::new(argument);
        let holds = match test {
            Test::Environment => {
                let name = argument.split('=').next().unwrap_or_default();
                return compare(argument, reader.environment.get(name).cloned(), wanted);
            }
            Test::Option => {
                let name = argument.split('=').next().unwrap_or_default();
                reader.used.insert(name.to_owned());
                return compare(argument, reader.first(name).map(String::from), wanted);
            }
            Test::Reload => {
                let reload = reader.environment.contains_key("UWSGI_RELOADS");
                return (reload == wanted).then_some(Found::Nothing);
            }
            Test::Exists => is_readable(argument),
            Test::File => path.is_file(),
            Test::Folder => path.is_dir(),
            Test::Host => reader.magic.host() == argument,
            Test::Plugin => accepted::is_built_in(argument),
        };
        (holds == wanted).then(|| Found::Text(argument.to_owned()))
    }
}

/// What `%(_)` stands for.
enum Found {
    /// For itself.
    Nothing,
    Text(String),
}

/// `NAME` or `NAME=VALUE` against what the name has.
fn compare(argument: &str, has: Option<String>, wanted: bool) -> Option<Found> {
    let holds = match (argument.split_once('='), &has) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some((_, value)), Some(has)) => value == has,
    };
    (holds == wanted).then(|| has.map_or(Found::Nothing, Found::Text))
}

/// As `access` tells it, with the rights of the user who started the program.
fn is_readable(path: &str) -> bool {
    CString::new(path).is_ok_and(|path| {
        nix::unistd::access(path.as_c_str(), nix::unistd::AccessFlags::R_OK).is_ok()
    })
}

/// The files that a pattern means, folders with a slash; the pattern itself where it means none.
fn glob(pattern: &str) -> Vec<String> {
    let marked = |path: std::path::PathBuf| {
        let slash = if path.is_dir() { "/" } else { "" };
        format!("{}{slash}", path.display())
    };
    let mut found: Vec<String> = match glob::glob(pattern) {
        Ok(paths) => paths.flatten().map(marked).collect(),
        Err(_) => Vec::new(),
    };
    if found.is_empty() {
        found.push(pattern.to_owned());
    }
    found
}
