//! Starts the servers of a pairing, as processes or as containers, and ends them whatever happens.
//!
//! A gateway or backend file describes what it wants in a [`Launch`], a plain value; [`start`]
//! writes its files into a [`RunDir`], runs it and waits until it is ready. The [`Running`] that
//! comes back stops on drop. This module knows nothing about any particular server.

pub mod choose;
mod container;
mod engine;
mod error;
mod folder;
pub mod image;
pub mod inherited;
pub mod leftovers;
mod obtain;
mod owner;
mod process;
mod procfs;
mod ready;
mod running;
mod sweep;
mod tail;
pub mod version;

use std::{
    fs, io, iter,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use container::Container;
pub use engine::{Engine, EngineError};
pub use error::LaunchError;
pub use folder::RunDir;
pub use obtain::{Obtained, obtain};
use process::Process;
pub use procfs::Family;
pub use ready::Ready;
pub use running::Running;
pub use sweep::{Swept, sweep};
use tail::Tail;

/// What to run: made by a gateway or a backend, and the same for process and container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Plain name, such as `nginx`: used in messages, container names and log files.
    pub name: String,
    /// Program as its package or image has it on the path, or an absolute path.
    pub program: String,
    /// Arguments after the program.
    pub args: Vec<String>,
    /// Variables beside `PATH`, `HOME` and `TMPDIR`; nothing else is inherited.
    pub env: Vec<(String, String)>,
    /// Files to write into the run folder first.
    pub files: Vec<FileSpec>,
    /// How to tell that it serves.
    pub ready: Ready,
    /// Log files beside standard output and error, relative to the run folder.
    pub log_files: Vec<PathBuf>,
}

impl Launch {
    /// Where its standard output and error go.
    fn log_path(&self, dir: &RunDir) -> PathBuf {
        dir.path().join(format!("{}.log", self.name))
    }

    fn log_paths<'a>(&'a self, dir: &'a RunDir) -> impl Iterator<Item = PathBuf> + 'a {
        let files = self.log_files.iter().map(|path| dir.path().join(path));
        iter::once(self.log_path(dir)).chain(files)
    }
}

/// A file in the run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    /// Relative to the run folder; missing folders are made.
    pub path: PathBuf,
    /// What it holds.
    pub contents: Vec<u8>,
    /// Permission bits, such as `0o644`.
    pub mode: u32,
}

impl FileSpec {
    /// A file that everyone can read.
    pub fn text(path: impl Into<PathBuf>, contents: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            contents: contents.into(),
            mode: 0o644,
        }
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        let path = folder.join(&self.path);
        if let Some(parent) = self.path.parent() {
            make_folders(folder, parent)?;
        }
        fs::write(&path, &self.contents)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(self.mode))
    }
}

/// Makes the folders on the way from a run folder to `inner`, which is relative to it; the run folder
/// itself is not made anew where a signal has removed it.
pub(crate) fn make_folders(run: &Path, inner: &Path) -> io::Result<()> {
    let mut at = run.to_owned();
    for part in inner.components() {
        at.push(part);
        match fs::create_dir(&at) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// How a subject is run.
#[derive(Clone, Debug)]
pub enum Via {
    /// As a child process: the program to execute.
    Process {
        /// Absolute path; stands in for [`Launch::program`].
        program: PathBuf,
    },
    /// As a container of an image that the engine has.
    Container {
        /// Who runs it.
        engine: Engine,
        /// Name and tag, or digest.
        image: String,
    },
}

impl Via {
    /// The word that results use.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Process { .. } => "process",
            Self::Container { .. } => "container",
        }
    }
}

/// Writes the files of `launch` into `dir`, runs it and waits until it is ready.
///
/// # Errors
/// Its address is taken, its files cannot be written, it cannot be executed, it ends, or it is
/// not ready within 10 s; the error holds the end of its log.
pub async fn start(launch: &Launch, dir: &RunDir, via: &Via) -> Result<Running, LaunchError> {
    if let Some(address) = ready::taken(&launch.ready).await {
        let name = launch.name.clone();
        return Err(LaunchError::Taken { name, address });
    }
    write_files(launch, dir)?;
    let mut running = run(launch, dir, via).await?;
    running.wait_ready(&launch.ready).await?;
    running.mark();
    Ok(running)
}

async fn run(launch: &Launch, dir: &RunDir, via: &Via) -> Result<Running, LaunchError> {
    let tail = Tail::new(launch.log_paths(dir));
    let body = match via {
        Via::Process { program } => Process::spawn(launch, dir, program)?.into(),
        Via::Container { engine, image } => Container::start(engine, image, launch, dir)
            .await
            .map_err(|source| LaunchError::Engine {
                name: launch.name.clone(),
                source,
            })?
            .into(),
    };
    Ok(Running::new(&launch.name, body, tail))
}

fn write_files(launch: &Launch, dir: &RunDir) -> Result<(), LaunchError> {
    for file in &launch.files {
        file.write(dir.path()).map_err(|source| LaunchError::File {
            name: launch.name.clone(),
            path: dir.path().join(&file.path),
            source,
        })?;
    }
    Ok(())
}
