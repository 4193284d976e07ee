//! The container engine, through the Docker Engine API.
//!
//! All calls run on one thread with its own runtime, so that a drop, a panic and a signal can wait
//! for them from anywhere.

use std::{
    env, fmt,
    future::Future,
    io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use bollard::{
    Docker,
    models::{SystemInfo, SystemVersion},
};
use tokio::{runtime, sync::oneshot, task::JoinHandle, time::timeout};

/// How long an engine may take to answer at first.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a call may take that somebody waits for without a runtime, such as a drop.
const CALL_NOW: Duration = Duration::from_secs(20);
/// Where Docker listens unless `DOCKER_HOST` says otherwise.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// A container engine that answers. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    docker: Docker,
    version: String,
    init: bool,
    rootless: bool,
    thread: Thread,
}

/// Why the engine could not be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum EngineError {
    /// No engine, or none for this user.
    #[error("no container engine answers at {at}: {reason}; start one or set DOCKER_HOST")]
    Unreachable { at: String, reason: String },
    /// The engine refused, or broke off.
    #[error("the container engine could not {doing}: {reason}")]
    Refused { doing: String, reason: String },
}

impl EngineError {
    /// The bare reason, for a sentence that already names the engine.
    pub fn reason(&self) -> &str {
        match self {
            Self::Unreachable { reason, .. } | Self::Refused { reason, .. } => reason,
        }
    }
}

impl Engine {
    /// Connects to the engine that `DOCKER_HOST` names, else to Docker's usual socket.
    ///
    /// # Errors
    /// Nothing answers there within three seconds.
    pub async fn connect() -> Result<Self, EngineError> {
        let at = env::var("DOCKER_HOST").unwrap_or_else(|_| DEFAULT_HOST.to_owned());
        Self::connect_to(&at).await
    }

    async fn connect_to(at: &str) -> Result<Self, EngineError> {
        let unreachable = |reason| EngineError::Unreachable {
            at: at.to_owned(),
            reason,
        };
        let thread = Thread::start().map_err(|error| unreachable(error.to_string()))?;
        let host = at.to_owned();
        let greeted = thread.run(async move { timeout(CONNECT, greet(&host)).await });
        match greeted.await {
            Some(Ok(Ok(greeting))) => Ok(Self::new(greeting, thread)),
            Some(Ok(Err(error))) => Err(unreachable(root_cause(&error))),
            Some(Err(_)) => Err(unreachable(format!("silent for {} s", CONNECT.as_secs()))),
            None => Err(unreachable("its thread ended".into())),
        }
    }

    fn new(greeting: Greeting, thread: Thread) -> Self {
        let about = greeting.version;
        let parts = about.components.unwrap_or_default();
        let security = greeting.info.security_options.unwrap_or_default();
        let name = match about.platform.map(|platform| platform.name) {
            Some(name) if !name.is_empty() => name,
            _ if parts.iter().any(|part| part.name.contains("Podman")) => "Podman".to_owned(),
            _ => "Docker Engine".to_owned(),
        };
        let init = |name: &str| ["docker-init", "catatonit"].contains(&name);
        Self(Arc::new(Inner {
            docker: greeting.docker,
            version: format!("{name} {}", about.version.unwrap_or_default()),
            init: parts.iter().any(|part| init(&part.name)),
            rootless: security.iter().any(|option| option.contains("rootless")),
            thread,
        }))
    }

    /// Name and version, such as `Docker Engine 20.10.24`.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Whether it can put an init process into a container, which forwards signals and reaps.
    pub(super) fn has_init(&self) -> bool {
        self.0.init
    }

    /// Whether it runs as an ordinary user, who then is root in its containers.
    pub(super) fn is_rootless(&self) -> bool {
        self.0.rootless
    }

    /// Runs one call on the engine's thread; `doing` completes "could not …".
    pub(super) async fn call<T, F>(
        &self,
        doing: &str,
        call: impl FnOnce(Docker) -> F,
    ) -> Result<T, EngineError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, bollard::errors::Error>> + Send + 'static,
    {
        match self.0.thread.run(call(self.0.docker.clone())).await {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(refused(doing, root_cause(&error))),
            None => Err(refused(doing, "its thread ended".into())),
        }
    }

    /// The same for those who cannot await. Not to be called on the engine's thread.
    pub(super) fn call_now<T, F>(
        &self,
        doing: &str,
        call: impl FnOnce(Docker) -> F,
    ) -> Result<T, EngineError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, bollard::errors::Error>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel();
        let answer = call(self.0.docker.clone());
        drop(self.0.thread.handle.spawn(async move {
            // Nobody waits any more when the time is over.
            let _ = sender.send(answer.await);
        }));
        match receiver.recv_timeout(CALL_NOW) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(refused(doing, root_cause(&error))),
            Err(_) => Err(refused(
                doing,
                format!("silent for {} s", CALL_NOW.as_secs()),
            )),
        }
    }

    /// Starts something that goes on by itself on the engine's thread.
    pub(super) fn spawn<T, F>(&self, work: impl FnOnce(Docker) -> F) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.0.thread.handle.spawn(work(self.0.docker.clone()))
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.version()).finish()
    }
}

/// What an engine tells of itself.
struct Greeting {
    docker: Docker,
    version: SystemVersion,
    info: SystemInfo,
}

async fn greet(host: &str) -> Result<Greeting, bollard::errors::Error> {
    let docker = Docker::connect_with_host(host)?.negotiate_version().await?;
    Ok(Greeting {
        version: docker.version().await?,
        info: docker.info().await?,
        docker,
    })
}

pub(super) fn refused(doing: &str, reason: String) -> EngineError {
    EngineError::Refused {
        doing: doing.to_owned(),
        reason,
    }
}

/// What went wrong at the bottom; the engine's own words where it answered.
pub(super) fn root_cause(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error;
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        other => super::error::root_cause(other),
    }
}

/// A thread with a runtime; it ends with its last handle.
struct Thread {
    handle: runtime::Handle,
    _end: oneshot::Sender<()>,
}

impl Thread {
    fn start() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                // Dropping the sender is the sign, so an error is what is waited for.
                let _ = runtime.block_on(ended);
            })?;
        Ok(Self { handle, _end: end })
    }

    /// What the work gives, or `None` if it panicked.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.handle.spawn(work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn where_nobody_listens_the_reason_and_a_way_out_are_told() {
        let error = Engine::connect_to("unix:///nowhere/engine.sock").await;
        assert_eq!(
            error.unwrap_err().to_string(),
            "no container engine answers at unix:///nowhere/engine.sock: Socket not found: \
             /nowhere/engine.sock; start one or set DOCKER_HOST"
        );
    }

    #[tokio::test]
    async fn an_engine_that_hangs_up_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine.sock");
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        let error = Engine::connect_to(&format!("unix://{}", path.display())).await;
        assert!(matches!(error, Err(EngineError::Unreachable { .. })));
    }

    #[tokio::test]
    async fn work_that_panics_gives_nothing_and_the_thread_lives_on() {
        let thread = Thread::start().unwrap();
        assert_eq!(thread.run(async { panic!("on purpose") }).await, None::<()>);
        assert_eq!(thread.run(async { 5 }).await, Some(5));
    }
}
