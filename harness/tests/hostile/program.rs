//! gatebench as a process that is watched: how long it takes, what it grows to, what it leaves.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// However hostile a peer is, a few cases end within this, also on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(90);
/// What the program may take in KiB: a few times of what it takes with a friendly peer.
const ROOM: u64 = 160 * 1024;

/// A process that has ended, and its folder.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) folder: TempDir,
}

/// Starts gatebench in a folder of its own; colours are forced, so that nothing is stripped.
pub(crate) fn start(arguments: &[&str]) -> (Child, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| File::create(folder.path().join(name)).unwrap();
    let child = Command::new(cargo_bin!("gatebench"))
        .args(arguments)
        .current_dir(folder.path())
        .env("CLICOLOR_FORCE", "1")
        .env_remove("NO_COLOR")
        .env_remove("RUST_LOG")
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .unwrap();
    (child, folder)
}

/// Runs gatebench to its end and holds it to time and room.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> Ended {
    let (child, folder) = start(arguments);
    watch(child, folder)
}

/// Waits for the end.
#[track_caller]
pub(crate) fn watch(mut child: Child, folder: TempDir) -> Ended {
    let until = Instant::now() + LIMIT;
    let mut peak = 0;
    loop {
        peak = peak.max(high_water(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(peak < ROOM, "it took {peak} KiB, {ROOM} are allowed");
            let code = status.code().expect("no signal ended it");
            return Ended { code, folder };
        }
        if Instant::now() > until || peak >= ROOM {
            child.kill().ok();
            child.wait().ok();
            panic!("it did not end in {LIMIT:?}, or took too much: {peak} KiB");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The most that a process had in memory, in KiB.
fn high_water(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let size = line.and_then(|line| line.split_whitespace().next());
    size.and_then(|size| size.parse().ok()).unwrap_or(0)
}

impl Ended {
    /// Whatever was written: name and octets.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(self.folder.path(), &mut files);
        files
    }

    /// What was said, and what is in the files of a name's end.
    pub(crate) fn text(&self, end: &str) -> String {
        let files = self.files().into_iter();
        let of_it = files.filter(|(name, _)| name.to_string_lossy().ends_with(end));
        of_it
            .map(|(_, octets)| String::from_utf8_lossy(&octets).into_owned())
            .collect()
    }
}

fn collect(folder: &Path, into: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path().is_dir() {
            true => collect(&entry.path(), into),
            false => into.push((entry.path(), fs::read(entry.path()).unwrap())),
        }
    }
}
