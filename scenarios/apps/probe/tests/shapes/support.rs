//! Runs the probe in each of its shapes on one request and takes the reply apart.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use probe::{Interface, Report};

/// One request.
pub(crate) struct Case {
    pub(crate) commands: String,
    pub(crate) environ: Vec<(String, Vec<u8>)>,
    pub(crate) stdin: Vec<u8>,
}

/// Which of the probes is asked; a path is that of the interpreter.
pub(crate) enum Shape<'a> {
    RustCgi,
    PythonCgi(&'a Path),
    PythonWsgi(&'a Path),
    ValidatedWsgi(&'a Path),
}

/// A reply without what legitimately differs between the shapes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) exit: Option<i32>,
}

impl Case {
    pub(crate) fn new(method: &str, commands: &str) -> Self {
        let mut case = Self {
            commands: commands.into(),
            environ: Vec::new(),
            stdin: Vec::new(),
        };
        case.variable("REQUEST_METHOD", method);
        case.variable("QUERY_STRING", "");
        case.variable("SCRIPT_NAME", "/probe");
        case.variable("HTTP_X_PROBE", commands);
        case
    }

    pub(crate) fn variable(&mut self, name: &str, value: &str) {
        self.environ.retain(|(given, _)| given != name);
        self.environ.push((name.into(), value.into()));
    }
}

impl Reply {
    pub(crate) fn report(&self) -> Report {
        serde_json::from_slice(&self.body).expect("the body is a report")
    }

    pub(crate) fn refusal(&self) -> String {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        json["error"].as_str().unwrap().into()
    }
}

/// The interpreter, if there is one; says so where a test has to do without.
pub(crate) fn python(test: &str) -> Option<&'static Path> {
    static FOUND: LazyLock<Result<PathBuf, String>> = LazyLock::new(interpreter);
    let found = FOUND.as_ref();
    if let Err(problem) = found {
        eprintln!("skipped: {test} for probe.py: python3 does not run here: {problem}");
    }
    found.ok().map(PathBuf::as_path)
}

/// The interpreter itself, not a shim that changes the environment.
fn interpreter() -> Result<PathBuf, String> {
    let script = "import sys; print(sys.executable)";
    let output = Command::new("python3").args(["-c", script]).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().into())
}

/// The reply of one shape, parsed.
pub(crate) fn run(shape: &Shape<'_>, case: &Case) -> Reply {
    let output = output(shape, case);
    let (head, body) = split(&output.stdout);
    let mut fields: Vec<_> = head.lines().map(field).collect();
    let status = fields.iter().position(|(name, _)| name == "Status");
    let status = status.map_or_else(|| "200 OK".into(), |at| fields.remove(at).1);
    let mut reply = Reply {
        status,
        fields,
        body: body.to_vec(),
        stderr: String::from_utf8_lossy(&output.stderr).into(),
        exit: output.status.code(),
    };
    normalise(&mut reply, case);
    reply
}

/// What one shape writes, untouched.
pub(crate) fn output(shape: &Shape<'_>, case: &Case) -> Output {
    let probe_py = Path::new(env!("CARGO_MANIFEST_DIR")).join("../probe.py");
    let wsgi_py = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wsgi.py");
    let mut command = match shape {
        Shape::RustCgi => Command::new(env!("CARGO_BIN_EXE_gatebench-probe")),
        Shape::PythonCgi(python) | Shape::PythonWsgi(python) | Shape::ValidatedWsgi(python) => {
            Command::new(python)
        }
    };
    match shape {
        Shape::RustCgi => &mut command,
        Shape::PythonCgi(_) => command.arg(probe_py),
        Shape::PythonWsgi(_) => command.arg(wsgi_py).arg(probe_py),
        Shape::ValidatedWsgi(_) => command.arg(wsgi_py).arg(probe_py).arg("validate"),
    };
    let environ = case.environ.iter();
    command.env_clear();
    command.envs(environ.map(|(name, value)| (name, OsString::from_vec(value.clone()))));
    feed(&mut command, &case.stdin)
}

fn feed(command: &mut Command, stdin: &[u8]) -> Output {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the probe starts");
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // a probe that does not read its body closes the pipe early: no concern of the test
    let writer = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn split(stdout: &[u8]) -> (String, &[u8]) {
    for end in [&b"\n\n"[..], b"\r\n\r\n"] {
        if let Some(at) = stdout.windows(end.len()).position(|window| window == end) {
            let head = String::from_utf8_lossy(&stdout[..at]).into();
            return (head, &stdout[at + end.len()..]);
        }
    }
    panic!("no head in {:?}", String::from_utf8_lossy(stdout));
}

fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(": ").expect("a field is `Name: value`");
    (name.into(), value.into())
}

/// Takes out of a report what is each shape's own; its size then says nothing either.
fn normalise(reply: &mut Reply, case: &Case) {
    if reply
        .fields
        .contains(&("Content-Type".into(), "application/json".into()))
    {
        for (name, value) in &mut reply.fields {
            if name == "Content-Length" {
                value.clear();
            }
        }
    }
    let Ok(mut report) = serde_json::from_slice::<Report>(&reply.body) else {
        return;
    };
    report.language.clear();
    report.interface = Interface::Cgi;
    (report.pid, report.argv, report.cwd) = (0, None, None);
    let names = &case.environ;
    report
        .environ
        .retain(|(name, _)| names.iter().any(|(given, _)| given == name));
    report.environ.sort();
    reply.body = report.to_json();
}
