//! A real nginx as process and as container: the same configuration, the same behaviour.

use std::{
    fs, net::TcpListener as StdListener, os::unix::fs::PermissionsExt, path::Path,
    process::Command, time::Duration,
};

use gatebench::{
    event::{Event, Observer},
    images,
    launch::{
        self, Engine, FileSpec, Launch, LaunchError, Ready, RunDir, Running, Via,
        choose::{Preference, Wish},
        version,
    },
    witness::Health,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

/// Shows what takes long: an image may have to be built first.
struct Printed;

impl Observer for Printed {
    fn event(&mut self, event: &Event<'_>) {
        eprintln!("{event:?}");
    }
}

/// How nginx can be run here; what is missing is said on the terminal.
async fn obtained(test: &str, via: Preference) -> Option<Via> {
    let engine = Engine::connect().await;
    let wish = Wish {
        name: "nginx",
        program: "nginx",
        via,
        ..Wish::default()
    };
    match launch::obtain(&wish, &engine, images::find("nginx"), &mut Printed).await {
        Ok(obtained) => Some(obtained.via),
        Err(error) => {
            eprintln!("{test}: skipped, {error}");
            None
        }
    }
}

fn nginx(dir: &RunDir, port: u16) -> Launch {
    let folder = dir.path().display();
    let upstream = dir.sockets().join("up.sock");
    let conf = format!(
        "user www-data; daemon off; worker_processes 2; pid {folder}/nginx.pid;\n\
         error_log {folder}/error.log notice;\n\
         events {{ }}\n\
         http {{\n\
           access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;\n\
           fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;\n\
           server {{ listen 127.0.0.1:{port}; location / {{ return 204; }}\n\
             location /up {{ proxy_pass http://unix:{}; }} }}\n\
         }}\n",
        upstream.display()
    );
    let conf_path = dir.path().join("nginx.conf");
    Launch {
        name: "nginx".into(),
        program: "nginx".into(),
        args: vec!["-c".into(), conf_path.display().to_string()],
        env: vec![],
        files: vec![FileSpec::text("nginx.conf", conf)],
        ready: Ready::Http(format!("http://127.0.0.1:{port}/")),
        log_files: vec!["error.log".into()],
    }
}

fn free_port() -> u16 {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Answers one request on a Unix socket that nginx's workers may use.
async fn answer_one(path: &Path) -> tokio::task::JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.read_u8().await.unwrap();
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        peer.write_all(reply).await.unwrap();
    })
}

fn exists(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

async fn serves_a_unix_upstream_and_leaves_nothing(via: Via) {
    let dir = RunDir::create().unwrap();
    let port = free_port();
    let upstream = answer_one(&dir.sockets().join("up.sock")).await;
    let launch = nginx(&dir, port);
    let mut running = launch::start(&launch, &dir, &via).await.unwrap();
    let reply = reqwest::get(format!("http://127.0.0.1:{port}/up")).await;
    assert_eq!(reply.unwrap().text().await.unwrap(), "hello");
    upstream.await.unwrap();
    assert_eq!(running.health(), Health::Alive);
    let log = running.log_since();
    assert!(log.contains("start worker process"), "{log}");
    await_workers(&running).await;
    let pids = running.pids();
    running.stop().await;
    assert!(!pids.into_iter().any(exists));
    let path = dir.path().to_owned();
    drop(dir);
    assert!(!path.exists());
}

/// It answers as soon as the first worker is up.
async fn await_workers(running: &Running) {
    while running.pids().len() < 3 {
        tokio::task::yield_now().await;
    }
}

/// The process id of a worker, by the title that nginx gives it: process ids begin anew some time,
/// so the highest may be anybody's.
async fn worker_of(running: &Running) -> String {
    let is_worker = |pid: &String| {
        let title = fs::read_to_string(format!("/proc/{pid}/cmdline"));
        title.is_ok_and(|title| title.contains("worker process"))
    };
    loop {
        let mut pids = running.pids().into_iter().map(|pid| pid.to_string());
        match pids.find(is_worker) {
            Some(worker) => return worker,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn a_killed_worker_is_told(via: Via) {
    let dir = RunDir::create().unwrap();
    let launch = nginx(&dir, free_port());
    let mut running = launch::start(&launch, &dir, &via).await.unwrap();
    await_workers(&running).await;
    running.mark();
    let worker = worker_of(&running).await;
    let killed = Command::new("kill").args(["-SEGV", &worker]).status();
    assert!(killed.unwrap().success());
    let told = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            match running.health() {
                Health::Died(how) if how.contains("signal 11") => return how,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    });
    let told = told.await.unwrap();
    assert!(told.starts_with("worker "), "{told}");
    assert!(told.contains("exited on signal 11"), "{told}");
}

async fn a_broken_configuration_is_quoted(via: Via) {
    let dir = RunDir::create().unwrap();
    let mut launch = nginx(&dir, free_port());
    launch.files = vec![FileSpec::text(
        "nginx.conf",
        "error_log stderr; bogus on;\n",
    )];
    let error = launch::start(&launch, &dir, &via).await.unwrap_err();
    assert!(matches!(error, LaunchError::Ended { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("exit status 1"), "{message}");
    assert!(message.contains("unknown directive \"bogus\""), "{message}");
}

async fn tells_its_version(via: Via) {
    let told = version::output(&via, "nginx", &["-v"]).await.unwrap();
    assert!(told.starts_with("nginx version: nginx/"), "{told}");
}

macro_rules! both_ways {
    ($($check:ident),+ $(,)?) => {
        mod as_process { $( #[tokio::test] async fn $check() {
            let test = concat!("as_process::", stringify!($check));
            if let Some(via) = super::obtained(test, super::Preference::Process).await {
                super::$check(via).await;
            }
        } )+ }
        mod in_container { $( #[tokio::test] async fn $check() {
            let test = concat!("in_container::", stringify!($check));
            if let Some(via) = super::obtained(test, super::Preference::Container).await {
                super::$check(via).await;
            }
        } )+ }
    };
}

both_ways!(
    serves_a_unix_upstream_and_leaves_nothing,
    a_killed_worker_is_told,
    a_broken_configuration_is_quoted,
    tells_its_version,
);

#[tokio::test]
async fn a_program_that_the_image_lacks_is_named() {
    let test = "a_program_that_the_image_lacks_is_named";
    let Some(via) = obtained(test, Preference::Container).await else {
        return;
    };
    let dir = RunDir::create().unwrap();
    let mut launch = nginx(&dir, free_port());
    launch.program = "no-such-server".into();
    let error = launch::start(&launch, &dir, &via).await.unwrap_err();
    // The engine refuses, or the init process ends: that is the engine's choice.
    let message = error.to_string();
    assert!(message.contains("no-such-server"), "{message}");
}
