//! Files that are watched: when one is touched, something is to be done.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::command::Command;
use crate::log;
use crate::options::TouchSettings;

/// What is watched, in the order in which it is looked at.
#[derive(Debug)]
pub(super) struct Touches(Vec<Watched>);

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    command: Command,
    /// Whether the entries of a folder are looked at too.
    entries: bool,
    seen: Option<Trace>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trace(u64);

/// A touch, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) path: PathBuf,
    pub(super) command: Command,
}

impl Touches {
    /// Begins to watch; that a file is not there yet is told.
    pub(super) fn new(settings: &TouchSettings) -> Self {
        let touches = [
            (&settings.reload, Command::Reload),
            (&settings.workers, Command::ReloadWorkers),
            (&settings.chain, Command::ChainReload),
            (&settings.reopen, Command::ReopenLog),
            (&settings.rotate, Command::RotateLog),
            (&settings.stop, Command::Stop),
        ];
        let touches = touches
            .into_iter()
            .flat_map(|(paths, command)| paths.iter().map(move |path| (path, command, false)));
        let folders = [
            (&settings.folders, Command::Reload),
            (&settings.folders_brutal, Command::BrutalReload),
        ];
        let folders = folders
            .into_iter()
            .flat_map(|(paths, command)| paths.iter().map(move |path| (path, command, true)));
        let watched = touches.chain(folders).map(|(path, command, entries)| {
            let seen = trace(path, entries);
            if seen.is_none() {
                log::tell(&format!(
                    "unable to stat() {}, events will be triggered as soon as the file is created",
                    path.display()
                ));
            }
            Watched {
                path: path.clone(),
                command,
                entries,
                seen,
            }
        });
        Self(watched.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that has changed since it was looked at last: made, removed, or touched.
    pub(super) fn look(&mut self) -> Vec<Touched> {
        let changed = self.0.iter_mut().filter_map(|watched| {
            let now = trace(&watched.path, watched.entries);
            let before = std::mem::replace(&mut watched.seen, now);
            (before != now).then(|| Touched {
                path: watched.path.clone(),
                command: watched.command,
            })
        });
        changed.collect()
    }
}

impl Touched {
    /// uWSGI's words on it.
    pub(super) fn told(&self) -> String {
        let what = match self.command {
            Command::Reload => "grace them all",
            Command::BrutalReload => "reload them all",
            Command::ReloadWorkers => "workers reload",
            Command::ChainReload => "chain reload",
            Command::ReopenLog => "reopening the log",
            Command::RotateLog => "rotating the log",
            _ => "gracefully stop them all",
        };
        format!(
            "*** {} has been touched... {what} !!! ***",
            self.path.display()
        )
    }
}

fn trace(path: &Path, entries: bool) -> Option<Trace> {
    let mut hasher = DefaultHasher::new();
    let metadata = path.metadata().ok()?;
    hash(&metadata, entries, &mut hasher);
    if entries && metadata.is_dir() {
        let mut found: Vec<_> = path.read_dir().ok()?.flatten().collect();
        found.sort_by_key(std::fs::DirEntry::file_name);
        for entry in found {
            entry.file_name().hash(&mut hasher);
            if let Ok(metadata) = entry.metadata() {
                hash(&metadata, true, &mut hasher);
            }
        }
    }
    Some(Trace(hasher.finish()))
}

/// A touch changes the time alone; `whole` looks at what a change of owner or size leaves, too.
fn hash(metadata: &Metadata, whole: bool, hasher: &mut DefaultHasher) {
    (metadata.mtime(), metadata.mtime_nsec()).hash(hasher);
    if whole {
        (metadata.ctime(), metadata.ctime_nsec(), metadata.ino()).hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path, seconds: u64) {
        let file = std::fs::File::create(path).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    }

    #[test]
    fn a_file_is_touched_when_it_comes_changes_or_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("touch");
        let settings = TouchSettings {
            reload: vec![path.clone()],
            ..TouchSettings::default()
        };
        let mut touches = Touches::new(&settings);
        let mut is_touched = || !touches.look().is_empty();
        assert!(!is_touched());
        touch(&path, 1);
        assert!(is_touched());
        assert!(!is_touched());
        touch(&path, 2);
        assert!(is_touched());
        std::fs::remove_file(&path).unwrap();
        assert!(is_touched());
        assert!(!is_touched());
    }

    #[test]
    fn a_folder_changes_with_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        touch(&path, 1);
        let settings = TouchSettings {
            folders: vec![folder.path().to_owned()],
            ..TouchSettings::default()
        };
        let mut touches = Touches::new(&settings);
        assert_eq!(touches.look(), []);
        touch(&path, 2);
        let touched = Touched {
            path: folder.path().to_owned(),
            command: Command::Reload,
        };
        assert_eq!(touches.look(), [touched]);
    }
}
