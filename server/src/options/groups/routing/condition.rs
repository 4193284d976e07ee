//! When a rule applies.

use crate::options::error::OptionError;
use crate::options::given::Given;
use crate::options::pattern::Pattern;

/// A condition of `route-if`. Texts may hold `${VARIABLE}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Two texts, and how they are to compare.
    Compare(Compared, String, String),
    /// A text that matches.
    Matches(String, Pattern),
    /// A text without a character.
    Empty(String),
    /// A path, and what is to be there.
    File(OnDisk, String),
}

/// How two texts compare; numbers by their leading digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same.
    Equal,
    /// The first begins with the second.
    StartsWith,
    /// The first ends with the second.
    EndsWith,
    /// The second is somewhere in the first.
    Contains,
    /// The first number is greater.
    Higher,
    /// It is greater or equal.
    HigherOrEqual,
    /// It is smaller.
    Lower,
    /// It is smaller or equal.
    LowerOrEqual,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisk {
    /// Anything.
    Any,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A file that may be executed.
    Executable,
}

const KNOWN: &str = "a condition that is known here (equal, startswith, endswith, contains, \
                     ishigher, ishigherequal, islower, islowerequal, regexp, empty, exists, \
                     isfile, isdir, islink, isexec)";

pub(super) fn read(given: &Given, text: &str) -> Result<Condition, OptionError> {
    let (name, arguments) = text
        .split_once(':')
        .ok_or_else(|| given.refuse("CONDITION:ARGS and an action"))?;
    let two = || {
        arguments
            .split_once(';')
            .ok_or_else(|| given.refuse("two texts with a semicolon between them"))
    };
    if let Some(compared) = compared(name) {
        let (first, second) = two()?;
        return Ok(Condition::Compare(compared, first.into(), second.into()));
    }
    Ok(match name {
        "regexp" | "re" => {
            let (text, regex) = two()?;
            Condition::Matches(text.into(), Pattern::of(given, regex)?)
        }
        "empty" => Condition::Empty(arguments.into()),
        "exists" => Condition::File(OnDisk::Any, arguments.into()),
        "isfile" => Condition::File(OnDisk::File, arguments.into()),
        "isdir" => Condition::File(OnDisk::Folder, arguments.into()),
        "islink" => Condition::File(OnDisk::Link, arguments.into()),
        "isexec" => Condition::File(OnDisk::Executable, arguments.into()),
        _ => return Err(given.refuse(KNOWN)),
    })
}

fn compared(name: &str) -> Option<Compared> {
    Some(match name {
        "equal" | "isequal" | "eq" | "==" => Compared::Equal,
        "startswith" => Compared::StartsWith,
        "endswith" => Compared::EndsWith,
        "contains" | "contain" => Compared::Contains,
        "ishigher" | ">" => Compared::Higher,
        "ishigherequal" | ">=" => Compared::HigherOrEqual,
        "islower" | "<" => Compared::Lower,
        "islowerequal" | "<=" => Compared::LowerOrEqual,
        _ => return None,
    })
}
