//! The files that a running server makes: Unix sockets and pidfiles.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::log;

/// Files made so far. A start that fails takes them with it.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<Made>);

#[derive(Debug)]
struct Made {
    path: PathBuf,
    /// Device and inode: another file of that name is not ours.
    id: Option<(u64, u64)>,
}

impl Files {
    pub(super) fn add(&mut self, path: &Path) {
        // The folder of the process may change before its end.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let id = path.symlink_metadata().ok().map(|found| id(&found));
        self.0.push(Made { path, id });
    }

    /// Writes the process id into a file. A file that cannot be written is told and does not keep
    /// the server from starting, as in uWSGI.
    pub(super) fn write_pidfile(&mut self, file: &Path) {
        let name = file.display();
        let text = format!("{}\n", std::process::id());
        // After a reload it does already, and may be where only root may write.
        if std::fs::read_to_string(file).is_ok_and(|old| old == text) {
            return self.add(file);
        }
        log::tell(&format!("writing pidfile to {name}"));
        match std::fs::write(file, text) {
            Ok(()) => self.add(file),
            Err(error) => log::tell(&format!("could not write pidfile {name}: {error}")),
        }
    }

    /// At the end of a server that ran: `vacuum` removes the files, else they stay.
    pub(super) fn settle(mut self, vacuum: bool) {
        let files = std::mem::take(&mut self.0);
        files.iter().filter(|_| vacuum).for_each(Made::vacuum);
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for made in self.0.iter().filter(|made| made.found().is_some()) {
            // The error that ends the start is the one to be told.
            let _ = std::fs::remove_file(&made.path);
        }
    }
}

impl Made {
    /// What is there now, if it is still the file that was made.
    fn found(&self) -> Option<Metadata> {
        let found = self.path.symlink_metadata().ok()?;
        (Some(id(&found)) == self.id).then_some(found)
    }

    fn vacuum(&self) {
        let name = self.path.display();
        let Some(found) = self.found() else {
            log::tell(&format!(
                "VACUUM WARNING: file {name} changed inode. Skip removal"
            ));
            return;
        };
        let kind = match found.file_type().is_socket() {
            true => "unix socket",
            false => "pidfile",
        };
        match std::fs::remove_file(&self.path) {
            Ok(()) => log::tell(&format!("VACUUM: {kind} {name} removed.")),
            Err(error) => log::tell(&format!("VACUUM: {kind} {name} not removed: {error}")),
        }
    }
}

fn id(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_another_has_put_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (folder.path().join("own"), folder.path().join("other"));
        let mut files = Files::default();
        for file in [&own, &other] {
            std::fs::write(file, "").unwrap();
            files.add(file);
        }
        std::fs::write(folder.path().join("new"), "").unwrap();
        std::fs::rename(folder.path().join("new"), &other).unwrap();
        files.settle(true);
        assert!(!own.exists() && other.exists());
    }
}
