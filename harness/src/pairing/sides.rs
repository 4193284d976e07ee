//! How the two sides are started.

use std::{fs, io, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path};

use super::{
    StartError,
    folder::{free_port, is_free, place, preparing},
};
use crate::{
    address::Address,
    backends::{Backend, PROBE, Seat},
    bench::{Bench, Prepared},
    gateways::{Gateway, Route},
    launch::{self, Launch, RunDir, Running, Via},
    model::Model,
    programs::Programs,
};

/// Worker processes of a backend, as many as each gateway has.
pub(crate) const WORKERS: u32 = 2;

/// Starts a backend; `app` is where its gateway mounts the application. The variables that it
/// needs of each request come with it.
pub(crate) async fn behind(
    (backend, model, app): (&'static dyn Backend, Model, &str),
    bench: &Bench,
    dir: &RunDir,
    socket: &Path,
    trace: Option<&Path>,
) -> Result<Behind, StartError> {
    let prepared = bench.backend(backend);
    let seat = Seat {
        model,
        socket,
        app,
        about: prepared.map_or("", |prepared| &prepared.about),
        program: &program(backend, prepared),
        run: dir.path(),
        workers: WORKERS,
        threads: 1,
        wsgi: PROBE,
        programs: &bench.programs,
        apps: &bench.apps,
    };
    let mut launch = backend.launch(&seat);
    launch.args.extend(tracing(trace));
    let via = match prepared.filter(|_| !backend.runs_below_gateserve(model)) {
        Some(prepared) => prepared.via.clone(),
        None => Via::Process {
            program: launch.program.clone().into(),
        },
    };
    let running = launch::start(&launch, dir, &via).await?;
    open_to_all(socket).map_err(preparing("the backend's socket"))?;
    Ok(Behind {
        running,
        params: backend.params(&seat),
        launch,
    })
}

/// What runs as the backend, as gateserve has to be told where that executes it.
fn program(backend: &dyn Backend, prepared: Option<&Prepared>) -> String {
    match prepared.map(|prepared| &prepared.via) {
        Some(Via::Process { program }) => program.display().to_string(),
        _ => backend.name().to_owned(),
    }
}

/// Not every server can be told to let a gateway's workers in, who often are somebody else.
pub(crate) fn open_to_all(socket: &Path) -> io::Result<()> {
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666))
}

/// A backend that runs.
pub(crate) struct Behind {
    pub(crate) running: Running,
    pub(crate) launch: Launch,
    /// Variables that it needs of each request.
    pub(crate) params: Vec<(String, String)>,
}

/// Starts the gateway on a free port; another program may take the port first, so it tries again.
pub(crate) async fn front(
    (gateway, variant, model): (&'static dyn Gateway, &'static str, Model),
    bench: &Bench,
    dir: &RunDir,
    upstream: &Address,
    trace: Option<&Path>,
    launches: &mut Vec<Launch>,
) -> Result<(Running, SocketAddr), StartError> {
    let prepared = bench.gateway(gateway);
    if gateway.spawns(variant) {
        let to = dir.path().join("relay");
        let program = Programs::recorder().map_err(io::Error::other);
        let placed = program.and_then(|program| place(&program, &to));
        placed.map_err(preparing("the relay program"))?;
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let listen = free_port().map_err(preparing("a free port"))?;
        let route = Route {
            model,
            variant,
            listen,
            upstream,
            run: dir.path(),
            about: &prepared.about,
            programs: &bench.programs,
        };
        let mut launch = gateway.launch(&route);
        launch.args.extend(tracing(trace));
        match launch::start(&launch, dir, &prepared.via).await {
            Ok(running) => {
                launches.push(launch);
                return Ok((running, listen));
            }
            Err(_) if tries < 3 && !is_free(listen) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The options by which gateserve writes down the steps of its requests.
fn tracing(file: Option<&Path>) -> impl Iterator<Item = String> {
    let options = file.map(|file| ["--trace-requests".to_owned(), file.display().to_string()]);
    options.into_iter().flatten()
}
