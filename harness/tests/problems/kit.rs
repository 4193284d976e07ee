//! A room with nginx, a tap and whoever stands behind, all over Unix sockets: no port is taken.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

/// Whatever comes, comes within this.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A program of this machine, or a word that it is missing.
pub(crate) fn program(names: &[&str]) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin"];
    let found = names
        .iter()
        .flat_map(|name| folders.map(|folder| Path::new(folder).join(name)))
        .find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: no {}", names[0]);
    }
    found
}

/// A child that is ended with its group's first process on drop.
pub(crate) struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM).ok();
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A folder with sockets, a document root, and what runs in it.
pub(crate) struct Room {
    // Those that run end before their folder.
    running: Vec<Guard>,
    folder: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("p")
            .tempdir_in("/tmp")
            .unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let running = Vec::new();
        fs::create_dir(folder.path().join("www")).unwrap();
        Self { running, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path(name);
        fs::write(&file, text).unwrap();
        file
    }

    fn run(&mut self, command: &mut Command) -> &mut Child {
        let child = command.spawn().unwrap();
        self.running.push(Guard(child));
        &mut self.running.last_mut().unwrap().0
    }

    /// gateserve with these options.
    pub(crate) fn gateserve(&mut self, socket: &str, args: &[&str]) {
        super::support::build_programs();
        let program = cargo_bin!("gatebench").with_file_name("gateserve");
        let log = fs::File::create(self.path("gateserve.log")).unwrap();
        let folder = self.path("");
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(folder)
            .env_remove("RUST_LOG");
        self.run(command.stdout(log.try_clone().unwrap()).stderr(log));
        wait_for(&self.path(socket));
    }

    /// php-cgi at `php.sock`, or nothing where it is missing.
    pub(crate) fn php(&mut self) -> Option<()> {
        let php = program(&["php-cgi", "php-cgi8.2", "php-cgi8.4"])?;
        let socket = self.path("php.sock");
        let mut command = Command::new(php);
        command.arg("-b").arg(&socket).env("PHP_FCGI_CHILDREN", "2");
        self.run(command.stdout(Stdio::null()).stderr(Stdio::null()));
        wait_for(&socket);
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
        Some(())
    }

    /// php-fpm at `fpm.sock`.
    pub(crate) fn php_fpm(&mut self, program: &Path) {
        let room = self.text("");
        let conf = self.write(
            "fpm.conf",
            &format!(
                "[global]\nerror_log = {room}/fpm.log\n[www]\nlisten = {room}/fpm.sock\nlisten.mode = 0666\n\
                 pm = static\npm.max_children = 2\n"
            ),
        );
        let mut command = Command::new(program);
        command
            .args(["--nodaemonize", "--allow-to-run-as-root", "--fpm-config"])
            .arg(conf);
        self.run(command.stdout(Stdio::null()).stderr(Stdio::null()));
        wait_for(&self.path("fpm.sock"));
    }

    /// nginx at `web.sock` with these directives in its server, or nothing where it is missing.
    pub(crate) fn nginx(&mut self, server: &str) -> Option<()> {
        self.nginx_with("", server)
    }

    /// The same with directives in front of the server.
    pub(crate) fn nginx_with(&mut self, http: &str, server: &str) -> Option<()> {
        let nginx = program(&["nginx"])?;
        let conf = self.configuration(http, server);
        let mut command = Command::new(nginx);
        command.arg("-c").arg(&conf).arg("-p").arg(self.path(""));
        self.run(command.stdout(Stdio::null()).stderr(Stdio::null()));
        wait_for(&self.path("web.sock"));
        Some(())
    }

    /// The configuration that [`nginx`](Self::nginx) starts.
    pub(crate) fn configuration(&self, http: &str, server: &str) -> PathBuf {
        let room = self.text("");
        let room = room.trim_end_matches('/');
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {room}/temp-{name};\n"))
            .concat();
        let text = format!(
            "daemon off;\nmaster_process off;\npid {room}/nginx.pid;\nerror_log {room}/error.log info;\n\
             events {{ }}\nhttp {{\naccess_log off;\nclient_max_body_size 0;\n{temp}{http}\n\
             server {{\nlisten unix:{room}/web.sock;\nserver_name shop;\nroot {room}/www;\n{server}\n}}\n}}\n"
        );
        self.write("nginx.conf", &text.replace("ROOM", room))
    }

    /// A tap at `tap.sock` before `socket`.
    pub(crate) fn tap(&mut self, socket: &str, more: &[&str]) -> Tap {
        let listen = self.path("tap.sock");
        let to = self.path(socket);
        self.tap_between(
            &listen.display().to_string(),
            &to.display().to_string(),
            more,
        )
    }

    pub(crate) fn tap_between(&mut self, listen: &str, to: &str, more: &[&str]) -> Tap {
        self.try_tap(listen, to, more)
            .unwrap_or_else(|said| panic!("{said}"))
    }

    /// A tap, or what it says where it cannot listen.
    pub(crate) fn try_tap(&mut self, listen: &str, to: &str, more: &[&str]) -> Result<Tap, String> {
        let mut command = Command::new(cargo_bin!("gatebench"));
        command
            .args(["tap", "--listen", listen, "--to", to, "--json"])
            .args(more);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("NO_COLOR", "1");
        let child = self.run(&mut command);
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let tap = Tap {
            lines: lines(stdout),
            told: lines(stderr),
        };
        // It listens once it says so.
        let said = tap
            .told
            .recv_timeout(LIMIT)
            .expect("the tap says where it listens");
        match said.contains("Ctrl-C ends it") {
            true => Ok(tap),
            false => Err(said),
        }
    }

    /// Ends what was started last and waits for it.
    pub(crate) fn end_last(&mut self) {
        self.running.pop();
    }

    /// Sends a request to nginx and reads all that comes.
    pub(crate) fn ask(&self, request: &str) -> String {
        ask(&self.path("web.sock"), request.as_bytes())
    }

    pub(crate) fn get(&self, target: &str) -> String {
        self.ask(&format!(
            "GET {target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
        ))
    }

    /// nginx's error log once it has a line with this word.
    pub(crate) fn error_log(&self, word: &str) -> String {
        let until = Instant::now() + LIMIT;
        loop {
            let log = fs::read_to_string(self.path("error.log")).unwrap_or_default();
            if log.contains(word) {
                return log;
            }
            assert!(Instant::now() < until, "no {word:?} in {log}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What a tap tells.
pub(crate) struct Tap {
    lines: Receiver<String>,
    pub(crate) told: Receiver<String>,
}

impl Tap {
    /// The next exchange or note.
    pub(crate) fn next(&self) -> Value {
        let line = self
            .lines
            .recv_timeout(LIMIT)
            .expect("the tap tells of an exchange");
        serde_json::from_str(&line).unwrap()
    }

    /// The finding of this name in the next exchange: cause and cure.
    #[track_caller]
    pub(crate) fn finds(&self, problem: &str) -> (String, String) {
        let exchange = self.next();
        finding(&exchange, problem)
    }

    /// One of several findings: on a slow machine a short wait may look like a long one.
    #[track_caller]
    pub(crate) fn finds_any(&self, problems: &[&str]) -> (String, String) {
        let exchange = self.next();
        let told = exchange["findings"].to_string();
        let found = problems.iter().find(|one| told.contains(*one));
        finding(&exchange, found.unwrap_or(&problems[0]))
    }
}

/// A finding of an exchange as the tap tells it, or of a doctor's report.
#[track_caller]
pub(crate) fn finding(told: &Value, problem: &str) -> (String, String) {
    let all = told["findings"].as_array().unwrap();
    let Some(found) = all.iter().find(|one| one["problem"] == problem) else {
        panic!("no {problem} in {told:#}");
    };
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    (text("cause"), text("cure"))
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits until somebody takes connections there.
pub(crate) fn wait_for(socket: &Path) {
    let until = Instant::now() + LIMIT;
    while UnixStream::connect(socket).is_err() {
        assert!(
            Instant::now() < until,
            "nobody listens at {}",
            socket.display()
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends octets and reads until the end.
pub(crate) fn ask(socket: &Path, octets: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    // Whoever answers early may not read all of it.
    stream.write_all(octets).ok();
    let mut came = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(size) = stream.read(&mut buffer) {
        if size == 0 {
            break;
        }
        came.extend_from_slice(&buffer[..size]);
    }
    String::from_utf8_lossy(&came).into_owned()
}

/// A server that does to each connection what it is told.
pub(crate) fn serve(socket: &Path, each: impl Fn(UnixStream) + Send + Sync + 'static) {
    let listener = UnixListener::bind(socket).unwrap();
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).unwrap();
    let each = std::sync::Arc::new(each);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(LIMIT)).ok();
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
}

/// Reads a FastCGI request to the end of its body; whether there was one.
pub(crate) fn read_fastcgi(stream: &mut UnixStream) -> bool {
    loop {
        let mut header = [0; 8];
        if stream.read_exact(&mut header).is_err() {
            return false;
        }
        let size = usize::from(u16::from_be_bytes([header[4], header[5]])) + usize::from(header[6]);
        let mut rest = vec![0; size];
        if stream.read_exact(&mut rest).is_err() {
            return false;
        }
        if header[1] == 5 && header[4] == 0 && header[5] == 0 {
            return true;
        }
    }
}

/// CGI output as FastCGI carries it, to the end of the request.
pub(crate) fn fastcgi(output: &str) -> Vec<u8> {
    let size = u16::try_from(output.len()).unwrap().to_be_bytes();
    let mut octets = vec![1, 6, 0, 1, size[0], size[1], 0, 0];
    octets.extend_from_slice(output.as_bytes());
    octets.extend_from_slice(b"\x01\x06\0\x01\0\0\0\0\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0");
    octets
}

/// A FastCGI server that gives every request this output.
pub(crate) fn answers(socket: &Path, output: &str) {
    let octets = fastcgi(output);
    serve(socket, move |mut stream| {
        if read_fastcgi(&mut stream) {
            stream.write_all(&octets).ok();
        }
    });
}

/// What gatebench says: exit code and standard output.
pub(crate) fn gatebench(args: &[&str]) -> (i32, String) {
    let output = Command::new(cargo_bin!("gatebench"))
        .args(args)
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text + &errors)
}

/// What the doctor reports as JSON.
pub(crate) fn doctor(args: &[&str]) -> (i32, Value) {
    let (code, text) = gatebench(&[&["doctor", "--format", "json"], args].concat());
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (code, report)
}

/// The line of a log that explain knows: what it tells.
#[track_caller]
pub(crate) fn explained(log: &str, word: &str) -> String {
    let line = log.lines().find(|line| line.contains(word)).expect(word);
    let (code, told) = gatebench(&["explain", line]);
    assert_eq!(code, 0, "{line}: {told}");
    told
}
