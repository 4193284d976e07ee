//! Which exchanges are shown.

use std::{str::FromStr, time::Duration};

use regex::Regex;

use super::{Exchange, Finding};

/// One condition on an exchange.
#[derive(Clone, Debug)]
pub enum Filter {
    /// `status=404`, `status>=500`, `status<400`.
    Status(Order, u16),
    /// `method=POST`.
    Method(String),
    /// `uri~REGEX`.
    Uri(Regex),
    /// `time>=100ms`.
    Time(Order, Duration),
    /// `param:NAME` or `param:NAME=VALUE`.
    Param(String, Option<String>),
    /// `problem`, or `problem=NAME`.
    Problem(Option<String>),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `=`
    Is,
    /// `>=`
    From,
    /// `<`
    Below,
}

impl Order {
    fn holds<T: PartialOrd>(self, value: T, bound: T) -> bool {
        match self {
            Self::Is => value == bound,
            Self::From => value >= bound,
            Self::Below => value < bound,
        }
    }
}

/// The forms that are understood, for messages.
const FORMS: &str = "status=404, status>=500, method=POST, uri~REGEX, time>=100ms, param:NAME=VALUE, problem, problem=NAME";

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no filter; there are {FORMS}");
        if let Some(name) = text.strip_prefix("param:") {
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, None),
            };
            return Ok(Self::Param(name.to_owned(), value));
        }
        if let Some(pattern) = text.strip_prefix("uri~") {
            return Regex::new(pattern)
                .map(Self::Uri)
                .map_err(|error| error.to_string());
        }
        let at = text.find(['=', '>', '<']);
        let Some(at) = at else {
            return (text == "problem")
                .then_some(Self::Problem(None))
                .ok_or_else(wrong);
        };
        let (key, rest) = text.split_at(at);
        let (order, value) = match rest {
            rest if rest.starts_with(">=") => (Order::From, &rest[2..]),
            rest if rest.starts_with('<') => (Order::Below, &rest[1..]),
            rest if rest.starts_with('=') => (Order::Is, &rest[1..]),
            _ => return Err(wrong()),
        };
        match (key, order) {
            ("status", _) => value
                .parse()
                .map(|code| Self::Status(order, code))
                .map_err(|_| wrong()),
            ("time", _) => humantime::parse_duration(value)
                .map(|time| Self::Time(order, time))
                .map_err(|_| wrong()),
            ("method", Order::Is) => Ok(Self::Method(value.to_owned())),
            ("problem", Order::Is) => Ok(Self::Problem(Some(value.to_owned()))),
            _ => Err(wrong()),
        }
    }
}

impl Filter {
    /// Whether it holds.
    pub fn fits(&self, exchange: &Exchange, findings: &[Finding]) -> bool {
        match self {
            Self::Status(order, code) => exchange.status.is_some_and(|it| order.holds(it, *code)),
            Self::Method(method) => exchange.method == *method,
            Self::Uri(pattern) => pattern.is_match(&exchange.uri),
            Self::Time(order, time) => exchange.took().is_some_and(|it| order.holds(it, *time)),
            Self::Param(name, None) => exchange.param(name).is_some(),
            Self::Param(name, Some(value)) => exchange.param(name) == Some(value),
            Self::Problem(None) => !findings.is_empty(),
            Self::Problem(Some(name)) => findings.iter().any(|finding| finding.problem == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(filter: &str) -> bool {
        let exchange = Exchange {
            method: "POST".into(),
            uri: "/a/b?c".into(),
            status: Some(404),
            params: [(&b"NAME"[..], &b"x"[..])].into_iter().collect(),
            ..Exchange::default()
        };
        let found = [Finding::new("httpoxy", "", "", "")];
        filter.parse::<Filter>().unwrap().fits(&exchange, &found)
    }

    #[test]
    fn a_filter_says_what_is_shown() {
        for (filter, shown) in [
            ("status=404", true),
            ("status>=500", false),
            ("status<500", true),
            ("method=POST", true),
            ("method=GET", false),
            ("uri~^/a", true),
            ("uri~x$", false),
            ("param:NAME", true),
            ("param:NAME=y", false),
            ("problem", true),
            ("problem=httpoxy", true),
            ("problem=closed-early", false),
        ] {
            assert_eq!(fits(filter), shown, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_is_none_tells_the_forms() {
        for wrong in ["stauts=1", "status=x", "status>5", "time>=soon", "what"] {
            let error = wrong.parse::<Filter>().unwrap_err();
            assert!(error.contains("status>=500"), "{error}");
        }
    }
}
