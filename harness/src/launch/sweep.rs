//! Sweeps what a gatebench that was killed left behind: containers, processes, run folders.
//!
//! Left over is what belongs to an owner that no longer lives; what a living one holds, in another
//! terminal or in a test beside this one, is not touched.

use std::{
    collections::HashMap,
    env, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::query_parameters::ListContainersOptionsBuilder;
use nix::unistd::geteuid;

use super::{
    Engine, EngineError, container, folder,
    owner::{Fate, Owner},
    process,
    procfs::{self, Family},
};

/// An unfinished folder that is older has been left by who made it.
const AT_MAKING: Duration = Duration::from_secs(60);

/// What was swept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Containers removed.
    pub containers: usize,
    /// Run folders removed, with the processes that were noted in them.
    pub folders: usize,
}

/// Sweeps this machine; called at the start of a run.
///
/// # Errors
/// The engine does not list or remove its containers. Folders have been swept by then.
pub async fn sweep(engine: Option<&Engine>) -> Result<Swept, EngineError> {
    // Containers first, since they use the folders; the folders even if the engine fails.
    let containers = match engine {
        Some(engine) => sweep_containers(engine).await,
        None => Ok(0),
    };
    let parents = [folder::parent(env::temp_dir()), "/var/tmp".into()];
    let folders = parents
        .iter()
        .map(|parent| sweep_folders(parent, Owner::fate));
    let folders = folders.sum();
    containers.map(|containers| Swept {
        containers,
        folders,
    })
}

async fn sweep_containers(engine: &Engine) -> Result<usize, EngineError> {
    let filter = HashMap::from([("label", vec![container::OWNER_LABEL])]);
    let options = ListContainersOptionsBuilder::default().all(true);
    let options = options.filters(&filter).build();
    let list = |docker: bollard::Docker| async move { docker.list_containers(Some(options)).await };
    let mut swept = 0;
    for found in engine.call("list containers", list).await? {
        let labels = found.labels.unwrap_or_default();
        let label = labels.get(container::OWNER_LABEL).map(String::as_str);
        if let (true, Some(id)) = (is_left_over(label, Owner::fate), found.id) {
            let removed = engine.call("remove a container", |docker| async move {
                container::remove(&docker, &id).await
            });
            removed.await?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// Whether the owner that a label or file names is dead. What names none is somebody else's.
fn is_left_over(owner: Option<&str>, fate: impl Fn(&Owner) -> Fate) -> bool {
    let owner = owner.and_then(|text| text.parse::<Owner>().ok());
    owner.is_some_and(|owner| fate(&owner) == Fate::Dead)
}

fn sweep_folders(parent: &Path, fate: impl Fn(&Owner) -> Fate) -> usize {
    let mut swept = 0;
    for path in folders(parent, folder::UNFINISHED) {
        if is_old(&path) {
            folder::remove(&path);
        }
    }
    for path in folders(parent, folder::PREFIX) {
        let owner = fs::read_to_string(path.join(folder::OWNER_FILE)).ok();
        if is_left_over(owner.as_deref(), &fate) {
            end_processes(&path);
            folder::remove(&path);
            swept += 1;
        }
    }
    swept
}

/// Folders of such names that are this user's own: in a shared `/tmp` anybody can make a folder that
/// names processes to be ended.
fn folders(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(prefix))
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| named(path) && is_own(path)).collect()
}

fn is_own(path: &Path) -> bool {
    let about = fs::symlink_metadata(path);
    about.is_ok_and(|about| about.is_dir() && about.uid() == geteuid().as_raw())
}

/// Whether nobody can be at making it any more.
fn is_old(path: &Path) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|about| about.modified());
    let age = changed.ok().and_then(|changed| changed.elapsed().ok());
    age.is_some_and(|age| age > AT_MAKING)
}

/// Ends the processes of a run folder: those noted in it, if they are still the same, and those that
/// log into it. A bench that was killed right behind a start had not noted it yet.
fn end_processes(path: &Path) {
    end_noted(path);
    for pid in logging_into(path) {
        process::kill_all(pid, &Family { root: pid }.members());
    }
}

/// Processes whose standard error is a file of this folder.
fn logging_into(path: &Path) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let logs_here = |pid: &i32| {
        let log = fs::read_link(format!("/proc/{pid}/fd/2"));
        log.is_ok_and(|log| log.starts_with(path))
    };
    pids.filter(|pid| *pid > 1 && logs_here(pid)).collect()
}

fn end_noted(path: &Path) {
    let noted = match fs::read_to_string(path.join(folder::PROCESSES_FILE)) {
        Ok(noted) => noted,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return tracing::warn!("cannot read {}: {error}", path.display()),
    };
    for (pid, started) in noted.lines().filter_map(noted_process) {
        if procfs::stat(pid).is_some_and(|stat| stat.started == started) {
            process::kill_all(pid, &Family { root: pid }.members());
        }
    }
}

fn noted_process(line: &str) -> Option<(i32, u64)> {
    let (pid, started) = line.split_once(' ')?;
    let pid = pid.parse().ok().filter(|pid| *pid > 1)?;
    Some((pid, started.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    const OWNER: &str = "boot/4026531836/77/1234";

    fn run_folder(parent: &Path, name: &str, owner: &str) -> PathBuf {
        let path = parent.join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join(folder::OWNER_FILE), owner).unwrap();
        path
    }

    #[test]
    fn only_what_a_dead_owner_holds_is_left_over() {
        assert!(is_left_over(Some(OWNER), |_| Fate::Dead));
        assert!(!is_left_over(Some(OWNER), |_| Fate::Lives));
        assert!(!is_left_over(Some(OWNER), |_| Fate::Unknown));
    }

    #[test]
    fn what_names_no_owner_is_not_ours() {
        assert!(!is_left_over(None, |_| Fate::Dead));
        assert!(!is_left_over(Some("compose"), |_| Fate::Dead));
    }

    #[test]
    fn folders_of_the_dead_go_and_all_others_stay() {
        let parent = tempfile::tempdir().unwrap();
        let dead = run_folder(parent.path(), "gb-dead", OWNER);
        let current = Owner::current().to_string();
        let living = run_folder(parent.path(), "gb-living", &current);
        let other = run_folder(parent.path(), "other", OWNER);
        assert_eq!(sweep_folders(parent.path(), Owner::fate), 1);
        assert_eq!(
            [&dead, &living, &other].map(|path| path.exists()),
            [false, true, true]
        );
    }

    #[test]
    fn a_noted_process_is_ended_only_if_it_is_the_same() {
        let parent = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = child.id().cast_signed();
        let started = procfs::stat(pid).unwrap().started;
        let note = |path: &Path, started: u64| {
            fs::write(
                path.join(folder::PROCESSES_FILE),
                format!("{pid} {started}\n"),
            )
            .unwrap();
            end_processes(path);
        };
        note(parent.path(), started + 1);
        assert_eq!(child.try_wait().unwrap(), None);
        note(parent.path(), started);
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_process_that_was_started_and_not_noted_is_known_by_its_log() {
        let (parent, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let start = |folder: &Path| {
            let log = fs::File::create(folder.join("server.log")).unwrap();
            let mut command = std::process::Command::new("sleep");
            command.arg("60").stderr(log).process_group(0);
            command.spawn().unwrap()
        };
        let (mut own, mut other) = (start(parent.path()), start(elsewhere.path()));
        end_processes(parent.path());
        assert!(!own.wait().unwrap().success());
        assert_eq!(other.try_wait().unwrap(), None);
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn a_folder_that_was_never_finished_goes_once_it_is_old() {
        let parent = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| {
            let path = parent.path().join(format!("{}{name}", folder::UNFINISHED));
            fs::create_dir(&path).unwrap();
            path
        });
        let then = std::time::SystemTime::now() - 2 * AT_MAKING;
        fs::File::open(&old).unwrap().set_modified(then).unwrap();
        sweep_folders(parent.path(), Owner::fate);
        assert_eq!((old.exists(), new.exists()), (false, true));
    }

    #[test]
    fn a_note_can_name_no_process_group_at_large() {
        assert_eq!(noted_process("0 5"), None);
        assert_eq!(noted_process("1 5"), None);
        assert_eq!(noted_process("-1 5"), None);
        assert_eq!(noted_process("77 1234"), Some((77, 1234)));
    }
}
