//! What `ps` shows of the processes.

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::System;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "auto-procname",
        Flag,
        System,
        "Let ps show `gateserve master` and `gateserve worker N`",
    ),
    opt(
        "procname",
        One("NAME"),
        System,
        "Let ps show NAME for all processes",
    ),
    opt(
        "procname-master",
        One("NAME"),
        System,
        "Let ps show NAME for the master; the workers as with --auto-procname",
    ),
    opt(
        "procname-prefix",
        One("TEXT"),
        System,
        "Put TEXT before the names that ps shows, which it turns on",
    ),
    opt(
        "procname-prefix-spaced",
        One("TEXT"),
        System,
        "The same, with a space between TEXT and the name",
    ),
    opt(
        "procname-append",
        One("TEXT"),
        System,
        "Put TEXT behind the names that ps shows, which it turns on",
    ),
];

/// What `ps` shows of the processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessNames {
    /// Whether names are set at all: `auto-procname`, or any of the others.
    pub shown: bool,
    /// `procname`.
    pub all: Option<String>,
    /// `procname-master`.
    pub master: Option<String>,
    /// `procname-prefix`, or `procname-prefix-spaced` with its space.
    pub prefix: String,
    /// `procname-append`.
    pub append: String,
}

impl ProcessNames {
    /// The master's whole name; `None` if it is to stay as it is.
    pub fn master(&self) -> Option<String> {
        let name = self.master.as_deref().or(self.all.as_deref());
        self.whole(name.unwrap_or("gateserve master"))
    }

    /// The whole name of a worker, counted from 1.
    pub fn worker(&self, number: usize) -> Option<String> {
        match &self.all {
            Some(name) => self.whole(name),
            None => self.whole(&format!("gateserve worker {number}")),
        }
    }

    /// As uWSGI puts it together: without a space that was not asked for.
    fn whole(&self, name: &str) -> Option<String> {
        let whole = || [&self.prefix, name, &self.append].concat();
        self.shown.then(whole)
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<ProcessNames, OptionError> {
    let text = |name| gathered.last(name).map(|given| given.value.clone());
    let (all, master) = (text("procname"), text("procname-master"));
    // Both set the same in uWSGI, so the later counts.
    let mut prefixes = gathered
        .given
        .iter()
        .filter_map(|given| match given.opt.name {
            "procname-prefix" => Some(given.value.clone()),
            "procname-prefix-spaced" => Some(given.value.clone() + " "),
            _ => None,
        });
    let (prefix, append) = (prefixes.next_back(), text("procname-append"));
    let named = [&all, &master, &prefix, &append];
    Ok(ProcessNames {
        shown: gathered.flag("auto-procname")? || named.into_iter().any(Option::is_some),
        all,
        master,
        prefix: prefix.unwrap_or_default(),
        append: append.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> ProcessNames {
        ProcessNames {
            shown: true,
            all: None,
            master: None,
            prefix: String::new(),
            append: String::new(),
        }
    }

    #[test]
    fn prefix_and_appendix_are_joined_without_a_space() {
        let names = ProcessNames {
            prefix: "[app]".into(),
            append: "-1".into(),
            ..names()
        };
        assert_eq!(names.master().unwrap(), "[app]gateserve master-1");
        assert_eq!(names.worker(2).unwrap(), "[app]gateserve worker 2-1");
    }

    #[test]
    fn a_name_for_all_gives_way_to_the_masters_own() {
        let names = ProcessNames {
            all: Some("web".into()),
            master: Some("boss".into()),
            ..names()
        };
        assert_eq!(names.master().unwrap(), "boss");
        assert_eq!(names.worker(1).unwrap(), "web");
    }

    #[test]
    fn without_an_option_nothing_is_renamed() {
        let names = ProcessNames {
            shown: false,
            ..names()
        };
        assert_eq!((names.master(), names.worker(1)), (None, None));
    }
}
