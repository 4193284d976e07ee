//! A location that passes requests on, and the settings that are in force there.

use super::syntax::{Block, Directive};
use crate::model::Model;

/// A location with one of the `…_pass` directives.
#[derive(Debug)]
pub struct Location<'a> {
    /// `location` with its arguments, as written.
    pub name: String,
    /// The blocks around it, the outermost first, its own last.
    pub levels: Vec<&'a Block>,
    /// The directive that passes on.
    pub pass: &'a Directive,
    /// How.
    pub kind: Pass,
    /// Every upstream of the configuration.
    pub upstreams: Vec<&'a Directive>,
    /// Modifier and pattern of the location; both empty where the server itself passes on.
    pub pattern: (String, String),
}

/// Which directive passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// `fastcgi_pass`
    FastCgi,
    /// `uwsgi_pass`
    Uwsgi,
    /// `scgi_pass`
    Scgi,
    /// `proxy_pass`
    Proxy,
}

impl Pass {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FastCgi, Self::Uwsgi, Self::Scgi, Self::Proxy];

    /// What its directives begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::FastCgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::Proxy => "proxy",
        }
    }

    /// What it speaks.
    pub fn protocol(self) -> Model {
        match self {
            Self::FastCgi => Model::FastCgi,
            Self::Uwsgi => Model::Uwsgi,
            Self::Scgi => Model::Scgi,
            Self::Proxy => Model::Http,
        }
    }
}

/// Every location that passes on, in the order of the configuration.
pub(super) fn all(block: &Block) -> Vec<Location<'_>> {
    let mut found = Vec::new();
    // A file of sites-enabled is a server without http around it.
    let https: Vec<&Block> = block.inside("http").chain([block]).collect();
    for http in &https {
        let upstreams: Vec<&Directive> = https.iter().flat_map(|one| one.all("upstream")).collect();
        for server in http.inside("server") {
            walk(&[http, server], ("", ""), &upstreams, &mut found);
        }
    }
    let bare = block.all("location").next().is_some();
    if bare {
        walk(&[block], ("", ""), &[], &mut found);
    }
    found
}

fn walk<'a>(
    levels: &[&'a Block],
    pattern: (&str, &str),
    upstreams: &[&'a Directive],
    found: &mut Vec<Location<'a>>,
) {
    let own = levels[levels.len() - 1];
    for directive in &own.0 {
        let kind = Pass::ALL
            .into_iter()
            .find(|kind| directive.name == format!("{}_pass", kind.prefix()));
        if let Some(kind) = kind {
            found.push(Location {
                name: match pattern {
                    ("", "") => "server".to_owned(),
                    ("", path) => format!("location {path}"),
                    (sign, path) => format!("location {sign} {path}"),
                },
                levels: levels.to_vec(),
                pass: directive,
                kind,
                upstreams: upstreams.to_vec(),
                pattern: (pattern.0.to_owned(), pattern.1.to_owned()),
            });
        }
        let Some(inner) = &directive.block else {
            continue;
        };
        let deeper: Vec<&Block> = levels.iter().copied().chain([inner]).collect();
        match (directive.name.as_str(), directive.args.as_slice()) {
            ("location", [path]) => walk(&deeper, ("", path), upstreams, found),
            ("location", [sign, path]) => walk(&deeper, (sign, path), upstreams, found),
            ("if" | "limit_except", _) => walk(&deeper, pattern, upstreams, found),
            _ => {}
        }
    }
}

impl<'a> Location<'a> {
    /// The setting in force: the innermost level that has it.
    pub fn setting(&self, name: &str) -> Option<&'a Directive> {
        self.levels.iter().rev().find_map(|level| level.last(name))
    }

    /// The setting of this protocol: `buffer_size` is `fastcgi_buffer_size`.
    pub fn own(&self, name: &str) -> Option<&'a Directive> {
        self.setting(&format!("{}_{name}", self.kind.prefix()))
    }

    /// A directive that is inherited only where the inner level has none of its name, as every list.
    pub fn list(&self, name: &str) -> Vec<&'a Directive> {
        let mut levels = self.levels.iter().rev();
        let level = levels.find(|level| level.all(name).next().is_some());
        level.map_or_else(Vec::new, |level| {
            level.0.iter().filter(|one| one.name == name).collect()
        })
    }

    /// Outer lists of that name which an inner one hides.
    pub fn hidden(&self, name: &str) -> Vec<&'a Directive> {
        let has = |level: &&&Block| level.all(name).next().is_some();
        let mut levels = self.levels.iter().rev().filter(has).skip(1);
        levels.next().map_or_else(Vec::new, |level| {
            level.0.iter().filter(|one| one.name == name).collect()
        })
    }

    /// The list of variables.
    pub fn params(&self) -> Vec<&'a Directive> {
        self.list(&format!("{}_param", self.kind.prefix()))
    }

    /// Size in octets, as nginx writes it.
    pub fn size(&self, name: &str) -> Option<u64> {
        octets(self.own(name)?.arg())
    }
}

/// `8k` and the like.
pub(super) fn octets(text: &str) -> Option<u64> {
    let (number, unit) = match text.to_ascii_lowercase() {
        it if it.ends_with('k') => (it[..it.len() - 1].to_owned(), 1024),
        it if it.ends_with('m') => (it[..it.len() - 1].to_owned(), 1024 * 1024),
        it => (it, 1),
    };
    Some(number.parse::<u64>().ok()? * unit)
}

/// `60`, `60s`, `500ms`, `1m 30s` in seconds.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let mut all = 0.0;
    for part in text.split_whitespace() {
        let digits = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        let number: f64 = part[..digits].parse().ok()?;
        all += number
            * match &part[digits..] {
                "ms" => 0.001,
                "" | "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                _ => return None,
            };
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_as_nginx_writes_them() {
        assert_eq!(octets("8k"), Some(8192));
        assert_eq!(octets("1M"), Some(1 << 20));
        assert_eq!(octets("4096"), Some(4096));
        assert_eq!(octets("x"), None);
        assert_eq!(seconds("60"), Some(60.0));
        assert_eq!(seconds("1m 30s"), Some(90.0));
        assert_eq!(seconds("500ms"), Some(0.5));
    }
}
