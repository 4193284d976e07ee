//! Starts a lane: the server, and the gateway in front of it.

use std::net::SocketAddr;

use super::{
    asks::{FILE, MIB},
    lane::{App, Front, Lane, Server},
};
use crate::{
    address::Address,
    backends::Seat,
    bench::Bench,
    gateways::{self, Gateway},
    launch::{self, FileSpec, Launch, Ready, RunDir, Running, Via},
    model::Model,
    pairing::{free_port, front, open_to_all},
};

/// A lane that runs; both sides stop when it is dropped.
pub(super) struct Up {
    pub(super) gateway: Option<Running>,
    pub(super) server: Running,
    /// Where clients connect.
    pub(super) listen: SocketAddr,
    /// Where the application is mounted.
    pub(super) app: &'static str,
    _dir: RunDir,
}

/// Starts a lane with so many workers and waits until it accepts connections.
///
/// # Errors
/// Why it does not run.
pub(super) async fn up(lane: &Lane, workers: u32, bench: &Bench) -> Result<Up, String> {
    let dir = RunDir::create().map_err(|error| format!("no run folder: {error}"))?;
    let socket = dir.sockets().join("backend.sock");
    let gateway = in_front(lane);
    let app = gateway.map_or("", |(gateway, _)| gateway.app(lane.model));
    let port = free_port().map_err(|error| format!("no free port: {error}"))?;
    let backend = lane.backend();
    let prepared = bench.backend(backend);
    let mut launch = backend.launch(&Seat {
        model: lane.model,
        socket: &socket,
        app,
        about: prepared.map_or("", |prepared| &prepared.about),
        program: lane.backend().name(),
        run: dir.path(),
        workers,
        threads: lane.threads,
        wsgi: lane.wsgi(),
        programs: &bench.programs,
        apps: &[],
    });
    prepare(lane, &dir, &mut launch);
    if gateway.is_none() {
        by_tcp(&mut launch, &socket.display().to_string(), port);
    }
    let via = prepared.map_or_else(
        || Via::Process {
            program: launch.program.clone().into(),
        },
        |prepared| prepared.via.clone(),
    );
    let started = launch::start(&launch, &dir, &via).await;
    let server = started.map_err(|error| error.to_string())?;
    let Some((gateway, variant)) = gateway else {
        return Ok(Up {
            gateway: None,
            server,
            listen: port,
            app,
            _dir: dir,
        });
    };
    open_to_all(&socket).map_err(|error| format!("the server's socket: {error}"))?;
    let way = (gateway, variant, lane.model);
    let (running, listen) = front(
        way,
        bench,
        &dir,
        &Address::Unix(socket),
        None,
        &mut Vec::new(),
    )
    .await
    .map_err(|error| error.to_string())?;
    Ok(Up {
        gateway: Some(running),
        server,
        listen,
        app,
        _dir: dir,
    })
}

/// The gateway and its variant.
pub(super) fn in_front(lane: &Lane) -> Option<(&'static dyn Gateway, &'static str)> {
    let named = |name| gateways::named(name).expect("the table names gateways that there are");
    match lane.front {
        Front::Nginx(variant) => Some((named("nginx"), variant)),
        Front::Builtin(variant) => Some((named("builtin"), variant)),
        Front::Nothing => None,
    }
}

/// Files and options that a lane needs beside those of its server.
fn prepare(lane: &Lane, dir: &RunDir, launch: &mut Launch) {
    if lane.app == App::Own {
        let file = FileSpec::text(format!("htdocs/{FILE}"), vec![b'f'; MIB]);
        launch.files.push(file);
    }
    let is_file_server = lane.app == App::Own && lane.model == Model::Http;
    if is_file_server && lane.server == Server::Gateserve {
        let file = dir.path().join("htdocs").join(FILE);
        let mapped = format!("/{FILE}={}", file.display());
        launch.args.extend(["--static-map".to_owned(), mapped]);
    }
    launch
        .args
        .extend(lane.options.iter().map(|&option| option.to_owned()));
    // Where the framework is, for a Python that does not have it itself.
    let path = std::env::var("PYTHONPATH").ok();
    let path = path.filter(|_| lane.app == App::Flask);
    launch
        .env
        .extend(path.map(|path| ("PYTHONPATH".to_owned(), path)));
}

/// Has a server listen by TCP instead of on a Unix socket.
fn by_tcp(launch: &mut Launch, socket: &str, listen: SocketAddr) {
    let mut args = Vec::new();
    for arg in launch.args.drain(..) {
        match arg.as_str() {
            // granian has one option for each kind.
            "--uds" => args.extend([
                "--host".to_owned(),
                listen.ip().to_string(),
                "--port".to_owned(),
            ]),
            at if at == socket && args.last().is_some_and(|last| last == "--port") => {
                args.push(listen.port().to_string());
            }
            at if at == socket || at == format!("unix:{socket}") => args.push(listen.to_string()),
            _ => args.push(arg),
        }
    }
    launch.args = args;
    launch.ready = Ready::Accepts(Address::Tcp(listen.to_string()));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{peers::HEATS, programs::Programs};

    #[test]
    fn without_a_gateway_no_server_is_left_on_the_unix_socket() {
        let programs = Programs::default();
        let lanes = HEATS.iter().flat_map(|heat| heat.lanes);
        for lane in lanes.filter(|lane| lane.front == Front::Nothing) {
            let mut launch = lane.backend().launch(&Seat {
                model: lane.model,
                socket: Path::new("/run/gb/s/backend.sock"),
                app: "",
                about: "",
                program: lane.backend().name(),
                run: Path::new("/run/gb"),
                workers: 2,
                threads: lane.threads,
                wsgi: lane.wsgi(),
                programs: &programs,
                apps: &[],
            });
            by_tcp(
                &mut launch,
                "/run/gb/s/backend.sock",
                ([127, 0, 0, 1], 8081).into(),
            );
            let told = launch.args.join(" ");
            assert!(
                !told.contains("backend.sock") && told.contains("8081"),
                "{told}"
            );
        }
    }
}
