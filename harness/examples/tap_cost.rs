//! What the tap costs: the rate through nginx with `gatebench tap` between nginx and gateserve, as a
//! share of the rate without, in turns, each model by itself.
//!
//! ```text
//! cargo build --release --workspace --examples && target/release/examples/tap_cost [CONNECTIONS [ROUNDS [SECONDS [native]]]]
//! ```
//!
//! Needs `nginx` and `python3`. The tap is in its one-line mode, its lines go to a file. The application
//! is a WSGI hello in Python. With `native` as fourth argument it is the probe, which costs next to
//! nothing, so that the tap's own connection to the server weighs as much as all the rest.

use std::{
    env, fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use gatebench::{
    load::{self, LoadSpec, Meter, Stop},
    stats::{self, Interval},
};

/// The share of the rate that must remain: the tap may cost 15 %.
const WANTED: f64 = 0.85;

/// What nginx speaks to gateserve.
const MODELS: [&str; 2] = ["fastcgi", "uwsgi"];

/// A WSGI application that says hello.
const HELLO: &str = "def application(environ, start_response):\n    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '5')])\n    return [b'hello']\n";

fn main() -> ExitCode {
    match compare() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("tap_cost: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn compare() -> Result<bool> {
    let (connections, rounds, seconds) = (number(1, 32)?, number(2, 8)?, number(3, 2)?);
    let room = Room::open()?;
    println!("{connections} connections, runs of {seconds} s");
    let mut is_met = true;
    for model in MODELS {
        let mut ratios = Vec::new();
        for round in 0..rounds {
            // Every other round the other way round.
            let mut places = [format!("/{model}"), format!("/{model}-tapped")];
            places.rotate_left(round as usize % 2);
            let mut rates = Vec::new();
            for place in &places {
                rates.push(rate(&room, place, connections, seconds)?);
            }
            rates.rotate_right(round as usize % 2);
            println!(
                "{model:8} direct {:8.0}   tapped {:8.0}   ratio {:.3}",
                rates[0],
                rates[1],
                rates[1] / rates[0]
            );
            ratios.push(rates[1] / rates[0]);
        }
        let ratio = stats::of_ratios(&ratios).context("a run answered nothing")?;
        let interval = match ratio.interval {
            Some(Interval { low, high }) => format!("95 % interval {low:.3} to {high:.3}"),
            None => "too few rounds for an interval".to_owned(),
        };
        println!(
            "{model:8} mean ratio {:.3}, {interval}, wanted {WANTED}",
            ratio.value
        );
        is_met &= ratio.value >= WANTED;
    }
    Ok(is_met)
}

fn number(position: usize, default: u32) -> Result<u32> {
    match env::args().nth(position) {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => bail!(
                "`{text}` is no number above 0; usage: tap_cost [CONNECTIONS [ROUNDS [SECONDS [native]]]]"
            ),
        },
    }
}

fn rate(room: &Room, place: &str, connections: u32, seconds: u32) -> Result<f64> {
    let url = format!("http://unix:{}:{place}", room.socket("web").display());
    let spec = LoadSpec {
        warm_up: Duration::from_millis(200),
        connections,
        stop: Stop::After(Duration::from_secs(seconds.into())),
        ..load::url::spec(&url, false)?
    };
    let mut meter = Meter::new(Vec::new, Vec::new);
    let (report, cost) = load::measure(&spec, &mut meter, &AtomicBool::new(false), &mut |_, _| {})?;
    ensure!(
        report.failures.total() == 0,
        "{place}: requests failed: {}",
        report.failures
    );
    Ok(load::throughput(&report, &cost, load::Labels::default()).rps)
}

/// nginx, gateserve and a tap for each model; they end with this value.
struct Room {
    running: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Room {
    fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let mut room = Self {
            running: Vec::new(),
            folder,
        };
        let mut gateserve = Command::new(beside("gateserve")?);
        gateserve.args([
            "--processes",
            "2",
            "--chmod-socket=666",
            "--disable-logging",
        ]);
        match env::args().nth(4).as_deref() {
            Some("native") => gateserve.arg("--probe"),
            None => {
                let hello = room.folder.path().join("hello.py");
                fs::write(&hello, HELLO)?;
                gateserve.arg("--wsgi-file").arg(hello)
            }
            Some(other) => bail!("`{other}` is no application; native is"),
        };
        for model in MODELS {
            gateserve
                .arg(format!("--{model}-socket"))
                .arg(room.socket(model));
        }
        room.start(&mut gateserve, "gateserve")?;
        for model in MODELS {
            room.wait_for(model)?;
            let mut tap = Command::new(beside("gatebench")?);
            tap.arg("tap")
                .arg("--listen")
                .arg(room.socket(&format!("{model}-tapped")));
            tap.arg("--to").arg(room.socket(model));
            room.start(&mut tap, &format!("tap-{model}"))?;
            room.wait_for(&format!("{model}-tapped"))?;
        }
        let conf = room.folder.path().join("nginx.conf");
        fs::write(&conf, room.configuration())?;
        room.start(Command::new("nginx").arg("-c").arg(&conf), "nginx")?;
        room.wait_for("web")?;
        for model in MODELS {
            room.says_hello(model)?;
            room.says_hello(&format!("{model}-tapped"))?;
        }
        Ok(room)
    }

    /// A rate of errors would be none.
    fn says_hello(&self, place: &str) -> Result<()> {
        let mut stream = UnixStream::connect(self.socket("web"))?;
        write!(stream, "GET /{place} HTTP/1.0\r\n\r\n")?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let is_hello = reply.starts_with("HTTP/1.1 200") && reply.ends_with("hello");
        ensure!(is_hello, "/{place} does not answer with hello but: {reply}");
        Ok(())
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.sock"))
    }

    fn start(&mut self, command: &mut Command, name: &str) -> Result<()> {
        let out = fs::File::create(self.folder.path().join(name))?;
        let child = command
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn();
        self.running
            .push(child.with_context(|| format!("{name} cannot be started"))?);
        Ok(())
    }

    fn wait_for(&mut self, name: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(self.socket(name)).is_err() {
            ensure!(Instant::now() < deadline, "nobody listens at {name}.sock");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn configuration(&self) -> String {
        let dir = self.folder.path().display();
        let location = |model: &str, name: &str| {
            let params = [
                "REQUEST_METHOD $request_method",
                "QUERY_STRING $query_string",
                "CONTENT_TYPE $content_type",
                "CONTENT_LENGTH $content_length",
                "REQUEST_URI $request_uri",
                "SCRIPT_NAME \"\"",
                "PATH_INFO $document_uri",
                "DOCUMENT_ROOT $document_root",
                "SERVER_PROTOCOL $server_protocol",
                "REMOTE_ADDR $remote_addr",
                "REMOTE_PORT $remote_port",
                "SERVER_PORT $server_port",
                "SERVER_NAME $server_name",
            ];
            let params = params
                .map(|param| format!("{model}_param {param}; "))
                .concat();
            format!(
                "location = /{name} {{ {params} {model}_param HTTP_X_PROBE body=hello; {model}_pass unix:{dir}/{name}.sock; }}\n"
            )
        };
        let locations: String = MODELS
            .iter()
            .flat_map(|model| {
                [
                    location(model, model),
                    location(model, &format!("{model}-tapped")),
                ]
            })
            .collect();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {dir}/temp-{name};\n"))
            .concat();
        format!(
            "daemon off;\nworker_processes 2;\npid {dir}/nginx.pid;\nerror_log {dir}/error.log;\n\
             events {{ worker_connections 1024; }}\nhttp {{\naccess_log off;\nkeepalive_requests 1000000;\n{temp}\
             server {{\nlisten unix:{dir}/web.sock;\nserver_name localhost;\n{locations}}}\n}}\n"
        )
    }
}

/// A program of the project, in the folder above this one's.
fn beside(name: &str) -> Result<PathBuf> {
    let own = env::current_exe()?;
    let folder = own
        .parent()
        .and_then(Path::parent)
        .context("this program lies in a folder")?;
    let program = folder.join(name);
    ensure!(
        program.is_file(),
        "{} is missing: cargo build --release --workspace",
        program.display()
    );
    Ok(program)
}

impl Drop for Room {
    fn drop(&mut self) {
        // Masters end their workers on TERM; killing them would leave those.
        for child in self.running.iter_mut().rev() {
            let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
            if nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).is_ok() {
                child.wait().ok();
            }
        }
    }
}
