//! A log file: opened, opened anew after someone else has moved it, and rotated.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid};

use crate::clock;

/// A log file by its name, which may stand for another file from time to time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogFile {
    /// Absolute, so that it means the same in every folder.
    path: PathBuf,
    /// What a rotated file is called; else the name with the time.
    backup: Option<PathBuf>,
    /// `logfile-chmod`.
    mode: Option<u32>,
    /// `logfile-chown`.
    owner: Option<(Option<Uid>, Option<Gid>)>,
}

impl LogFile {
    /// A file of this name; nothing is opened yet.
    pub(super) fn new(path: &Path, backup: Option<&Path>) -> io::Result<Self> {
        let absolute = |path| std::path::absolute(path);
        Ok(Self {
            path: absolute(path)?,
            backup: backup.map(absolute).transpose()?,
            mode: None,
            owner: None,
        })
    }

    /// With other rights than the 0640 that uWSGI gives.
    pub(super) fn with_mode(mut self, mode: Option<u32>) -> Self {
        self.mode = mode;
        self
    }

    /// Given to another user or group.
    pub(super) fn with_owner(mut self, owner: Option<(Option<Uid>, Option<Gid>)>) -> Self {
        self.owner = owner;
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file at its end; every write goes to the end then, whoever else writes.
    pub(super) fn open(&self, truncate: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .mode(0o640)
            .open(&self.path)?;
        if truncate && file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        if let Some(mode) = self.mode {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        if let Some((uid, gid)) = self.owner {
            fchown(&file, uid.map(Uid::as_raw), gid.map(Gid::as_raw))?;
        }
        Ok(file)
    }

    /// Opens whatever has the name now, and says so in the old file and in the new one, in uWSGI's
    /// words.
    pub(super) fn reopen(&self, old: &mut dyn Write, now: i64) -> io::Result<File> {
        let size = self.size();
        // The old one may be on a full disk.
        let _ = old
            .write_all(format!("[{now}] logsize: {size}, triggering log-reopen...\n").as_bytes());
        let mut file = self.open(false)?;
        let path = self.path.display();
        file.write_all(format!("[{now}] {path} reopened.\n").as_bytes())?;
        Ok(file)
    }

    /// Gives the file its backup name and begins a new one.
    pub(super) fn rotate(&self, old: &mut dyn Write, now: i64) -> io::Result<File> {
        let size = self.size();
        let backup = self.backup_at(now);
        let date = clock::ctime_of(now);
        let _ = old.write_all(
            format!(
                "{date} - logsize: {size}, triggering rotation to {}...\n",
                backup.display()
            )
            .as_bytes(),
        );
        std::fs::rename(&self.path, backup)?;
        self.open(false)
    }

    /// What the file is to be called after a rotation at this time.
    fn backup_at(&self, now: i64) -> PathBuf {
        self.backup.clone().unwrap_or_else(|| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{now}"));
            name.into()
        })
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: impl AsRef<Path>) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_rotated_file_gets_its_backup_name_or_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        for (backup, expected) in [(None, "app.log.1000"), (Some("old.log"), "old.log")] {
            let backup = backup.map(|name| folder.path().join(name));
            let log = LogFile::new(&path, backup.as_deref()).unwrap();
            let mut old = log.open(true).unwrap();
            old.write_all(b"before\n").unwrap();
            let mut new = log.rotate(&mut old, 1000).unwrap();
            new.write_all(b"after\n").unwrap();
            assert_eq!(text(&path), "after\n");
            let rotated = text(folder.path().join(expected));
            let (first, second) = rotated.split_once('\n').unwrap();
            assert_eq!(first, "before");
            assert!(second.contains(" - logsize: 7, triggering rotation to /"));
        }
    }

    #[test]
    fn a_file_that_was_moved_is_told_so_and_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("app.log"), folder.path().join("moved"));
        let log = LogFile::new(&path, None).unwrap();
        let mut old = log.open(false).unwrap();
        std::fs::rename(&path, &moved).unwrap();
        log.reopen(&mut old, 7).unwrap();
        assert_eq!(text(moved), "[7] logsize: 0, triggering log-reopen...\n");
        assert_eq!(text(&path), format!("[7] {} reopened.\n", path.display()));
    }

    #[test]
    fn a_log_is_for_its_user_and_group_unless_told_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        let mode = |log: LogFile| log.open(false).unwrap().metadata().unwrap().mode() & 0o777;
        let log = LogFile::new(&path, None).unwrap();
        assert_eq!(mode(log.clone()) & 0o037, 0);
        assert_eq!(mode(log.with_mode(Some(0o604))), 0o604);
    }

    use std::os::unix::fs::MetadataExt;
}
