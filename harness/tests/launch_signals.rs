//! What is left when the bench is interrupted or killed: nothing, at once or after the next start.
//!
//! This program plays all parts, by its environment: the bench that is signalled, the server that
//! it started, the server's worker, and without a part the tests themselves.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read},
    os::unix::net::UnixListener,
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use gatebench::{
    address::Address,
    event::Silent,
    images,
    launch::{
        self, Engine, FileSpec, Launch, Ready, RunDir, Running, Via,
        choose::{Preference, Wish},
        leftovers,
    },
};
use libtest_mimic::{Arguments, Failed, Trial};

/// Names the part to play.
const PART: &str = "GATEBENCH_TEST_PART";
/// How long an end may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match env::var(PART).as_deref() {
        Ok("bench") => bench(),
        Ok("server") => serve(),
        Ok("worker") => park(),
        _ => run_tests(),
    }
}

fn run_tests() -> ExitCode {
    let trials = [
        (
            "ctrl_c_leaves_nothing",
            ctrl_c as fn() -> Result<(), Failed>,
        ),
        ("a_termination_leaves_nothing", termination),
        ("after_a_kill_the_next_start_sweeps", kill_then_sweep),
        ("a_panic_leaves_nothing", panic),
        ("subjects_that_were_killed_leave_nothing", killed_subjects),
    ];
    let trials = trials.map(|(name, test)| Trial::test(name, test));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn ctrl_c() -> Result<(), Failed> {
    ends_by("INT")
}

fn termination() -> Result<(), Failed> {
    ends_by("TERM")
}

fn ends_by(signal: &str) -> Result<(), Failed> {
    let mut bench = Bench::start()?;
    bench.signal(signal)?;
    let status = bench.child.wait()?;
    check(status.code() == Some(2), &format!("it ended with {status}"))?;
    bench.assert_nothing_left()
}

fn kill_then_sweep() -> Result<(), Failed> {
    let mut bench = Bench::start()?;
    bench.signal("KILL")?;
    bench.child.wait()?;
    check(bench.folder.exists(), "nobody could remove the folder yet")?;
    runtime()?.block_on(async {
        let engine = Engine::connect().await.ok();
        launch::sweep(engine.as_ref()).await
    })?;
    bench.assert_nothing_left()
}

fn panic() -> Result<(), Failed> {
    let mut bench = Bench::start()?;
    drop(bench.input.take());
    let status = bench.child.wait()?;
    check(
        status.code() == Some(101),
        &format!("it ended with {status}"),
    )?;
    bench.assert_nothing_left()
}

/// The main processes die under the bench, the container's with it.
fn killed_subjects() -> Result<(), Failed> {
    let mut bench = Bench::start()?;
    for pid in &bench.pids {
        Command::new("kill").args(["-s", "KILL", pid]).status()?;
    }
    bench.signal("INT")?;
    check(bench.child.wait()?.code() == Some(2), "it ends by itself")?;
    bench.assert_nothing_left()
}

fn check(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build()
}

/// A bench in another process, and what it has told about its subjects.
struct Bench {
    child: Child,
    /// It panics when this is closed, which waiting for a child's end does by itself.
    input: Option<ChildStdin>,
    folder: PathBuf,
    pids: Vec<String>,
}

impl Bench {
    fn start() -> Result<Self, Failed> {
        let mut child = Command::new(env::current_exe()?)
            .env(PART, "bench")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("its output is piped")?;
        let mut told = BufReader::new(out).lines();
        let mut line = || {
            told.next()
                .ok_or("it ended too early")?
                .map_err(Failed::from)
        };
        Ok(Self {
            input: child.stdin.take(),
            folder: line()?.into(),
            pids: line()?.split_whitespace().map(str::to_owned).collect(),
            child,
        })
    }

    fn signal(&self, signal: &str) -> Result<(), Failed> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status()?;
        check(sent.success(), "kill works")
    }

    /// Containers whose label names this bench; none where no engine answers.
    fn containers(&self) -> Result<String, Failed> {
        let format = "{{.Label \"gatebench.owner\"}}";
        let list = Command::new("docker")
            .args(["ps", "--all", "--filter", "label=gatebench.owner"])
            .args(["--format", format])
            .output();
        let told = list.map(|told| told.stdout).unwrap_or_default();
        let pid = format!("/{}/", self.child.id());
        let told = String::from_utf8(told)?;
        let own = told.lines().filter(|line| line.contains(&pid));
        Ok(own.collect())
    }

    fn assert_nothing_left(&self) -> Result<(), Failed> {
        check(self.pids.len() >= 2, "a master and its worker ran")?;
        check(!self.folder.exists(), "the run folder is gone")?;
        check(self.containers()?.is_empty(), "its containers are gone")?;
        for pid in &self.pids {
            check(ends(pid), &format!("process {pid} is gone"))?;
        }
        Ok(())
    }
}

/// Whether a process is gone within [`PATIENCE`]: one that lost its parent is reaped by another.
fn ends(pid: &str) -> bool {
    let lives = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    let deadline = Instant::now() + PATIENCE;
    while lives() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    !lives()
}

/// Starts a process and, where an engine answers, a container; tells of them and waits.
fn bench() -> ExitCode {
    leftovers::clean_on_signals().unwrap();
    let _running = runtime().unwrap().block_on(async {
        let dir = RunDir::create().unwrap();
        let server = start_server(&dir).await;
        let container = start_container(&dir).await;
        let mut pids = server.pids();
        pids.extend(container.iter().flat_map(Running::pids));
        let pids: Vec<String> = pids.iter().map(i32::to_string).collect();
        println!("{}\n{}", dir.path().display(), pids.join(" "));
        (dir, server, container)
    });
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    panic!("on purpose");
}

async fn start_server(dir: &RunDir) -> Running {
    let socket = dir.sockets().join("double.sock");
    let launch = Launch {
        name: "double".into(),
        program: "double".into(),
        args: vec![],
        env: vec![
            (PART.into(), "server".into()),
            ("SOCKET".into(), socket.display().to_string()),
        ],
        files: vec![],
        ready: Ready::Accepts(Address::Unix(socket)),
        log_files: vec![],
    };
    let program = env::current_exe().unwrap();
    let via = Via::Process { program };
    launch::start(&launch, dir, &via).await.unwrap()
}

/// A web server from an image that is known to have one; `None` says what is missing.
async fn start_container(dir: &RunDir) -> Option<Running> {
    let engine = Engine::connect().await;
    let wish = Wish {
        name: "nginx",
        program: "nginx",
        via: Preference::Container,
        ..Wish::default()
    };
    let obtained = launch::obtain(&wish, &engine, images::find("nginx"), &mut Silent).await;
    let via = match obtained {
        Ok(obtained) => obtained.via,
        Err(error) => {
            eprintln!("launch_signals: without a container, {error}");
            return None;
        }
    };
    let socket = dir.sockets().join("nginx.sock");
    let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};", dir.path().display()));
    let conf = format!(
        "daemon off; pid {}/nginx.pid; events {{}}\n\
         http {{ access_log off; {} server {{ listen unix:{}; }} }}",
        dir.path().display(),
        temp.concat(),
        socket.display()
    );
    let conf_path = dir.path().join("nginx.conf");
    let launch = Launch {
        name: "nginx".into(),
        program: "nginx".into(),
        args: vec!["-c".into(), conf_path.display().to_string()],
        env: vec![],
        files: vec![FileSpec::text("nginx.conf", conf)],
        ready: Ready::Accepts(Address::Unix(socket)),
        log_files: vec![],
    };
    Some(launch::start(&launch, dir, &via).await.unwrap())
}

/// A master that ends without telling its worker.
fn serve() -> ExitCode {
    let mut worker = Command::new(env::current_exe().unwrap());
    let mut worker = worker.env(PART, "worker").spawn().unwrap();
    let listener = UnixListener::bind(env::var_os("SOCKET").unwrap()).unwrap();
    for _ in listener.incoming() {}
    worker.wait().unwrap();
    ExitCode::SUCCESS
}

fn park() -> ! {
    loop {
        thread::park();
    }
}
