//! One gateway and one application server of the demo, with the configuration that is shown.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use minijinja::{Environment, context};
use serde::Serialize;

use super::way::{App, Way};
use crate::{
    address::Address,
    backends::python,
    gateways::conf_folder,
    launch::{self, FileSpec, Launch, LaunchError, Ready, RunDir, Running, Via},
    model::Model,
    pairing::free_port,
    programs::Programs,
    seats::tap::Tap,
    transcript::Log,
};

/// The Python application of the demo.
pub(super) const HELLO: &str = include_str!("parts/hello.py");

const NGINX: &str = include_str!("parts/nginx.conf");

/// What there is to start sites with.
#[derive(Clone)]
pub struct Kit {
    /// The project's own programs.
    pub programs: Programs,
    /// nginx, where it can be started; else the built-in gateway stands in front.
    pub nginx: Option<Nginx>,
    /// Why that gateway.
    pub why: String,
}

/// nginx as it can be started here.
#[derive(Clone)]
pub struct Nginx {
    /// As a process or from which image.
    pub via: Via,
    /// What `nginx -V` told.
    pub about: String,
}

/// What to start.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) way: Way,
    pub(super) app: App,
    /// Workers of the application server.
    pub(super) processes: u32,
    /// Further options of gateserve.
    pub(super) options: Vec<String>,
    /// Whether what passes between gateway and server is written down.
    pub(super) tapped: bool,
    /// Whether the gateway keeps its connections to the server.
    pub(super) keep: bool,
    /// Nothing is logged for a request: for load.
    pub(super) quiet: bool,
}

impl Order {
    pub(super) fn new(way: Way, app: App) -> Self {
        Self {
            way,
            app,
            processes: 2,
            options: Vec::new(),
            tapped: false,
            keep: false,
            quiet: false,
        }
    }
}

/// Why a part of the demo did not start: never the visitor's fault.
#[derive(Debug, thiserror::Error)]
pub(super) enum SiteError {
    #[error("the demo could not prepare {what}: {error}")]
    Prepare {
        what: &'static str,
        error: io::Error,
    },
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

fn preparing(what: &'static str) -> impl FnOnce(io::Error) -> SiteError {
    move |error| SiteError::Prepare { what, error }
}

/// A gateway and an application server that run; both stop on drop.
pub(super) struct Site {
    pub(super) order: Order,
    /// Where clients connect.
    pub(super) listen: SocketAddr,
    /// `None` where clients reach the server directly.
    pub(super) gateway: Option<Running>,
    pub(super) server: Running,
    pub(super) tap: Option<Tap>,
    pub(super) log: Log,
    shown: Vec<Shown>,
    dir: RunDir,
}

/// A configuration as the page shows it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Shown {
    /// `nginx.conf`, `gateserve`, …
    pub(super) name: String,
    pub(super) text: String,
}

impl Site {
    /// Starts both.
    pub(super) async fn start(kit: &Kit, order: Order) -> Result<Self, SiteError> {
        let dir = RunDir::create().map_err(preparing("a run folder"))?;
        write_app(dir.path()).map_err(preparing("the application"))?;
        let direct = kit.nginx.is_none() && order.way == Way::Http;
        let socket = dir.sockets().join("app.sock");
        let (place, tcp) = match direct {
            true => {
                let port = free_port().map_err(preparing("a free port"))?;
                (port.to_string(), Some(port))
            }
            false => (socket.display().to_string(), None),
        };
        let server_launch = server(kit, &order, &dir, &place)?;
        let via = Via::Process {
            program: kit.programs.gateserve.clone(),
        };
        let server = launch::start(&server_launch, &dir, &via).await?;
        let log = Log::default();
        let (tap, upstream) = match order.tapped && !direct {
            true => {
                let at = dir.sockets().join("wire.sock");
                let tap = Tap::open(
                    &Address::Unix(at.clone()),
                    &socket,
                    order.way.protocol(),
                    log.clone(),
                );
                (Some(tap.map_err(preparing("the relay"))?), at)
            }
            false => (None, socket),
        };
        let mut shown = vec![shown_command("gateserve", &server_launch)];
        let (gateway, listen) = match tcp {
            Some(listen) => (None, listen),
            None => {
                let (running, listen, launch) = front(kit, &order, &dir, &upstream).await?;
                shown.insert(0, shown_gateway(&launch));
                (Some(running), listen)
            }
        };
        Ok(Self {
            order,
            listen,
            gateway,
            server,
            tap,
            log,
            shown,
            dir,
        })
    }

    /// The configurations that run; paths in the run folder are told as they are.
    pub(super) fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// Lines of gateserve's request trace so far.
    pub(super) fn traces(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.dir.path().join(TRACE)).unwrap_or_default();
        let lines = text.lines();
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// What both logged since the last call: gateway, server.
    pub(super) fn logs(&mut self) -> [String; 2] {
        let gateway = self.gateway.as_mut().map(Running::log_since);
        [gateway.unwrap_or_default(), self.server.log_since()]
    }

    /// Main processes of gateway and server.
    pub(super) fn roots(&self) -> Vec<(&'static str, i32)> {
        let gateway = self
            .gateway
            .as_ref()
            .map(|it| ("gateway", it.family().root()));
        let server = ("server", self.server.family().root());
        gateway.into_iter().chain([server]).collect()
    }

    /// Stops both without holding up others.
    pub(super) async fn stop(self) {
        if let Some(gateway) = self.gateway {
            gateway.stop().await;
        }
        self.server.stop().await;
    }
}

/// File of the request trace, in the run folder.
const TRACE: &str = "trace.jsonl";

fn write_app(run: &Path) -> io::Result<()> {
    let script = run.join("hello.py");
    let python = python().unwrap_or("/usr/bin/env python3");
    fs::write(&script, format!("#!{python}\n{HELLO}"))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
}

/// A program next to the script: the run folder may be on another file system than the probe.
fn compiled(kit: &Kit, run: &Path) -> Result<PathBuf, SiteError> {
    let at = run.join("hello");
    if fs::hard_link(&kit.programs.probe, &at).is_err() {
        fs::copy(&kit.programs.probe, &at).map_err(preparing("the compiled program"))?;
    }
    Ok(at)
}

fn server(kit: &Kit, order: &Order, dir: &RunDir, place: &str) -> Result<Launch, SiteError> {
    let run = dir.path();
    let socket = match order.way.protocol() {
        Model::Uwsgi => "--uwsgi-socket",
        Model::Http => "--http-socket",
        _ => "--fastcgi-socket",
    };
    let script = run.join("hello.py").display().to_string();
    let mut args = vec![socket.to_owned(), place.to_owned()];
    args.extend(["--chmod-socket=666", "--master"].map(str::to_owned));
    args.extend(["--processes".to_owned(), order.processes.to_string()]);
    match (order.way.has_process_per_request(), order.app) {
        (true, App::Python) => args.extend(["--cgi".to_owned(), format!("/app={script}")]),
        (true, App::Compiled) => {
            let program = compiled(kit, run)?;
            args.extend(["--cgi".to_owned(), format!("/app={}", program.display())]);
        }
        (false, App::Python) => args.extend(["--wsgi-file".to_owned(), script]),
        (false, App::Compiled) => args.push("--probe".to_owned()),
    }
    if order.way == Way::CgiWarm {
        args.extend(["--cgi-mode", "warm"].map(str::to_owned));
    }
    match order.quiet {
        true => args.push("--disable-logging".to_owned()),
        false => {
            let trace = run.join(TRACE).display().to_string();
            args.extend(["--trace-requests".to_owned(), trace]);
        }
    }
    args.extend(order.options.iter().cloned());
    let listens = place.parse().expect("a path or an address is one");
    Ok(Launch {
        name: "gateserve".to_owned(),
        program: kit.programs.gateserve.display().to_string(),
        args,
        env: Vec::new(),
        files: Vec::new(),
        ready: Ready::Accepts(listens),
        log_files: Vec::new(),
    })
}

/// Starts the gateway on a free port; another program may take the port first.
async fn front(
    kit: &Kit,
    order: &Order,
    dir: &RunDir,
    upstream: &Path,
) -> Result<(Running, SocketAddr, Launch), SiteError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let listen = free_port().map_err(preparing("a free port"))?;
        let (launch, via) = match &kit.nginx {
            Some(nginx) => (
                nginx_launch(nginx, order, dir, upstream, listen),
                nginx.via.clone(),
            ),
            None => {
                let program = kit.programs.gateserve.clone();
                (
                    builtin_launch(order, upstream, listen),
                    Via::Process { program },
                )
            }
        };
        match launch::start(&launch, dir, &via).await {
            Ok(running) => return Ok((running, listen, launch)),
            Err(_) if tries < 3 && TcpListener::bind(listen).is_err() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn nginx_launch(
    nginx: &Nginx,
    order: &Order,
    dir: &RunDir,
    upstream: &Path,
    listen: SocketAddr,
) -> Launch {
    let run = dir.path().display().to_string();
    let values = context! {
        run => &run,
        params => conf_folder(&nginx.about),
        listen => listen.to_string(),
        upstream => upstream.display().to_string(),
        protocol => order.way.protocol().word(),
        keep => order.keep,
        quiet => order.quiet,
    };
    let text = Environment::new()
        .render_str(NGINX, values)
        .expect("the template is tested with every way");
    let mut log_files = vec!["nginx-error.log".into()];
    if !order.quiet {
        log_files.push("nginx-access.log".into());
    }
    Launch {
        name: "nginx".to_owned(),
        program: "nginx".to_owned(),
        args: vec!["-c".to_owned(), format!("{run}/nginx.conf")],
        env: Vec::new(),
        files: vec![FileSpec::text("nginx.conf", text)],
        ready: Ready::Accepts(listen.to_string().parse().expect("an address is one")),
        log_files,
    }
}

fn builtin_launch(order: &Order, upstream: &Path, listen: SocketAddr) -> Launch {
    let to = match order.way.protocol() {
        Model::Uwsgi => "--uwsgi-to",
        _ => "--fastcgi-to",
    };
    let mut args = vec!["--http".to_owned(), listen.to_string()];
    args.extend([to.to_owned(), format!("/={}", upstream.display())]);
    args.extend(["--processes", "2", "--buffer-size", "65535"].map(str::to_owned));
    if order.quiet {
        args.push("--disable-logging".to_owned());
    }
    Launch {
        name: "builtin".to_owned(),
        program: "gateserve".to_owned(),
        args,
        env: Vec::new(),
        files: Vec::new(),
        ready: Ready::Accepts(listen.to_string().parse().expect("an address is one")),
        log_files: Vec::new(),
    }
}

fn shown_gateway(launch: &Launch) -> Shown {
    match launch.files.first() {
        Some(file) => Shown {
            name: "nginx.conf".to_owned(),
            text: String::from_utf8_lossy(&file.contents).into_owned(),
        },
        None => shown_command("gateserve (gateway)", launch),
    }
}

/// A command line as a person would write it: an option a line.
fn shown_command(name: &str, launch: &Launch) -> Shown {
    let mut text = "gateserve".to_owned();
    for arg in &launch.args {
        match arg.starts_with("--") {
            true => text.push_str(" \\\n    "),
            false => text.push(' '),
        }
        text.push_str(arg);
    }
    text.push('\n');
    Shown {
        name: name.to_owned(),
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(way: Way, keep: bool) -> String {
        let nginx = Nginx {
            via: Via::Process {
                program: "nginx".into(),
            },
            about: "--conf-path=/etc/nginx/nginx.conf".to_owned(),
        };
        let order = Order {
            keep,
            ..Order::new(way, App::Python)
        };
        let dir = RunDir::create().unwrap();
        let listen = "127.0.0.1:8080".parse().unwrap();
        let launch = nginx_launch(&nginx, &order, &dir, Path::new("/run/app.sock"), listen);
        let run = dir.path().display().to_string();
        String::from_utf8_lossy(&launch.files[0].contents).replace(&run, "[run]")
    }

    #[test]
    fn nginx_speaks_what_the_way_asks_for() {
        for (way, directive) in [
            (Way::Cgi, "fastcgi_pass application;"),
            (Way::FastCgi, "fastcgi_pass application;"),
            (Way::Uwsgi, "uwsgi_pass application;"),
            (Way::Http, "proxy_pass http://application;"),
        ] {
            let text = conf(way, false);
            assert_eq!(text.matches("_pass ").count(), 1, "{way:?}");
            assert!(text.contains(directive), "{way:?}");
            assert!(!text.contains("keepalive 16"), "{way:?}");
        }
        assert!(conf(Way::FastCgi, true).contains("fastcgi_keep_conn on;"));
    }

    #[test]
    fn a_command_is_shown_with_an_option_a_line() {
        let launch = builtin_launch(
            &Order::new(Way::Uwsgi, App::Python),
            Path::new("/run/app.sock"),
            "127.0.0.1:8080".parse().unwrap(),
        );
        let text = shown_command("gateserve", &launch).text;
        assert!(text.contains(
            "gateserve \\\n    --http 127.0.0.1:8080 \\\n    --uwsgi-to /=/run/app.sock"
        ));
    }
}
