//! Gets container images: the official one where it can be pulled, else one built from Debian
//! packages on a base that `debootstrap` makes, so that a bench without a registry still runs.

mod base;
mod build;
mod mirror;
mod pull;

use std::{env, fmt, fs::File, io, os::unix::fs::OpenOptionsExt, path::PathBuf};

use bollard::errors::Error;
use nix::{
    fcntl::{Flock, FlockArg, OFlag},
    unistd::geteuid,
};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{Engine, EngineError};
use crate::event::{Event, Observer};

pub use base::BASE;

/// How to get the image of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSpec {
    /// Plain name of the subject.
    pub name: &'static str,
    /// Official image with its version, where there is one.
    pub official: Option<&'static str>,
    /// How to build one on [`BASE`] where that cannot be pulled.
    pub dockerfile: &'static str,
    /// What the Dockerfile copies, by name.
    pub files: &'static [(&'static str, &'static str)],
}

impl ImageSpec {
    /// Name of the image that is built here; another Dockerfile or file makes another tag.
    pub fn built_tag(&self) -> String {
        let mut digest = Sha256::new_with_prefix(self.dockerfile.as_bytes());
        for (name, text) in self.files {
            digest.update(name.as_bytes());
            digest.update(text.as_bytes());
        }
        let digest = digest.finalize();
        let hash: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
        format!("gatebench/{}:debian-{hash}", self.name)
    }
}

/// An image that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What to start containers from.
    pub tag: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where an image came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The user named it.
    Named,
    /// It is the official one.
    Official,
    /// It was built here.
    Built,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "named by --image",
            Self::Official => "official",
            Self::Built => "built here",
        })
    }
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ImageError {
    /// The user's spelling, or a subject that only runs as a process.
    #[error("no image is known for `{name}`; known are: {known}")]
    Unknown { name: String, known: String },
    /// A subject that has no image.
    #[error("the bench has no image for {name}; name one with --image {name}=IMAGE")]
    None { name: String },
    /// The user's own image.
    #[error("the image {image} named by --image is not here and cannot be pulled: {reason}")]
    Named { image: String, reason: String },
    /// Both ways failed.
    #[error(
        "no image for {name}: pulling {official} failed ({pull}), and building failed ({build}); \
         name an image with --image {name}=IMAGE, or use --via process"
    )]
    Neither {
        name: String,
        official: String,
        pull: String,
        build: String,
    },
    /// There is no official image, and building failed.
    #[error(
        "no image for {name}: building it failed ({build}); name an image with \
         --image {name}=IMAGE, or use --via process"
    )]
    NotBuilt { name: String, build: String },
    /// The engine broke off.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The image for a subject: one that is here already, else a new one.
///
/// # Errors
/// It can neither be pulled nor built; the error says why for both.
pub async fn ensure(
    engine: &Engine,
    spec: &ImageSpec,
    observer: &mut dyn Observer,
) -> Result<Image, ImageError> {
    match here(engine, spec).await? {
        Some(image) => Ok(image),
        None => renew(engine, spec, observer).await,
    }
}

/// The image for a subject, where the engine has it already.
///
/// # Errors
/// The engine does not tell.
pub async fn here(engine: &Engine, spec: &ImageSpec) -> Result<Option<Image>, EngineError> {
    let official = spec.official.map(|tag| (tag.to_owned(), Origin::Official));
    let built = Some((spec.built_tag(), Origin::Built));
    for (tag, origin) in official.into_iter().chain(built) {
        if present(engine, &tag).await? {
            return Ok(Some(Image { tag, origin }));
        }
    }
    Ok(None)
}

/// The image for a subject, asking the registry again even if one is here.
///
/// # Errors
/// As [`ensure`].
pub async fn renew(
    engine: &Engine,
    spec: &ImageSpec,
    observer: &mut dyn Observer,
) -> Result<Image, ImageError> {
    let name = spec.name.to_owned();
    let Some(official) = spec.official.map(str::to_owned) else {
        let built = build::build(engine, spec, observer).await;
        return built.map_err(|build| ImageError::NotBuilt { name, build });
    };
    let pull = match pull::pull(engine, &official, observer).await {
        Ok(()) => {
            return Ok(Image {
                tag: official,
                origin: Origin::Official,
            });
        }
        Err(reason) => reason,
    };
    let built = build::build(engine, spec, observer).await;
    built.map_err(|build| ImageError::Neither {
        name,
        official,
        pull,
        build,
    })
}

/// The image that the user named, pulled if it is not here.
///
/// # Errors
/// It is not here and cannot be pulled.
pub async fn ensure_named(
    engine: &Engine,
    tag: &str,
    observer: &mut dyn Observer,
) -> Result<Image, ImageError> {
    if !present(engine, tag).await? {
        let pulled = pull::pull(engine, tag, observer).await;
        pulled.map_err(|reason| ImageError::Named {
            image: tag.to_owned(),
            reason,
        })?;
    }
    Ok(Image {
        tag: tag.to_owned(),
        origin: Origin::Named,
    })
}

/// Whether the engine has an image of this name.
async fn present(engine: &Engine, tag: &str) -> Result<bool, EngineError> {
    let tag = tag.to_owned();
    engine
        .call("look for an image", |docker| async move {
            match docker.inspect_image(&tag).await {
                Ok(_) => Ok(true),
                Err(Error::DockerResponseServerError {
                    status_code: 404, ..
                }) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
}

/// Passes lines from a task elsewhere to the observer, until the task lets go of the sender.
async fn watch(
    mut lines: mpsc::UnboundedReceiver<String>,
    title: &str,
    observer: &mut dyn Observer,
) {
    while let Some(line) = lines.recv().await {
        let line = line.trim();
        if !line.is_empty() {
            observer.event(&Event::Busy(&format!("{title}: {line}")));
        }
    }
}

/// The lock of this user's builders.
fn lock_path() -> PathBuf {
    env::temp_dir().join(format!("gatebench-images-{}.lock", geteuid()))
}

/// One builder at a time on this machine, so that tests side by side do not all build the same.
async fn lock(path: PathBuf) -> io::Result<Flock<File>> {
    // The folder is open to everybody: neither a link nor a file of somebody else's is to be
    // followed or emptied.
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)?;
    let locked = tokio::task::spawn_blocking(move || Flock::lock(file, FlockArg::LockExclusive));
    match locked.await {
        Ok(Ok(lock)) => Ok(lock),
        Ok(Err((_, errno))) => Err(errno.into()),
        Err(panicked) => Err(io::Error::other(panicked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: ImageSpec = ImageSpec {
        name: "nginx",
        official: Some("nginx:1.29"),
        dockerfile: "FROM gatebench/debian-base:bookworm\n",
        files: &[],
    };

    #[test]
    fn a_built_image_is_named_by_what_it_is_built_from() {
        assert_eq!(SPEC.built_tag(), SPEC.built_tag());
        let other = ImageSpec {
            dockerfile: "FROM gatebench/debian-base:bookworm\nRUN true\n",
            ..SPEC
        };
        assert_ne!(SPEC.built_tag(), other.built_tag());
        let with_file = ImageSpec {
            files: &[("probe.c", "")],
            ..SPEC
        };
        assert_ne!(SPEC.built_tag(), with_file.built_tag());
    }

    #[test]
    fn a_missing_image_says_both_reasons_and_what_to_try() {
        let error = ImageError::Neither {
            name: "nginx".into(),
            official: "nginx:1.29".into(),
            pull: "no such host".into(),
            build: "debootstrap is not on the path".into(),
        };
        assert_eq!(
            error.to_string(),
            "no image for nginx: pulling nginx:1.29 failed (no such host), and building failed \
             (debootstrap is not on the path); name an image with --image nginx=IMAGE, or use \
             --via process"
        );
    }

    #[tokio::test]
    async fn one_builder_waits_for_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = lock(path.clone()).await.unwrap();
        let second = tokio::spawn(lock(path));
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap().unwrap();
    }
}
