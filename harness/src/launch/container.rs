//! A subject as a container: host network, and the run folder at the same path as outside.

use std::{
    collections::HashMap,
    fs::File,
    io::Write,
    path::Path,
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bollard::{
    Docker,
    container::LogOutput,
    errors::Error,
    models::{ContainerCreateBody, ContainerState, HostConfig, Mount, MountType},
    query_parameters::{
        CreateContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
        StopContainerOptionsBuilder,
    },
};
use futures_util::StreamExt;
use nix::unistd::{getegid, geteuid};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    Engine, EngineError, Launch, RunDir,
    leftovers::Keep,
    owner::Owner,
    procfs::{self, Family, Stat},
};

/// Label that names the owner of a container.
pub(super) const OWNER_LABEL: &str = "gatebench.owner";
/// Seconds that a subject may take to end after `SIGTERM`.
const GRACE_SECONDS: i32 = 2;
/// How long the engine may take to notice that a container ended, and to hand out its last lines.
const SETTLE: Duration = Duration::from_secs(2);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A running container, stopped and removed on drop.
#[derive(Debug)]
pub(super) struct Container {
    engine: Engine,
    id: String,
    /// The subject's main process as this machine sees it; `None` if it ended at once.
    main: Option<Stat>,
    /// First process of the container: the main process, or the init above it.
    first: i32,
    log: Option<JoinHandle<()>>,
    _keep: Keep,
}

impl Container {
    /// Creates and starts it. Its output goes to the same log file as a process's.
    pub(super) async fn start(
        engine: &Engine,
        image: &str,
        launch: &Launch,
        dir: &RunDir,
    ) -> Result<Self, EngineError> {
        let body = body(engine, image, launch, dir);
        let (id, keep) = create(engine.clone(), launch.name.clone(), body).await?;
        let named = id.clone();
        engine
            .call("start a container", |docker| async move {
                docker.start_container(&named, None).await
            })
            .await?;
        let log = follow(engine, &id, &launch.log_path(dir));
        let mut container = Self {
            engine: engine.clone(),
            id,
            main: None,
            first: 0,
            log,
            _keep: keep,
        };
        container.find_main().await?;
        Ok(container)
    }

    /// The init process forks a moment after the container started.
    async fn find_main(&mut self) -> Result<(), EngineError> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let state = self.state().await?;
            self.first = state.pid.unwrap_or(0).try_into().unwrap_or(0);
            if self.first == 0 {
                return Ok(());
            }
            self.main = match self.engine.has_init() {
                true => Family { root: self.first }.children().first().copied(),
                false => procfs::stat(self.first),
            };
            if self.main.is_some() || Instant::now() >= deadline {
                return Ok(());
            }
            sleep(LOOK).await;
        }
    }

    async fn state(&self) -> Result<ContainerState, EngineError> {
        let id = self.id.clone();
        let call = |docker: Docker| async move { inspect(&docker, &id).await };
        self.engine.call("inspect a container", call).await
    }

    /// All processes in it.
    pub(super) fn family(&self) -> Family {
        Family { root: self.first }
    }

    /// The subject's main process and what descends from it.
    pub(super) fn main(&self) -> Family {
        Family {
            root: self.main.map_or(self.first, |main| main.pid),
        }
    }

    /// How it ended, or `None` while it runs. The engine is asked only when the process is gone.
    pub(super) fn ended(&self) -> Option<String> {
        if self.main.as_ref().is_some_and(procfs::lives) {
            return None;
        }
        let id = self.id.clone();
        let call = |docker: Docker| async move { ended_state(&docker, &id).await };
        match self.engine.call_now("inspect a container", call) {
            Ok(state) => Some(describe(&state)),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Waits until all that an ended container printed is in its log.
    pub(super) async fn flush_log(&mut self) {
        if let Some(log) = self.log.take() {
            // What came until then is kept either way.
            let _ = timeout(SETTLE, log).await;
        }
    }
}

fn body(engine: &Engine, image: &str, launch: &Launch, dir: &RunDir) -> ContainerCreateBody {
    let path = dir.path().display().to_string();
    let mount = Mount {
        target: Some(path.clone()),
        source: Some(path.clone()),
        typ: Some(MountType::BIND),
        ..Mount::default()
    };
    let mut body = command(engine, image, &launch.program, &launch.args);
    let variable = |(name, value): &(String, String)| format!("{name}={value}");
    body.env = Some(launch.env.iter().map(variable).collect());
    body.working_dir = Some(path);
    if let Some(host) = &mut body.host_config {
        host.mounts = Some(vec![mount]);
    }
    body
}

/// A container that runs one program of the image instead of what the image would start.
pub(super) fn command(
    engine: &Engine,
    image: &str,
    program: &str,
    args: &[String],
) -> ContainerCreateBody {
    let owner = Owner::current().to_string();
    ContainerCreateBody {
        image: Some(image.to_owned()),
        user: user(engine),
        entrypoint: Some(vec![program.to_owned()]),
        cmd: Some(args.to_vec()),
        labels: Some(HashMap::from([(OWNER_LABEL.to_owned(), owner)])),
        // Images choose others: nginx's asks for a graceful end that waits for its connections.
        stop_signal: Some("SIGTERM".to_owned()),
        host_config: Some(HostConfig {
            network_mode: Some("host".to_owned()),
            init: Some(engine.has_init()),
            // Where SELinux rules, a mounted folder is closed to containers otherwise.
            security_opt: Some(vec!["label=disable".to_owned()]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// The image's user, mostly root, where the bench is root itself. An ordinary user's subjects run
/// as that user, as they do as processes: what they write can be removed and what they use can be
/// metered. A rootless engine maps its root to that user already.
fn user(engine: &Engine) -> Option<String> {
    let (user, group) = (geteuid(), getegid());
    (!user.is_root() && !engine.is_rootless()).then(|| format!("{user}:{group}"))
}

/// Creates a container, registered for removal in the same step.
pub(super) async fn create(
    engine: Engine,
    name: String,
    body: ContainerCreateBody,
) -> Result<(String, Keep), EngineError> {
    let created = tokio::task::spawn_blocking(move || {
        let undo_engine = engine.clone();
        Keep::make(
            || create_now(&engine, &name, body),
            |id| {
                let id = id.clone();
                Box::new(move || stop_and_remove(&undo_engine, id))
            },
        )
    });
    match created.await {
        Ok(created) => created,
        Err(error) => Err(super::engine::refused(
            "create a container",
            error.to_string(),
        )),
    }
}

fn create_now(
    engine: &Engine,
    name: &str,
    body: ContainerCreateBody,
) -> Result<String, EngineError> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("gatebench-{name}-{}-{number}", process::id());
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    engine.call_now("create a container", |docker| async move {
        let created = docker.create_container(Some(options), body).await?;
        Ok(created.id)
    })
}

/// Stopping first lets the subject remove its sockets and say goodbye in its log.
fn stop_and_remove(engine: &Engine, id: String) {
    let removed = engine.call_now("remove a container", |docker| async move {
        let stop = StopContainerOptionsBuilder::default().t(GRACE_SECONDS);
        let _ = docker.stop_container(&id, Some(stop.build())).await;
        remove(&docker, &id).await
    });
    if let Err(error) = removed {
        tracing::warn!("{error}");
    }
}

/// Removes a container with its volumes, running or not; one that is gone, or just going, is fine.
pub(super) async fn remove(docker: &Docker, id: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true);
    match docker.remove_container(id, Some(options.build())).await {
        Err(Error::DockerResponseServerError {
            status_code: 404 | 409,
            ..
        }) => Ok(()),
        removed => removed,
    }
}

async fn inspect(docker: &Docker, id: &str) -> Result<ContainerState, Error> {
    let about = docker.inspect_container(id, None).await?;
    Ok(about.state.unwrap_or_default())
}

/// The state once the engine has noticed the end, or the last one seen.
async fn ended_state(docker: &Docker, id: &str) -> Result<ContainerState, Error> {
    let deadline = Instant::now() + SETTLE;
    loop {
        let state = inspect(docker, id).await?;
        if state.running != Some(true) || Instant::now() >= deadline {
            return Ok(state);
        }
        sleep(LOOK).await;
    }
}

/// An init process, and shells, report a signal as 128 and its number.
fn describe(state: &ContainerState) -> String {
    let code = state.exit_code.unwrap_or_default();
    match state.error.as_deref() {
        Some(error) if !error.is_empty() => return error.to_owned(),
        _ if state.oom_killed == Some(true) => return "killed, out of memory".to_owned(),
        _ => {}
    }
    let signal = i32::try_from(code - 128).ok();
    match signal.and_then(|signal| nix::sys::signal::Signal::try_from(signal).ok()) {
        Some(signal) => format!("killed by signal {} ({signal})", signal as i32),
        None => format!("exit status {code}"),
    }
}

/// Copies the container's output into the log file until it ends.
fn follow(engine: &Engine, id: &str, path: &Path) -> Option<JoinHandle<()>> {
    let file = File::options().create(true).append(true).open(path);
    let mut file = match file {
        Ok(file) => file,
        Err(error) => {
            tracing::warn!("cannot write {}: {error}", path.display());
            return None;
        }
    };
    let id = id.to_owned();
    Some(engine.spawn(|docker| async move {
        let mut lines = output(&docker, &id, true);
        while let Some(Ok(line)) = lines.next().await {
            // A log that cannot be written any more must not end the container.
            let _ = file.write_all(line.as_ref());
        }
    }))
}

/// What the container printed, and with `follow` what it will print.
pub(super) fn output(
    docker: &Docker,
    id: &str,
    follow: bool,
) -> impl futures_util::Stream<Item = Result<LogOutput, Error>> + Send + Unpin + use<> {
    let options = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .follow(follow)
        .build();
    docker.logs(id, Some(options)).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit_code: i64) -> ContainerState {
        ContainerState {
            exit_code: Some(exit_code),
            ..ContainerState::default()
        }
    }

    #[test]
    fn an_exit_code_above_128_is_a_signal() {
        assert_eq!(describe(&ended(1)), "exit status 1");
        assert_eq!(describe(&ended(139)), "killed by signal 11 (SIGSEGV)");
        assert_eq!(describe(&ended(255)), "exit status 255");
    }

    #[test]
    fn running_out_of_memory_is_told_as_such() {
        let state = ContainerState {
            oom_killed: Some(true),
            ..ended(137)
        };
        assert_eq!(describe(&state), "killed, out of memory");
    }
}
