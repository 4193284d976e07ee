//! What the user says about how subjects are started.

use std::{collections::HashMap, path::PathBuf};

use crate::{
    backends::BACKENDS,
    gateways::GATEWAYS,
    launch::choose::{Preference, Wish},
};

/// How the user wants subjects to be started.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Container, process, or what is there.
    pub via: Preference,
    /// `--image NAME=IMAGE`.
    pub images: HashMap<String, String>,
    /// `--binary NAME=PATH`.
    pub binaries: HashMap<String, PathBuf>,
}

/// The backend that comes with the bench, of which another build can be named all the same.
pub(super) const OWN: &str = "gateserve";

/// What the user wishes, where several versions of one peer shall run beside each other.
#[derive(Clone, Debug, Default)]
pub struct Editions {
    /// Container, process, or what is there.
    pub via: Preference,
    /// Every `--image NAME=IMAGE`.
    pub images: Vec<(String, String)>,
    /// Every `--binary NAME=PATH`.
    pub binaries: Vec<(String, PathBuf)>,
}

impl Editions {
    /// One version of each: the one that was named first, images before programs.
    pub fn first(&self) -> Wishes {
        let mut wishes = Wishes {
            via: self.via,
            ..Wishes::default()
        };
        for (name, way) in self.ways() {
            if !wishes.insist_on_program(name) {
                way.put(name, &mut wishes);
            }
        }
        wishes
    }

    /// For every further version of a peer, its name and what to start then.
    pub fn further(&self) -> Vec<(String, Wishes)> {
        let (mut seen, mut further) = (Vec::new(), Vec::new());
        for (name, way) in self.ways() {
            if !seen.contains(&name) {
                seen.push(name);
                continue;
            }
            let mut wishes = self.first();
            wishes.images.remove(name);
            wishes.binaries.remove(name);
            way.put(name, &mut wishes);
            further.push((name.to_owned(), wishes));
        }
        further
    }

    fn ways(&self) -> impl Iterator<Item = (&str, Way<'_>)> {
        let images = self.images.iter();
        let images = images.map(|(name, image)| (name.as_str(), Way::Image(image)));
        let binaries = self.binaries.iter();
        images.chain(binaries.map(|(name, path)| (name.as_str(), Way::Binary(path))))
    }
}

enum Way<'a> {
    Image(&'a String),
    Binary(&'a PathBuf),
}

impl Way<'_> {
    fn put(self, name: &str, wishes: &mut Wishes) {
        match self {
            Self::Image(image) => drop(wishes.images.insert(name.to_owned(), image.clone())),
            Self::Binary(path) => drop(wishes.binaries.insert(name.to_owned(), path.clone())),
        }
    }
}

/// A wish that cannot be met, whatever the machine has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadWish {
    /// No subject of that name is started from an image or a program.
    #[error("{option} {name}=…: no program of that name can be chosen; it can be {known}")]
    Unknown {
        /// `--image` or `--binary`.
        option: &'static str,
        /// As asked for.
        name: String,
        /// Those whose program can be chosen.
        known: String,
    },
    /// An image, and no container to run it in.
    #[error("--image {0}=… takes a container, but --via asks for a process")]
    ImageAsProcess(String),
    /// A program, and a container that does not hold it.
    #[error("--binary {0}=… takes a process, but --via asks for a container")]
    BinaryInContainer(String),
}

impl Wishes {
    /// Looks for contradictions and unknown names.
    ///
    /// # Errors
    /// Names the option and the subject.
    pub fn check(&self) -> Result<(), BadWish> {
        let images = self.images.keys().map(|name| ("--image", name));
        let binaries = self.binaries.keys().map(|name| ("--binary", name));
        for (option, name) in images.chain(binaries) {
            choosable(option, name)?;
        }
        match (
            self.via,
            self.images.keys().next(),
            self.binaries.keys().next(),
        ) {
            (Preference::Process, Some(name), _) => Err(BadWish::ImageAsProcess(name.clone())),
            (Preference::Container, _, Some(name)) => Err(BadWish::BinaryInContainer(name.clone())),
            _ => Ok(()),
        }
    }

    /// What is wished for one subject, whose program may have several names.
    pub(super) fn of<'a>(&'a self, name: &'a str, programs: &'a [&'a str]) -> Wish<'a> {
        let (program, aliases) = programs.split_first().unwrap_or((&name, &[]));
        Wish {
            name,
            program,
            aliases,
            own: None,
            via: self.via,
            image: self.images.get(name).map(String::as_str),
            binary: self.binaries.get(name).map(PathBuf::as_path),
        }
    }

    /// Whether the user wants this gateway and no other in its place.
    pub fn insist_on(&self, name: &str) -> bool {
        self.insist_on_program(name) || self.via == Preference::Container
    }

    /// Whether the user named an image or a program of it.
    pub(super) fn insist_on_program(&self, name: &str) -> bool {
        self.images.contains_key(name) || self.binaries.contains_key(name)
    }
}

fn choosable(option: &'static str, name: &str) -> Result<(), BadWish> {
    let known = started();
    match known.contains(&name) {
        true => Ok(()),
        false => Err(BadWish::Unknown {
            option,
            name: name.to_owned(),
            known: known.join(", "),
        }),
    }
}

/// Gateways and backends that are started from a program or an image of their own.
fn started() -> Vec<&'static str> {
    let gateways = GATEWAYS.iter().filter(|one| one.program().is_some());
    let backends = BACKENDS.iter().filter(|one| !one.programs().is_empty());
    let gateways = gateways.map(|gateway| gateway.name());
    gateways
        .chain(backends.map(|backend| backend.name()))
        .chain([OWN])
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn wishes(via: Preference, images: &[&str], binaries: &[&str]) -> Wishes {
        let image = |name: &&str| ((*name).to_owned(), "nginx:1.29".to_owned());
        let binary = |name: &&str| ((*name).to_owned(), PathBuf::from("/opt/nginx"));
        Wishes {
            via,
            images: images.iter().map(image).collect(),
            binaries: binaries.iter().map(binary).collect(),
        }
    }

    #[track_caller]
    fn assert_refused(wishes: &Wishes, said: &str) {
        assert_eq!(wishes.check().unwrap_err().to_string(), said);
    }

    #[test]
    fn an_image_or_a_program_of_a_known_gateway_is_fine() {
        let fine = [
            wishes(Preference::Auto, &[], &[]),
            wishes(Preference::Auto, &["nginx"], &[]),
            wishes(Preference::Container, &["nginx"], &[]),
            wishes(Preference::Process, &[], &["nginx"]),
        ];
        for wishes in fine {
            assert_eq!(wishes.check(), Ok(()));
        }
    }

    #[test]
    fn a_name_that_nobody_has_lists_those_that_can_be_chosen() {
        let said = |option| {
            let known = started().join(", ");
            format!("{option}=…: no program of that name can be chosen; it can be {known}")
        };
        let none = wishes(Preference::Auto, &["ngnix"], &[]);
        assert_refused(&none, &said("--image ngnix"));
        // It comes with the bench.
        let none = wishes(Preference::Auto, &[], &["builtin"]);
        assert_refused(&none, &said("--binary builtin"));
        assert!(started().contains(&"nginx"));
        assert!(started().contains(&"uwsgi"));
    }

    #[test]
    fn contradictions_are_told_instead_of_one_side_ignored() {
        assert_refused(
            &wishes(Preference::Process, &["nginx"], &[]),
            "--image nginx=… takes a container, but --via asks for a process",
        );
        assert_refused(
            &wishes(Preference::Container, &[], &["nginx"]),
            "--binary nginx=… takes a process, but --via asks for a container",
        );
    }

    #[test]
    fn what_the_user_names_has_no_stand_in() {
        assert!(!wishes(Preference::Auto, &[], &[]).insist_on("nginx"));
        // The built-in gateway is a process too.
        assert!(!wishes(Preference::Process, &[], &[]).insist_on("nginx"));
        assert!(wishes(Preference::Container, &[], &[]).insist_on("nginx"));
        assert!(wishes(Preference::Auto, &[], &["nginx"]).insist_on("nginx"));
    }

    #[test]
    fn every_further_version_is_a_set_of_its_own() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let editions = Editions {
            images: vec![pair("nginx", "nginx:1.22"), pair("nginx", "nginx:1.29")],
            binaries: vec![
                ("nginx".to_owned(), "/opt/nginx".into()),
                ("gateserve".to_owned(), "/opt/gateserve".into()),
            ],
            ..Editions::default()
        };
        let first = editions.first();
        assert_eq!(first.images["nginx"], "nginx:1.22");
        assert!(!first.binaries.contains_key("nginx"));
        let further = editions.further();
        assert_eq!(further.len(), 2);
        assert_eq!(further[0].1.images["nginx"], "nginx:1.29");
        assert!(further[1].1.images.is_empty());
        assert!(further.iter().all(|(name, wishes)| {
            name == "nginx" && wishes.binaries.contains_key("gateserve")
        }));
    }

    #[test]
    fn each_gateway_gets_its_own() {
        let all = wishes(Preference::Auto, &["nginx"], &["apache"]);
        let nginx = all.of("nginx", &["nginx"]);
        assert_eq!((nginx.image, nginx.binary), (Some("nginx:1.29"), None));
        let apache = all.of("apache", &["apache2"]).binary;
        assert_eq!(apache, Some(Path::new("/opt/nginx")));
    }
}
