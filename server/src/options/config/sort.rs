//! What was gathered, by what it is: an option here, an option of uWSGI alone, a variable of the
//! user, or nothing that anyone knows.

use std::collections::BTreeSet;

use super::super::given::Origin;
use super::super::given::{Gathered, Given, Stray};
use super::super::opt::{Opt, Takes};
use super::super::{foreign, table};
use super::{Exported, Reader, block};

pub(super) fn sort(reader: Reader) -> Gathered {
    let pair = |exported: &Exported| (exported.key.clone(), exported.value.clone());
    let mut gathered = Gathered {
        exported: reader.exported.iter().map(pair).collect(),
        findings: reader.findings,
        ..Gathered::default()
    };
    for exported in reader.exported {
        sort_in(exported, &reader.used, &mut gathered);
    }
    gathered
}

fn sort_in(exported: Exported, used: &BTreeSet<String>, gathered: &mut Gathered) {
    let Exported {
        key,
        value,
        origin,
        placeholder,
        ..
    } = exported;
    if block::is_end(&key) || key == "else" {
        return;
    }
    if let Some(opt) = table::find(&key) {
        let value = spelled(opt, value);
        gathered.given.push(Given { opt, value, origin });
        return;
    }
    let name = key;
    let stray = Stray {
        name,
        value: value.unwrap_or_default(),
        origin,
        placeholder,
    };
    if foreign::find(&stray.name).is_some() {
        gathered.unsupported.push(stray);
    } else if placeholder || used.contains(&stray.name) {
        gathered.variables.push(stray);
    } else if stray.origin != Origin::Environment {
        // Images and scripts keep variables of their own under `UWSGI_`.
        gathered.unknown.push(stray);
    }
}

/// The value that an option has where none is written.
fn spelled(opt: &Opt, value: Option<String>) -> String {
    let value = value.unwrap_or_default();
    match opt.takes {
        Takes::Flag if value.is_empty() => "true".to_owned(),
        Takes::Maybe { default, .. } if value.is_empty() => default.to_owned(),
        _ => value,
    }
}
