//! What a program says about itself, for example the version that `nginx -v` prints.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use futures_util::StreamExt;
use tokio::time::timeout;

use super::{Engine, EngineError, Via, container, process::Helper};

/// How long a program may take to tell.
const WITHIN: Duration = Duration::from_secs(10);

/// Why a program did not tell.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum VersionError {
    /// It cannot be executed.
    #[error("cannot execute {program}: {source}")]
    Execute {
        program: String,
        source: std::io::Error,
    },
    /// It does not come back.
    #[error("{program} did not tell its version within {} s", WITHIN.as_secs())]
    Silent { program: String },
    /// The engine did not run it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Runs `program` once with `args` the way `via` would, and returns all that it printed: some
/// programs tell their version on standard error, and some end with a failure after it.
///
/// # Errors
/// It cannot be run, or does not end within 10 s.
pub async fn output(via: &Via, program: &str, args: &[&str]) -> Result<String, VersionError> {
    let run = async {
        match via {
            Via::Process { program } => of_process(program, args).await,
            Via::Container { engine, image } => {
                Ok(of_container(engine, image, program, args).await?)
            }
        }
    };
    let silent = |_| VersionError::Silent {
        program: program.to_owned(),
    };
    timeout(WITHIN, run).await.map_err(silent)?
}

async fn of_process(program: &Path, args: &[&str]) -> Result<String, VersionError> {
    let failed = |source| VersionError::Execute {
        program: program.display().to_string(),
        source,
    };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    // Dropped when the time is over, which ends the program and with it the reading.
    let (_helper, mut reader) = Helper::with_output(command).map_err(failed)?;
    let read = tokio::task::spawn_blocking(move || {
        let mut printed = Vec::new();
        reader.read_to_end(&mut printed).map(|_| printed)
    });
    let printed = read.await.unwrap_or_else(|error| Err(error.into()));
    Ok(String::from_utf8_lossy(&printed.map_err(failed)?).into_owned())
}

async fn of_container(
    engine: &Engine,
    image: &str,
    program: &str,
    args: &[&str],
) -> Result<String, EngineError> {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let body = container::command(engine, image, program, &args);
    let (id, keep) = container::create(engine.clone(), "version".to_owned(), body).await?;
    let printed = engine.call("run a program", |docker| async move {
        docker.start_container(&id, None).await?;
        let mut printed = Vec::new();
        let mut lines = container::output(&docker, &id, true);
        while let Some(line) = lines.next().await {
            printed.extend_from_slice(line?.as_ref());
        }
        Ok(printed)
    });
    let printed = printed.await;
    // Removing it takes a moment, in which others can go on.
    drop(tokio::task::spawn_blocking(move || drop(keep)).await);
    Ok(String::from_utf8_lossy(&printed?).into_owned())
}
