//! Internal routing: rules that look at a request before the application gets it.

mod action;
mod condition;

pub use action::Action;
pub use condition::{Compared, Condition, OnDisk};

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::Many;
use crate::options::opt::Topic::Routing;
use crate::options::opt::{Opt, opt};
use crate::options::pattern::Pattern;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "route",
        Many("REGEX ACTION"),
        Routing,
        "Do ACTION where PATH_INFO matches",
    ),
    opt(
        "route-uri",
        Many("REGEX ACTION"),
        Routing,
        "Do ACTION where REQUEST_URI matches",
    ),
    opt(
        "route-host",
        Many("REGEX ACTION"),
        Routing,
        "Do ACTION where HTTP_HOST matches",
    ),
    opt(
        "route-qs",
        Many("REGEX ACTION"),
        Routing,
        "Do ACTION where QUERY_STRING matches",
    ),
    opt(
        "route-remote-addr",
        Many("REGEX ACTION"),
        Routing,
        "Do ACTION where REMOTE_ADDR matches",
    ),
    opt(
        "route-remote-user",
        Many("REGEX ACTION"),
        Routing,
        "Do ACTION where REMOTE_USER matches",
    ),
    opt(
        "route-referer",
        Many("REGEX ACTION"),
        Routing,
        "Do ACTION where HTTP_REFERER matches",
    ),
    opt(
        "route-user-agent",
        Many("REGEX ACTION"),
        Routing,
        "Do ACTION where HTTP_USER_AGENT matches",
    ),
    opt(
        "route-if",
        Many("CONDITION:ARGS ACTION"),
        Routing,
        "Do ACTION where a condition is met",
    ),
    opt(
        "route-if-not",
        Many("CONDITION:ARGS ACTION"),
        Routing,
        "Do ACTION where a condition is not met",
    ),
    opt(
        "route-run",
        Many("ACTION"),
        Routing,
        "Do ACTION for every request",
    ),
    opt(
        "route-label",
        Many("NAME"),
        Routing,
        "A place among the rules for the action goto",
    ),
];

/// What the patterns of a rule look at, by option.
const SUBJECTS: [(&str, &str); 8] = [
    ("route", "PATH_INFO"),
    ("route-uri", "REQUEST_URI"),
    ("route-host", "HTTP_HOST"),
    ("route-qs", "QUERY_STRING"),
    ("route-remote-addr", "REMOTE_ADDR"),
    ("route-remote-user", "REMOTE_USER"),
    ("route-referer", "HTTP_REFERER"),
    ("route-user-agent", "HTTP_USER_AGENT"),
];

/// One `route…`, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A place for `goto`.
    Label(String),
    /// What to do, and when.
    Rule(Test, Action),
}

/// When a rule applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Always.
    Always,
    /// Where a variable of the request matches.
    Matches(&'static str, Pattern),
    /// Where a condition is met, or is not.
    If(Condition, bool),
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<Vec<Route>, OptionError> {
    let routes = gathered
        .given
        .iter()
        .filter(|given| OPTIONS.iter().any(|opt| opt.name == given.opt.name));
    routes.map(route).collect()
}

fn route(given: &Given) -> Result<Route, OptionError> {
    let value = given.value.as_str();
    let (test, action) = match given.opt.name {
        "route-label" => return Ok(Route::Label(value.to_owned())),
        "route-run" => (Test::Always, value),
        name @ ("route-if" | "route-if-not") => {
            let (condition, action) = halves(given, "a condition, a space and an action")?;
            let condition = condition::read(given, condition)?;
            (Test::If(condition, name == "route-if"), action)
        }
        name => {
            let (regex, action) = halves(given, "a regular expression, a space and an action")?;
            let subject = SUBJECTS.iter().find(|(option, _)| *option == name);
            let subject = subject.map_or("PATH_INFO", |(_, variable)| variable);
            (Test::Matches(subject, Pattern::of(given, regex)?), action)
        }
    };
    Ok(Route::Rule(test, action::read(given, action.trim_start())?))
}

fn halves<'g>(given: &'g Given, expected: &str) -> Result<(&'g str, &'g str), OptionError> {
    given
        .value
        .split_once(' ')
        .ok_or_else(|| given.refuse(expected))
}
