//! From a path to the script that answers it.

use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use nix::unistd::{AccessFlags, access};

/// One script and how the path splits there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// Its file, without symbolic links.
    pub(super) file: PathBuf,
    /// The mounted folder, or the file itself where a file is mounted.
    pub(super) root: PathBuf,
    /// The path up to and with the script.
    pub(super) script_name: Bytes,
    /// The rest of the path.
    pub(super) path_info: Bytes,
}

/// Why a path leads to no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoScript {
    /// Nothing is there.
    #[error("no CGI program at {}", .0.display())]
    Missing(PathBuf),
    /// The path ends in a folder.
    #[error("{} is a folder and holds no cgi-index", .0.display())]
    Folder(PathBuf),
    /// Neither a folder nor a regular file.
    #[error("{} is not a regular file", .0.display())]
    Special(PathBuf),
    /// The file may not be executed, or its extension is not in `cgi-allowed-ext`.
    #[error("{} may not be run: {why}", .file.display())]
    Forbidden {
        /// The file.
        file: PathBuf,
        /// What stands against it.
        why: &'static str,
    },
    /// The file lies elsewhere: a symbolic link, dot segments, or a foreign `SCRIPT_FILENAME`.
    #[error("{} is outside of what --cgi mounts", .0.display())]
    Outside(PathBuf),
    /// The gateway does not say which file it means.
    #[error("the gateway sends neither SCRIPT_FILENAME nor DOCUMENT_ROOT and SCRIPT_NAME")]
    Unnamed,
}

impl NoScript {
    /// The status to answer.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Missing(_) => 404,
            Self::Folder(_) | Self::Special(_) | Self::Forbidden { .. } => 403,
            Self::Outside(_) | Self::Unnamed => 403,
        }
    }
}

impl Script {
    /// The script's own name, for log lines.
    pub(super) fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// The folder that is its working directory (CGI-7.2-CWD).
    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new("/"))
    }

    /// CGI-5.1-NPH-IDENT: the file's name says so.
    pub(super) fn is_nph(&self) -> bool {
        let name = self.file.file_name().unwrap_or_default();
        name.as_bytes().starts_with(b"nph-")
    }

    pub(super) fn file_bytes(&self) -> Bytes {
        self.file.clone().into_os_string().into_vec().into()
    }

    /// The folder below which `PATH_INFO` is translated.
    pub(super) fn root_bytes(&self) -> Bytes {
        let root = if self.root == self.file {
            self.folder()
        } else {
            &self.root
        };
        Bytes::copy_from_slice(root.as_os_str().as_bytes())
    }
}

/// One mounted folder or file, and what may run there.
#[derive(Clone, Debug)]
pub(super) struct Mounted {
    /// Without symbolic links.
    pub(super) root: PathBuf,
    /// What may run there.
    pub(super) rules: Rc<Rules>,
}

/// Which files may run.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// File names tried in a folder.
    pub(super) index: Vec<String>,
    /// Extensions with their dot; empty for any.
    pub(super) allowed_ext: Vec<String>,
    /// Extensions that an interpreter is configured for: such files need not be executable.
    pub(super) helped_ext: Vec<String>,
    /// Folders outside of the mounts that links may lead to, without symbolic links themselves.
    pub(super) safe: Vec<PathBuf>,
}

impl Rules {
    /// Whether a regular file may run.
    pub(super) fn check(&self, file: &Path) -> Result<(), NoScript> {
        let forbidden = |why| {
            let file = file.to_owned();
            Err(NoScript::Forbidden { file, why })
        };
        if !self.allowed_ext.is_empty() && !has_ext(file, &self.allowed_ext) {
            return forbidden("its extension is not in cgi-allowed-ext");
        }
        let (flag, why) = match has_ext(file, &self.helped_ext) {
            true => (AccessFlags::R_OK, "it is not readable"),
            false => (AccessFlags::X_OK, "it is not executable"),
        };
        access(file, flag).or_else(|_| forbidden(why))
    }
}

impl Mounted {
    /// Finds the script for a path below the mount: the first regular file on the way down
    /// (DF-PATH-SPLIT). `prefix` is the mount's own part of the path.
    pub(super) fn find(&self, prefix: &Bytes, path: &Bytes) -> Result<Script, NoScript> {
        let mut file = self.root.clone();
        let mut taken = 0;
        while kind(&file)? == Kind::Folder {
            let Some((segment, end)) = segment(path, taken) else {
                return self.find_index(&file, prefix, path);
            };
            taken = end;
            file.push(std::ffi::OsStr::from_bytes(segment));
            if segment == b".." {
                return Err(NoScript::Outside(file));
            }
        }
        let script_name = [prefix, &path[..taken]].concat().into();
        self.checked(Script {
            file,
            root: self.root.clone(),
            script_name,
            path_info: path.slice(taken..),
        })
    }

    fn find_index(&self, folder: &Path, prefix: &Bytes, path: &Bytes) -> Result<Script, NoScript> {
        let is_file = |name: &&String| kind(&folder.join(name)) == Ok(Kind::File);
        let Some(name) = self.rules.index.iter().find(is_file) else {
            return Err(NoScript::Folder(folder.into()));
        };
        let slash: &[u8] = if path.ends_with(b"/") { b"" } else { b"/" };
        let script_name = [prefix, path, slash, name.as_bytes()].concat().into();
        let file = folder.join(name);
        self.checked(Script {
            file,
            root: self.root.clone(),
            script_name,
            path_info: Bytes::new(),
        })
    }

    /// Takes the file that a gateway names in `SCRIPT_FILENAME`, as fcgiwrap does; the split of the
    /// path is the gateway's.
    pub(super) fn named(
        &self,
        file: &Path,
        script_name: Bytes,
        path_info: Bytes,
    ) -> Result<Script, NoScript> {
        if kind(file)? == Kind::Folder {
            return Err(NoScript::Folder(file.into()));
        }
        self.checked(Script {
            file: file.into(),
            root: self.root.clone(),
            script_name,
            path_info,
        })
    }

    /// Below the mount once symbolic links are resolved, and allowed to run.
    fn checked(&self, mut script: Script) -> Result<Script, NoScript> {
        let Ok(file) = fs::canonicalize(&script.file) else {
            return Err(NoScript::Missing(script.file));
        };
        let roots = self.rules.safe.iter().chain([&self.root]);
        if !roots.into_iter().any(|root| file.starts_with(root)) {
            return Err(NoScript::Outside(script.file));
        }
        if file.is_dir() {
            let why = "it is a folder";
            return Err(NoScript::Forbidden { file, why });
        }
        self.rules.check(&file)?;
        script.file = file;
        Ok(script)
    }
}

/// Whether the file's name ends in one of these.
pub(super) fn has_ext(file: &Path, endings: &[String]) -> bool {
    let name = file.as_os_str().as_bytes();
    endings
        .iter()
        .any(|ending| name.ends_with(ending.as_bytes()))
}

/// What is at a path.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Folder,
    File,
}

pub(super) fn kind(path: &Path) -> Result<Kind, NoScript> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(Kind::Folder),
        Ok(metadata) if metadata.is_file() => Ok(Kind::File),
        Ok(_) => Err(NoScript::Special(path.into())),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(NoScript::Forbidden {
                file: path.into(),
                why: "its folder is closed to this server",
            })
        }
        Err(_) => Err(NoScript::Missing(path.into())),
    }
}

/// The next segment of `path` at `from` and where it ends; void segments are passed over.
fn segment(path: &[u8], from: usize) -> Option<(&[u8], usize)> {
    let start = from + path[from..].iter().position(|&byte| byte != b'/')?;
    let length = path[start..].iter().position(|&byte| byte == b'/');
    let end = length.map_or(path.len(), |length| start + length);
    Some((&path[start..end], end))
}

#[cfg(test)]
mod tests;
