//! Where scenario files come from: embedded in the program, or a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use include_dir::{Dir, DirEntry, include_dir};

use super::{app::FOLDER, catalogue::KNOWN_FOLDER, error::ScenarioError};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// Folders that hold something else than scenarios.
const OTHERS: [&str; 5] = ["apps", "faults", KNOWN_FOLDER, "load", "requirements"];

/// One file: its path below the folder of scenarios, with `/`, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The file's first folder, if it is in one.
    fn folder(&self) -> Option<&str> {
        self.path.split_once('/').map(|(folder, _)| folder)
    }

    /// Whether the file holds scenarios.
    pub(crate) fn is_topic(&self) -> bool {
        self.path.ends_with(".toml")
            && self
                .folder()
                .is_some_and(|folder| !OTHERS.contains(&folder))
    }

    /// Whether the file holds applications.
    pub(crate) fn is_apps(&self) -> bool {
        is_apps(&self.path)
    }

    /// Whether the file is in this folder.
    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.folder() == Some(folder)
    }

    /// The name of the file, without its folders and its ending.
    pub(crate) fn name(&self) -> &str {
        let topic = self.topic();
        topic.rsplit_once('/').map_or(topic, |(_, name)| name)
    }

    /// The path without its ending, which begins the ids of the scenarios in it.
    pub(crate) fn topic(&self) -> &str {
        self.path.strip_suffix(".toml").unwrap_or(&self.path)
    }
}

/// Whether a file holds WSGI applications.
fn is_apps(path: &str) -> bool {
    path.starts_with(FOLDER) && path.ends_with(".py")
}

/// Whether a file is part of the catalogue.
fn is_source(path: &str) -> bool {
    path.ends_with(".toml") || is_apps(path)
}

/// The files that are part of the program.
pub(crate) fn embedded() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&EMBEDDED, &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn collect(dir: &Dir<'static>, sources: &mut Vec<Source>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, sources),
            DirEntry::File(file) => {
                let path = file.path().to_string_lossy().replace('\\', "/");
                let text = file.contents_utf8().filter(|_| is_source(&path));
                sources.extend(text.map(|text| Source {
                    path,
                    text: text.to_owned(),
                }));
            }
        }
    }
}

/// The files of the catalogue below a folder.
pub(crate) fn folder(root: &Path) -> Result<Vec<Source>, ScenarioError> {
    let (mut sources, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(dir) = open.pop() {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ScenarioError::Unreadable { path, source }
        };
        for entry in fs::read_dir(&dir).map_err(failed(&dir))? {
            let path = entry.map_err(failed(&dir))?.path();
            if path.is_dir() {
                open.push(path);
            } else if is_source(&relative(root, &path)) {
                let text = fs::read_to_string(&path).map_err(failed(&path))?;
                let path = relative(root, &path);
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn relative(root: &Path, path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root).unwrap_or(path).to_owned();
    path.to_string_lossy().replace('\\', "/")
}
