//! The run folder: where a pairing's configuration, logs and sockets live while it runs.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{leftovers::Keep, owner::Owner, procfs};

/// File in a run folder that names its owner.
pub(super) const OWNER_FILE: &str = ".owner";
/// File in a run folder with a line for each process: its id and its start time.
pub(super) const PROCESSES_FILE: &str = ".processes";
/// How a run folder's name starts.
pub(super) const PREFIX: &str = "gb-";
/// The same of one that is not finished.
pub(super) const UNFINISHED: &str = "gb.new-";
/// Longest parent that leaves room for socket names: Unix sockets have 107 bytes in all.
const PARENT_MAX: usize = 50;

/// Octets that a file system must have left, or what subjects do is not told of them.
const ROOM: u64 = 64 * 1024;

/// A unique, short folder, removed on drop. Containers see it at the same path, so that one
/// configuration serves both.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    sockets: PathBuf,
    _keep: Keep,
}

impl RunDir {
    /// Makes the folder under `TMPDIR`, or under `/tmp` where that is too long for a socket's name.
    ///
    /// It is 0711, since workers of a server often run as somebody else and must pass through.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create() -> io::Result<Self> {
        Self::create_in(&parent(env::temp_dir()))
    }

    /// The same under a given folder.
    pub(super) fn create_in(parent: &Path) -> io::Result<Self> {
        let undo = |path: &PathBuf| -> Box<dyn FnOnce() + Send> {
            let path = path.clone();
            Box::new(move || remove(&path))
        };
        let (path, keep) = Keep::make(|| make(parent), undo)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711))?;
        let sockets = path.join("s");
        fs::create_dir(&sockets)?;
        fs::set_permissions(&sockets, fs::Permissions::from_mode(0o777))?;
        Ok(Self {
            path,
            sockets,
            _keep: keep,
        })
    }

    /// Notes a process that belongs here, so that the next start can end it if this one cannot.
    pub(super) fn note_process(&self, pid: i32) -> io::Result<()> {
        let Some(stat) = procfs::stat(pid) else {
            return Ok(());
        };
        let path = self.path.join(PROCESSES_FILE);
        let mut file = fs::File::options().create(true).append(true).open(path)?;
        writeln!(file, "{pid} {}", stat.started)
    }

    /// What to say where subjects can write nothing any more, neither body nor log.
    pub fn is_full(&self) -> Option<String> {
        let about = nix::sys::statvfs::statvfs(&self.path).ok()?;
        let free = about.blocks_available() * about.fragment_size();
        (free < ROOM).then(|| format!("no space is left for subjects in {}", self.path.display()))
    }

    /// The folder, an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder for sockets in it, 0777: whoever a server runs as can make one here.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }
}

/// Under its own name it is there only with its owner in it: a bench that is killed in between leaves
/// an unfinished one, which the sweep knows by its name.
fn make(parent: &Path) -> io::Result<PathBuf> {
    let unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(parent)?;
    let owner = Owner::current().to_string();
    fs::write(unfinished.path().join(OWNER_FILE), owner)?;
    let name = unfinished.path().file_name().and_then(|name| name.to_str());
    let unique = name.and_then(|name| name.strip_prefix(UNFINISHED));
    let path = parent.join(format!("{PREFIX}{}", unique.unwrap_or_default()));
    fs::rename(unfinished.path(), &path)?;
    // What it was called is no more.
    let _ = unfinished.keep();
    Ok(path)
}

/// Where run folders are made.
pub(super) fn parent(temporary: PathBuf) -> PathBuf {
    if temporary.is_absolute() && temporary.as_os_str().len() <= PARENT_MAX {
        temporary
    } else {
        PathBuf::from("/tmp")
    }
}

///
/// It is given another name first: what still writes here at that moment, such as another pairing
/// that is just being started, then finds no folder and makes none anew.
pub(super) fn remove(path: &Path) {
    let gone = path.with_extension("gone");
    let path = match fs::rename(path, &gone) {
        Ok(()) => &gone,
        Err(_) => path,
    };
    if let Err(error) = fs::remove_dir_all(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("cannot remove {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::{super::FileSpec, *};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_folder_that_was_removed_is_not_made_anew_by_who_still_writes() {
        let path = {
            let dir = RunDir::create().unwrap();
            let file = FileSpec::text("htdocs/cgi-bin/page", "x");
            file.write(dir.path()).unwrap();
            file.write(dir.path()).unwrap();
            dir.path().to_owned()
        };
        let late = FileSpec::text("htdocs/index.html", "x").write(&path);
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!path.exists() && !path.with_extension("gone").exists());
    }

    #[test]
    fn others_pass_through_and_make_sockets() {
        let dir = RunDir::create().unwrap();
        assert_eq!(mode(dir.path()), 0o711);
        assert_eq!(mode(dir.sockets()), 0o777);
    }

    #[test]
    fn it_is_gone_after_its_drop() {
        let dir = RunDir::create().unwrap();
        let path = dir.path().to_owned();
        fs::write(path.join("s/left"), "behind").unwrap();
        drop(dir);
        assert!(!path.exists());
    }

    #[test]
    fn it_names_its_owner() {
        let dir = RunDir::create().unwrap();
        let owner = fs::read_to_string(dir.path().join(OWNER_FILE)).unwrap();
        assert_eq!(owner.parse(), Ok(Owner::current()));
    }

    #[test]
    fn a_temporary_folder_too_deep_for_sockets_is_passed_over() {
        assert_eq!(parent("/var/tmp".into()), Path::new("/var/tmp"));
        let deep = format!("/{}", "deep/".repeat(12));
        assert_eq!(parent(deep.into()), Path::new("/tmp"));
        assert_eq!(parent("relative".into()), Path::new("/tmp"));
    }
}
