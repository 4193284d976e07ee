//! A configuration that was read already, on its way from this program to the interpreter that it
//! becomes: reading it a second time would run its commands twice, find standard input empty, and
//! see what `env` has set meanwhile.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::error::OptionError;
use super::given::{Gathered, Given, Origin, Stray};
use super::settings::Settings;
use super::{resolve, show, table};

/// What travels, beside the command line, which the interpreter gets as its own.
#[derive(Debug, Serialize, Deserialize)]
struct Handed {
    given: Vec<Entry>,
    unsupported: Vec<Entry>,
    variables: Vec<Entry>,
    unknown: Vec<Entry>,
    exported: Vec<(String, Option<String>)>,
    environment: Vec<(OsString, OsString)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    value: String,
    origin: Place,
    placeholder: bool,
}

#[derive(Debug, Serialize, Deserialize)]
enum Place {
    CommandLine,
    Environment,
    File(String, usize),
}

/// Writes what was gathered, and the environment of the start, into memory that stays open across
/// `exec`.
///
/// # Errors
/// What the system says.
pub(crate) fn hand_over(settings: &Settings, gathered: &Gathered) -> io::Result<OwnedFd> {
    let strays = |strays: &[Stray]| strays.iter().map(Entry::from).collect();
    let handed = Handed {
        given: gathered.given.iter().map(Entry::from).collect(),
        unsupported: strays(&gathered.unsupported),
        variables: strays(&gathered.variables),
        unknown: strays(&gathered.unknown),
        exported: gathered.exported.clone(),
        environment: settings.environment.clone(),
    };
    let mut file = File::from(memfd_create("configuration", MFdFlags::empty())?);
    file.write_all(&serde_json::to_vec(&handed)?)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file.into())
}

/// Takes over what was handed over by this program; `line` is its command line, its name first.
///
/// # Errors
/// A descriptor that holds something else, or a configuration that cannot be used after all.
pub fn take_over(handed: OwnedFd, line: Vec<String>) -> Result<(Settings, Gathered), OptionError> {
    let broken =
        |error: io::Error| OptionError::CommandLine(format!("configuration lost: {error}"));
    let mut text = Vec::new();
    File::from(handed).read_to_end(&mut text).map_err(broken)?;
    let handed: Handed = serde_json::from_slice(&text).map_err(|error| broken(error.into()))?;
    let strays = |entries: Vec<Entry>| entries.into_iter().map(Stray::from).collect();
    let gathered = Gathered {
        given: handed.given.into_iter().filter_map(Entry::given).collect(),
        unsupported: strays(handed.unsupported),
        variables: strays(handed.variables),
        unknown: strays(handed.unknown),
        exported: handed.exported,
        ..Gathered::default()
    };
    let mut settings = resolve::resolve(&gathered)?;
    settings.arguments = line;
    settings.environment = handed.environment;
    settings.given = show(&gathered);
    Ok((settings, gathered))
}

impl Entry {
    /// Every name is in the table: the same program wrote it.
    fn given(self) -> Option<Given> {
        Some(Given {
            opt: table::find(&self.name)?,
            value: self.value,
            origin: self.origin.into(),
        })
    }
}

impl From<&Given> for Entry {
    fn from(given: &Given) -> Self {
        Self {
            name: given.opt.name.to_owned(),
            value: given.value.clone(),
            origin: (&given.origin).into(),
            placeholder: false,
        }
    }
}

impl From<&Stray> for Entry {
    fn from(stray: &Stray) -> Self {
        Self {
            name: stray.name.clone(),
            value: stray.value.clone(),
            origin: (&stray.origin).into(),
            placeholder: stray.placeholder,
        }
    }
}

impl From<Entry> for Stray {
    fn from(entry: Entry) -> Self {
        Self {
            name: entry.name,
            value: entry.value,
            origin: entry.origin.into(),
            placeholder: entry.placeholder,
        }
    }
}

impl From<&Origin> for Place {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::CommandLine => Self::CommandLine,
            Origin::Environment => Self::Environment,
            Origin::File { path, line } => Self::File(path.to_string(), *line),
        }
    }
}

impl From<Place> for Origin {
    fn from(place: Place) -> Self {
        match place {
            Place::CommandLine => Self::CommandLine,
            Place::Environment => Self::Environment,
            Place::File(path, line) => Self::File {
                path: Arc::from(path),
                line,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Wanted, load};

    #[test]
    fn what_is_taken_over_is_what_was_handed_over() {
        let line = [
            "gateserve",
            "-s",
            ":1",
            "--probe",
            "-p",
            "3",
            "--env",
            "A=b",
        ];
        let line = line.map(String::from);
        let Ok(Wanted::Serve(mut settings, gathered)) = load(line.clone(), []) else {
            panic!("the line is refused");
        };
        settings.environment = vec![("HOME".into(), "/srv".into())];
        let handed = hand_over(&settings, &gathered).unwrap();
        let (taken, again) = take_over(handed, line.to_vec()).unwrap();
        assert_eq!(taken, *settings);
        assert_eq!(again.given, gathered.given);
    }

    #[test]
    fn what_is_no_configuration_is_an_error() {
        let null = File::open("/dev/null").unwrap();
        let error = take_over(null.into(), Vec::new()).unwrap_err();
        assert!(
            error.to_string().starts_with("configuration lost"),
            "{error}"
        );
    }
}
