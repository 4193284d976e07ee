//! A WSGI server with the probe in it, right in everything but the fault that it is started with.
//!
//! The server is `server.py` in this folder; here it is started, watched and ended.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use gatebench::{
    backends::{PROBE, wsgi_files},
    model::Model,
    run::case::Target,
    scenario::{Place, embedded_apps},
    transcript::Log,
    witness::{Health, ProcessView, Received},
};
use tempfile::TempDir;

/// Where the double's own files are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doubles/wsgi");

/// The double; it stops when dropped.
pub(crate) struct Double {
    model: Model,
    place: Place,
    log: Log,
    server: Option<Server>,
}

/// The process.
struct Server {
    child: Child,
    listen: SocketAddr,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    stderr: File,
    _folder: TempDir,
}

/// Servers that are well and idle: a start takes longer than most cases.
static IDLE: Mutex<Vec<Server>> = Mutex::new(Vec::new());

/// Whether there is a Python to run it.
pub(crate) fn python() -> io::Result<()> {
    let mut python = Command::new("python3");
    python.args(["-c", ""]).status().map(|_| ())
}

/// The ids of all faults that its code asks for.
pub(crate) fn faults() -> BTreeSet<String> {
    let files = fs::read_dir(FOLDER).expect("the folder is there").flatten();
    let python = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "py"));
    let texts = python.map(|file| fs::read_to_string(file.path()).expect("a file is text"));
    let asked = |text: String| {
        let names = text.split("is_on(\"").skip(1);
        let names = names.filter_map(|rest| rest.split('"').next());
        names
            .map(|name| format!("wsgi/{name}"))
            .collect::<BTreeSet<_>>()
    };
    texts.flat_map(asked).collect()
}

impl Double {
    /// One without a fault, taken for a backend of this model.
    pub(crate) fn start(model: Model) -> io::Result<Self> {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let server = idle.map_or_else(Server::start, Ok)?;
        Ok(Self {
            model,
            place: Place::new("/probe", server.listen.to_string()),
            log: Log::default(),
            server: Some(server),
        })
    }

    /// Switches a fault on, for the requests that come from now on.
    pub(crate) fn switch_on(&mut self, fault: &str) -> io::Result<()> {
        self.server().switch(fault.trim_start_matches("wsgi/"))
    }

    fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("it is there until the drop")
    }

    /// Ends the server: after a case that broke it, nobody else gets it.
    pub(crate) fn end(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.end();
        }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        match server.switch("") {
            Ok(()) => IDLE
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(server),
            Err(_) => server.end(),
        }
    }
}

impl Server {
    fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        for file in wsgi_files(PROBE, &embedded_apps()) {
            let path = folder.path().join(&file.path);
            fs::create_dir_all(path.parent().expect("it is in the folder"))?;
            fs::write(path, &file.contents)?;
        }
        let stderr = folder.path().join("stderr");
        let mut child = Command::new("python3")
            .arg(Path::new(FOLDER).join("server.py"))
            .arg(folder.path().join("probe.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&stderr)?)
            .spawn()?;
        let orders = child.stdin.take().expect("it is a pipe");
        let mut answers = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut port = String::new();
        answers.read_line(&mut port)?;
        let port: u16 = port.trim().parse().map_err(|_| {
            let said = fs::read_to_string(&stderr).unwrap_or_default();
            io::Error::other(format!("the double did not start: {said}"))
        })?;
        Ok(Self {
            child,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            orders,
            answers,
            stderr: File::open(stderr)?,
            _folder: folder,
        })
    }

    fn switch(&mut self, fault: &str) -> io::Result<()> {
        writeln!(self.orders, "{fault}")?;
        let mut answer = String::new();
        match self.answers.read_line(&mut answer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// What it wrote to standard error since the last look.
    fn said(&mut self) -> String {
        let mut text = Vec::new();
        self.stderr.read_to_end(&mut text).ok();
        String::from_utf8_lossy(&text).into_owned()
    }

    fn end(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Target for Double {
    fn listen(&self) -> SocketAddr {
        self.server.as_ref().expect("it is there").listen
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn model(&self) -> Model {
        self.model
    }

    fn carried(&self) -> bool {
        false
    }

    fn takes_cgi_output(&self) -> bool {
        false
    }

    fn runs_wsgi(&self) -> bool {
        true
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn forget(&mut self) {
        self.log.take();
        self.server().stderr.seek(SeekFrom::End(0)).ok();
    }

    fn received(&mut self) -> Option<Vec<Received>> {
        None
    }

    fn health(&mut self) -> ProcessView {
        let server = self.server();
        let backend = match server.child.try_wait() {
            Ok(None) => Health::Alive,
            Ok(Some(status)) => Health::Died(status.to_string()),
            Err(error) => Health::Died(error.to_string()),
        };
        ProcessView {
            backend,
            backend_log: server.said(),
            ..ProcessView::default()
        }
    }

    fn last_words(&mut self) -> String {
        self.server().said()
    }
}
