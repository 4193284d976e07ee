//! Is the load generator good enough? Runs it and `wrk` in turn against nginx's static reply
//! and prints the ratio of their rates.
//!
//! ```text
//! cargo run --release -p gatebench --example load_vs_wrk -- [CONNECTIONS [ROUNDS [THREADS]]]
//! ```
//!
//! Needs `nginx` and `wrk`. Only the ratio counts: both compete with nginx for the same cores.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitCode},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use gatebench::{
    load::{self, Labels, LoadSpec, Meter, Stop},
    results::Throughput,
    stats::{self, Interval},
};

/// Length of each run.
const RUN: Duration = Duration::from_secs(2);

/// The rate that this program must reach, as a share of wrk's.
const WANTED: f64 = 0.9;

fn main() -> ExitCode {
    match compare() {
        Ok(ratio) if ratio >= WANTED => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("load_vs_wrk: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn compare() -> Result<f64> {
    let connections = number(1, 32)?;
    let rounds = number(2, 5)?;
    let threads = number(3, 1)?;
    let nginx = Nginx::start()?;
    let mut ratios = Vec::new();
    let seconds = RUN.as_secs();
    println!("{connections} connections, {threads} threads, runs of {seconds} s");
    for _ in 0..rounds {
        let wrk = wrk(&nginx.url, connections, threads)?;
        let own = own(&nginx, connections, threads)?;
        println!(
            "wrk {wrk:8.0}   own {:8.0}   ratio {:.2}   CPU {:?}",
            own.rps,
            own.rps / wrk,
            own.cpu_us_per_request
        );
        ratios.push(own.rps / wrk);
    }
    let ratio = stats::of_ratios(&ratios).context("a run answered nothing")?;
    match ratio.interval {
        Some(Interval { low, high }) => println!("95 % interval {low:.2} to {high:.2}"),
        None => println!("too few rounds for an interval"),
    }
    println!("mean ratio {:.2}, wanted {WANTED}", ratio.value);
    Ok(ratio.value)
}

fn number(position: usize, default: u32) -> Result<u32> {
    match std::env::args().nth(position) {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => bail!(
                "`{text}` is no number above 0; usage: load_vs_wrk [CONNECTIONS [ROUNDS [THREADS]]]"
            ),
        },
    }
}

/// One run of the load generator, with what it cost itself and nginx.
fn own(nginx: &Nginx, connections: u32, threads: u32) -> Result<Throughput> {
    let spec = LoadSpec {
        warm_up: Duration::from_millis(100),
        connections,
        threads,
        stop: Stop::After(RUN),
        ..load::url::spec(&nginx.url, false)?
    };
    let mut meter = Meter::new(|| nginx.pids(), Vec::new);
    let cancel = AtomicBool::new(false);
    let (report, cost) = load::measure(&spec, &mut meter, &cancel, &mut |_, _| {})?;
    ensure!(
        report.failures.total() == 0,
        "requests failed: {}",
        report.failures
    );
    Ok(load::throughput(&report, &cost, Labels::default()))
}

fn wrk(url: &str, connections: u32, threads: u32) -> Result<f64> {
    let (connections, seconds) = (format!("-c{connections}"), format!("-d{}", RUN.as_secs()));
    let output = Command::new("wrk")
        .args([&format!("-t{threads}"), &connections, &seconds, url])
        .output()
        .context("wrk cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"))
        .with_context(|| format!("wrk told no rate: {text}"))?;
    Ok(rate.trim().parse()?)
}

/// nginx with two workers and a fixed reply; it ends with this value.
struct Nginx {
    child: Child,
    url: String,
    _dir: tempfile::TempDir,
}

impl Nginx {
    fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = dir.path().join("nginx.conf");
        fs::write(&config, configuration(dir.path(), port))?;
        let mut child = Command::new("nginx")
            .arg("-c")
            .arg(&config)
            .spawn()
            .context("nginx cannot be started")?;
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline || child.try_wait()?.is_some() {
                child.kill()?;
                bail!("nginx did not come up on port {port}");
            }
            std::thread::yield_now();
        }
        Ok(Self {
            child,
            url: format!("http://127.0.0.1:{port}/"),
            _dir: dir,
        })
    }
}

impl Nginx {
    /// The master and its workers.
    fn pids(&self) -> Vec<i32> {
        let master = self.child.id();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"));
        let workers = children.unwrap_or_default();
        let workers = workers
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok());
        workers.chain([master as i32]).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers on TERM; killing it would leave them.
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        if nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).is_ok() {
            let _ended = self.child.wait();
        }
    }
}

fn configuration(dir: &Path, port: u16) -> String {
    let dir = dir.display();
    format!(
        "daemon off;
worker_processes 2;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ default_type text/plain; return 200 \"Hello, world!\"; }}
    }}
}}
"
    )
}
