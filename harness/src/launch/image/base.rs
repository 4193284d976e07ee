//! The Debian base that images are built on where nothing can be pulled: `debootstrap` unpacks it,
//! the engine imports it.

use std::{
    env,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bollard::{body_try_stream, query_parameters::CreateImageOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use nix::unistd::geteuid;
use tokio::sync::mpsc;

use super::{
    super::{RunDir, choose::find_program, engine::root_cause, process::Helper},
    Engine, mirror, present, watch,
};
use crate::event::{Event, Observer};

/// The base image.
pub const BASE: &str = "gatebench/debian-base:bookworm";
const REPOSITORY: &str = "gatebench/debian-base";
const SUITE: &str = "bookworm";
/// Where it is unpacked: `/tmp` is often in memory, or mounted without devices.
const WORKSHOP: &str = "/var/tmp";
/// What an image does not need: downloaded packages, indices, and what the kernel fills.
const LEFT_OUT: [&str; 5] = [
    "./var/cache/apt/archives/*.deb",
    "./var/lib/apt/lists/*",
    "./dev/*",
    "./proc/*",
    "./sys/*",
];

/// Bytes of the archive that are sent at once.
const CHUNK: usize = 1 << 16;
/// How many chunks may wait for the engine.
const CHUNKS_AHEAD: usize = 16;

/// Makes the base unless the engine has it, or says in a fragment why it cannot be made.
pub(super) async fn ensure(engine: &Engine, observer: &mut dyn Observer) -> Result<(), String> {
    let here = present(engine, BASE).await;
    if here.map_err(|error| error.to_string())? {
        return Ok(());
    }
    let debootstrap = usable_debootstrap()?;
    let folder = workshop().map_err(|error| format!("no folder to unpack it: {error}"))?;
    let root = folder.path().join("root");
    bootstrap(&debootstrap, &root, observer).await?;
    observer.event(&Event::Busy(&format!("importing {BASE}")));
    import(engine, &root).await
}

/// It needs root to own files as others.
fn usable_debootstrap() -> Result<PathBuf, String> {
    let program = find_program("debootstrap", env::var_os("PATH").as_deref())
        .ok_or("debootstrap is not installed; apt-get install debootstrap")?;
    if geteuid().is_root() {
        Ok(program)
    } else {
        Err("debootstrap needs root; run `gatebench images` once as root".to_owned())
    }
}

fn workshop() -> io::Result<RunDir> {
    let folder = Path::new(WORKSHOP);
    if folder.is_dir() {
        RunDir::create_in(folder)
    } else {
        RunDir::create()
    }
}

/// In a mount namespace of its own: what it mounts is gone with it, even when it is killed.
fn bootstrap_command(debootstrap: &Path, root: &Path, mirror: Option<&str>) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private"])
        .arg(debootstrap)
        .args(["--variant=minbase", SUITE])
        .arg(root)
        .args(mirror)
        .stdin(Stdio::null());
    command
}

async fn bootstrap(
    debootstrap: &Path,
    root: &Path,
    observer: &mut dyn Observer,
) -> Result<(), String> {
    let mirror = mirror::of_host(SUITE);
    let command = bootstrap_command(debootstrap, root, mirror.as_deref());
    let (lines, progress) = mpsc::unbounded_channel();
    let task = tokio::task::spawn_blocking(move || run(command, &lines));
    watch(progress, &format!("making {BASE}"), observer).await;
    task.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// Runs it to its end, passing on each line; an error holds the last.
fn run(command: Command, lines: &mpsc::UnboundedSender<String>) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot run debootstrap: {error}");
    let (mut helper, output) = Helper::with_output(command).map_err(failed)?;
    let mut last = String::new();
    for line in BufReader::new(output).lines() {
        last = line.map_err(failed)?;
        // Nobody watches any more if the run was given up.
        let _ = lines.send(last.clone());
    }
    match helper.wait().map_err(failed)? {
        status if status.success() => Ok(()),
        status => Err(format!("debootstrap ended with {status}: {last}")),
    }
}

async fn import(engine: &Engine, root: &Path) -> Result<(), String> {
    let body = body_try_stream(archive(root));
    let task = engine.spawn(|docker| async move {
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(REPOSITORY)
            .tag(SUITE)
            .build();
        let mut steps = Box::pin(docker.create_image(Some(options), Some(body), None));
        while let Some(step) = steps.next().await {
            let step = step.map_err(|error| root_cause(&error))?;
            if let Some(error) = step.error_detail {
                return Err(error.message.unwrap_or_default());
            }
        }
        Ok(())
    });
    task.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// The folder as a tar archive. It ends with an error unless tar did well, so that the engine drops
/// what it has: the image of half a folder must not be taken for the base.
fn archive(root: &Path) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (chunks, archive) = mpsc::channel(CHUNKS_AHEAD);
    let command = tar_command(root);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = pump(command, &chunks) {
            // A receiver that is gone has its own reason.
            let _ = chunks.blocking_send(Err(error));
        }
    });
    stream::unfold(archive, |mut archive| async move {
        let chunk = archive.recv().await?;
        Some((chunk, archive))
    })
}

fn pump(command: Command, chunks: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let mut helper = Helper::spawn(command)?;
    let mut out = helper.stdout().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match out.read(&mut chunk)? {
            0 => break,
            n => chunks
                .blocking_send(Ok(Bytes::copy_from_slice(&chunk[..n])))
                .map_err(io::Error::other)?,
        }
    }
    match helper.wait()? {
        status if status.success() => Ok(()),
        status => Err(io::Error::other(format!("tar ended with {status}"))),
    }
}

fn tar_command(root: &Path) -> Command {
    let mut command = Command::new("tar");
    command
        .args(["--create", "--numeric-owner", "--one-file-system"])
        .args(LEFT_OUT.map(|pattern| format!("--exclude={pattern}")))
        .arg("--directory")
        .arg(root)
        .arg(".")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_this_repository_and_suite() {
        assert_eq!(BASE, format!("{REPOSITORY}:{SUITE}"));
    }

    #[tokio::test]
    async fn a_folder_is_archived_whole() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "text").unwrap();
        let chunks: Vec<_> = archive(folder.path()).collect().await;
        let bytes = chunks.into_iter().collect::<io::Result<Vec<_>>>();
        let bytes = bytes.unwrap().concat();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let names = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            entry.path().unwrap().display().to_string()
        });
        assert!(names.collect::<Vec<_>>().contains(&"./file".to_owned()));
    }

    #[tokio::test]
    async fn an_archive_that_breaks_off_ends_with_an_error() {
        let chunks: Vec<_> = archive(Path::new("/nowhere")).collect().await;
        assert!(chunks.last().unwrap().is_err());
    }

    #[test]
    fn debootstrap_gets_a_mirror_only_where_the_host_names_one() {
        let arguments = |mirror| {
            let command = bootstrap_command(Path::new("/d"), Path::new("/root"), mirror);
            command.get_args().last().unwrap().to_owned()
        };
        assert_eq!(
            arguments(Some("http://mirror/debian")),
            "http://mirror/debian"
        );
        assert_eq!(arguments(None), "/root");
    }

    #[test]
    fn a_failing_helper_is_told_with_its_last_line() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo E: no such mirror >&2; exit 1"]);
        let (lines, mut seen) = mpsc::unbounded_channel();
        let error = run(command, &lines).unwrap_err();
        assert_eq!(
            error,
            "debootstrap ended with exit status: 1: E: no such mirror"
        );
        assert_eq!(seen.try_recv().unwrap(), "E: no such mirror");
    }
}
