//! What answers: the options of applications and of the built-in gateway.

use super::error::OptionError;
use super::given::{Gathered, Given};
use super::resolve::address;
use super::settings::{AppSettings, CgiMount, CgiSettings, Upstream};
use crate::exchange::Protocol;

/// Works out what answers.
pub(super) fn apps(gathered: &Gathered) -> Result<AppSettings, OptionError> {
    Ok(AppSettings {
        probe: gathered.flag("probe")?,
        cgi: gathered
            .all("cgi")
            .map(cgi_mount)
            .collect::<Result<_, _>>()?,
        cgi_settings: cgi_settings(gathered)?,
        upstream: upstream(gathered)?,
    })
}

/// `/prefix=PATH` or `PATH`.
fn cgi_mount(given: &Given) -> Result<CgiMount, OptionError> {
    let (prefix, path) = mounted(&given.value);
    if path.is_empty() {
        return Err(given.refuse("[/PREFIX=]PATH of a folder or program"));
    }
    Ok(CgiMount {
        prefix: prefix.to_owned(),
        path: path.into(),
    })
}

/// A URL prefix without a slash at its end, empty if there is none, and what is mounted there.
fn mounted(value: &str) -> (&str, &str) {
    match value.split_once('=') {
        Some((prefix, rest)) if prefix.starts_with('/') => (prefix.trim_end_matches('/'), rest),
        _ => ("", value),
    }
}

fn cgi_settings(gathered: &Gathered) -> Result<CgiSettings, OptionError> {
    let texts = |name| {
        gathered
            .all(name)
            .map(|given| given.value.clone())
            .collect()
    };
    Ok(CgiSettings {
        env: pairs(gathered, "cgi-env", "NAME=VALUE")?,
        timeout: gathered.seconds("cgi-timeout")?,
        helpers: pairs(gathered, "cgi-helper", ".EXT=PROGRAM")?,
        index: texts("cgi-index"),
        allowed_ext: texts("cgi-allowed-ext"),
        ..CgiSettings::default()
    })
}

/// The values of a repeatable option whose values are `NAME=VALUE`.
fn pairs(
    gathered: &Gathered,
    option: &str,
    expected: &str,
) -> Result<Vec<(String, String)>, OptionError> {
    let pair = |value: &str| {
        let (name, value) = value.split_once('=').filter(|(name, _)| !name.is_empty())?;
        Some((name.to_owned(), value.to_owned()))
    };
    gathered
        .all(option)
        .map(|given| given.read(expected, pair))
        .collect()
}

fn upstream(gathered: &Gathered) -> Result<Option<Upstream>, OptionError> {
    let kinds = [
        ("uwsgi-to", Protocol::Uwsgi),
        ("fastcgi-to", Protocol::FastCgi),
        ("scgi-to", Protocol::Scgi),
    ];
    let mut given = kinds
        .iter()
        .flat_map(|&(name, protocol)| gathered.last(name).map(|given| (given, protocol)));
    let Some((to, protocol)) = given.next() else {
        return Ok(None);
    };
    if let Some((other, _)) = given.next() {
        return Err(OptionError::TwoUpstreams(to.opt.name, other.opt.name));
    }
    if gathered.last("http").is_none() {
        return Err(OptionError::UpstreamUnused(to.opt.name));
    }
    let timeout = gathered.seconds("http-timeout")?;
    let (prefix, value) = mounted(&to.value);
    Ok(Some(Upstream {
        prefix: prefix.to_owned(),
        protocol,
        address: address(to, value)?,
        timeout,
    }))
}
