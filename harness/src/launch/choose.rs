//! Container, process or the built-in gateway: which one a subject runs as, and why.

use std::{
    env,
    ffi::OsStr,
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where servers live on Debian; an ordinary user's `PATH` leaves it out.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// What the user asked for with `--via`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// A container where an engine answers, else the program on the path.
    #[default]
    Auto,
    /// A container or nothing.
    Container,
    /// A process or nothing.
    Process,
}

/// A word that `--via` does not take.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown launcher `{0}`; expected auto, container or process")]
pub struct UnknownPreference(String);

impl FromStr for Preference {
    type Err = UnknownPreference;

    fn from_str(word: &str) -> Result<Self, UnknownPreference> {
        match word {
            "auto" => Ok(Self::Auto),
            "container" => Ok(Self::Container),
            "process" => Ok(Self::Process),
            _ => Err(UnknownPreference(word.to_owned())),
        }
    }
}

/// A subject to be run, and what the user said about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'a> {
    /// Plain name of the subject.
    pub name: &'a str,
    /// Its program's name.
    pub program: &'a str,
    /// Other names that packages give it, looked for after that one.
    pub aliases: &'a [&'a str],
    /// A program that was made here, for where none is on the path.
    pub own: Option<&'a Path>,
    /// `--via`.
    pub via: Preference,
    /// `--image NAME=IMAGE`.
    pub image: Option<&'a str>,
    /// `--binary NAME=PATH`.
    pub binary: Option<&'a Path>,
}

/// What this machine offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The engine's version, or why none answers or has the image.
    pub engine: Result<String, String>,
    /// The program, if it was found.
    pub program: Option<PathBuf>,
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How to run it.
    pub means: Means,
    /// Why, in a fragment: "an engine answers (Docker Engine 20.10.24)".
    pub why: String,
}

/// How to run a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// In a container.
    Container,
    /// This program, as a process.
    Process(PathBuf),
}

/// Neither way is open.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} is not available: {}", reasons.join("; "))]
pub struct NotAvailable {
    /// Plain name of the subject.
    pub name: String,
    /// One reason for each way that was considered.
    pub reasons: Vec<String>,
}

/// Chooses from what this machine offers. What the user named decides; then `--via`; then a
/// container comes first, since its version is pinned.
///
/// # Errors
/// Nothing that the user's wish allows is there.
pub fn choose(wish: &Wish<'_>, offer: &Offer) -> Result<Choice, NotAvailable> {
    match (wish.via, wish.image, wish.binary) {
        (Preference::Process, ..) | (Preference::Auto, None, Some(_)) => {
            process(wish, offer).map_err(|reason| none(wish, vec![reason]))
        }
        (Preference::Container, ..) | (Preference::Auto, Some(_), _) => {
            container(wish, offer).map_err(|reason| none(wish, vec![reason]))
        }
        (Preference::Auto, None, None) => either(wish, offer),
    }
}

fn either(wish: &Wish<'_>, offer: &Offer) -> Result<Choice, NotAvailable> {
    let no_container = match container(wish, offer) {
        Ok(choice) => return Ok(choice),
        Err(reason) => reason,
    };
    match process(wish, offer) {
        Ok(choice) => Ok(Choice {
            why: format!("{no_container}; {}", choice.why),
            ..choice
        }),
        Err(no_process) => Err(none(wish, vec![no_container, no_process])),
    }
}

fn container(wish: &Wish<'_>, offer: &Offer) -> Result<Choice, String> {
    let engine = offer.engine.as_ref().map_err(Clone::clone)?;
    let why = match wish {
        Wish {
            image: Some(image), ..
        } => format!("--image names {image}"),
        Wish {
            via: Preference::Container,
            ..
        } => "--via asks for it".to_owned(),
        _ => format!("an engine answers ({engine})"),
    };
    let means = Means::Container;
    Ok(Choice { means, why })
}

fn process(wish: &Wish<'_>, offer: &Offer) -> Result<Choice, String> {
    let Some(path) = &offer.program else {
        return Err(match wish.binary {
            Some(path) => format!("{} cannot be executed", path.display()),
            None => format!("no program {} is on the path", wish.program),
        });
    };
    let why = match wish.binary {
        Some(_) => format!("--binary names {}", path.display()),
        None => format!("{} is installed", path.display()),
    };
    let means = Means::Process(path.clone());
    Ok(Choice { means, why })
}

fn none(wish: &Wish<'_>, reasons: Vec<String>) -> NotAvailable {
    NotAvailable {
        name: wish.name.to_owned(),
        reasons,
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.means {
            Means::Container => write!(f, "in a container: {}", self.why),
            Means::Process(_) => write!(f, "as a process: {}", self.why),
        }
    }
}

/// The program that `wish` means, if it can be executed.
pub fn program(wish: &Wish<'_>) -> Option<PathBuf> {
    match wish.binary {
        Some(path) => executable(path).then(|| std::path::absolute(path).ok())?,
        None => {
            let path = env::var_os("PATH");
            let mut names = [&[wish.program], wish.aliases].concat().into_iter();
            let found = names.find_map(|name| find_program(name, path.as_deref()));
            found.or_else(|| wish.own.map(Path::to_owned))
        }
    }
}

/// Looks a program up in `path` and where system servers live.
pub fn find_program(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let folders = env::split_paths(path.unwrap_or_default());
    folders
        .chain(SYSTEM_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|program| program.is_absolute() && executable(program))
}

/// Whether it is a file that somebody may execute.
pub(crate) fn executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(via: Preference) -> Wish<'static> {
        Wish {
            name: "nginx",
            program: "nginx",
            via,
            ..Wish::default()
        }
    }

    fn offer(engine: bool, program: bool) -> Offer {
        Offer {
            engine: match engine {
                true => Ok("Docker Engine 20.10.24".into()),
                false => Err("no container engine answers".into()),
            },
            program: program.then(|| "/usr/sbin/nginx".into()),
        }
    }

    #[track_caller]
    fn assert_chosen(wish: &Wish<'_>, offer: &Offer, said: &str) {
        assert_eq!(choose(wish, offer).unwrap().to_string(), said);
    }

    #[track_caller]
    fn assert_none(wish: &Wish<'_>, offer: &Offer, said: &str) {
        assert_eq!(choose(wish, offer).unwrap_err().to_string(), said);
    }

    #[test]
    fn a_container_comes_first() {
        assert_chosen(
            &wish(Preference::Auto),
            &offer(true, true),
            "in a container: an engine answers (Docker Engine 20.10.24)",
        );
    }

    #[test]
    fn without_an_engine_the_program_on_the_path_is_taken() {
        assert_chosen(
            &wish(Preference::Auto),
            &offer(false, true),
            "as a process: no container engine answers; /usr/sbin/nginx is installed",
        );
    }

    #[test]
    fn with_neither_both_reasons_are_told() {
        assert_none(
            &wish(Preference::Auto),
            &offer(false, false),
            "nginx is not available: no container engine answers; no program nginx is on the path",
        );
    }

    #[test]
    fn a_preference_is_kept() {
        assert_chosen(
            &wish(Preference::Process),
            &offer(true, true),
            "as a process: /usr/sbin/nginx is installed",
        );
        assert_chosen(
            &wish(Preference::Container),
            &offer(true, true),
            "in a container: --via asks for it",
        );
        assert_none(
            &wish(Preference::Container),
            &offer(false, true),
            "nginx is not available: no container engine answers",
        );
        assert_none(
            &wish(Preference::Process),
            &offer(true, false),
            "nginx is not available: no program nginx is on the path",
        );
    }

    #[test]
    fn a_named_image_or_binary_decides() {
        let image = Wish {
            image: Some("nginx:1.27"),
            ..wish(Preference::Auto)
        };
        let said = "in a container: --image names nginx:1.27";
        assert_chosen(&image, &offer(true, true), said);
        let binary = Wish {
            binary: Some(Path::new("/usr/sbin/nginx")),
            ..wish(Preference::Auto)
        };
        let said = "as a process: --binary names /usr/sbin/nginx";
        assert_chosen(&binary, &offer(true, true), said);
    }

    #[test]
    fn a_binary_that_is_not_there_is_named() {
        let binary = Wish {
            binary: Some(Path::new("/nowhere/nginx")),
            ..wish(Preference::Auto)
        };
        assert_none(
            &binary,
            &offer(true, false),
            "nginx is not available: /nowhere/nginx cannot be executed",
        );
    }

    #[test]
    fn programs_are_found_on_the_path_only_if_executable() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("gatebench-double");
        std::fs::write(&program, "").unwrap();
        let find = || find_program("gatebench-double", Some(dir.path().as_os_str()));
        assert_eq!(find(), None);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, executable).unwrap();
        assert_eq!(find(), Some(program.clone()));
    }
}
