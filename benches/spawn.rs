//! What it costs to start a program and see it end: the floor under every CGI request.
//!
//! `SPAWN_PROGRAM` names another program than `/bin/true`, such as a built `gatebench-probe`.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::{Command, Stdio as CommandStdio};

use criterion::{Criterion, criterion_group, criterion_main};
use gateserve::app::cgi::spawn::{Program, Rights, Stdio, spawn};
use gateserve::app::cgi::strings::Strings;
use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, posix_spawn};
use nix::sys::wait::waitpid;
use nix::unistd::pipe2;

/// Memory that the process holds, to show whether starting a program copies its page tables.
const BALLAST: usize = 256 << 20;

fn program() -> String {
    std::env::var("SPAWN_PROGRAM").unwrap_or_else(|_| "/bin/true".into())
}

/// About what a gateway sends.
fn environ() -> Vec<(String, String)> {
    let variables =
        (0..30).map(|at| (format!("HTTP_X_FIELD_{at}"), "some value of a field".into()));
    variables.collect()
}

fn strings(words: impl IntoIterator<Item = String>) -> Strings {
    let mut strings = Strings::default();
    for word in words {
        strings
            .push(&[word.as_bytes()])
            .expect("no word holds a NUL");
    }
    strings
}

/// Reads to the end of what the program writes, as a gateway does.
fn drain(pipe: OwnedFd) -> usize {
    let mut output = Vec::new();
    File::from(pipe)
        .read_to_end(&mut output)
        .expect("a pipe can be read");
    output.len()
}

fn with_pipe_and_wait(program: &Program<'_>, null: &File) -> usize {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("descriptors are left");
    let stdio = Stdio {
        stdin: null.as_fd(),
        stdout: writer.as_fd(),
        stderr: null.as_fd(),
    };
    let pid = spawn(program, stdio).expect("the program runs");
    drop(writer);
    let size = drain(reader);
    waitpid(pid, None).expect("it is our child");
    size
}

/// The bare limit: nothing but what any gateway has to do.
fn with_posix_spawn(path: &CStr, environ: &[CString], null: &File) -> usize {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("descriptors are left");
    let mut actions = PosixSpawnFileActions::init().expect("memory is left");
    let null = null.as_raw_fd();
    for (fd, target) in [(null, 0), (writer.as_raw_fd(), 1), (null, 2)] {
        actions.add_dup2(fd, target).expect("memory is left");
    }
    let attr = PosixSpawnAttr::init().expect("memory is left");
    let pid = posix_spawn(path, &actions, &attr, &[path], environ).expect("the program runs");
    drop(writer);
    let size = drain(reader);
    waitpid(pid, None).expect("it is our child");
    size
}

fn with_command(path: &str) -> usize {
    let mut command = Command::new(path);
    command.env_clear().envs(environ()).current_dir("/");
    command
        .stdin(CommandStdio::null())
        .stdout(CommandStdio::piped())
        .stderr(CommandStdio::null());
    command.output().expect("the program runs").stdout.len()
}

fn bench(criterion: &mut Criterion) {
    let path = program();
    let null = File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .expect("it is there");
    let c_path = CString::new(path.as_str()).expect("a path holds no NUL");
    let argv = strings([path.clone()]);
    let words = environ()
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"));
    let words: Vec<_> = words.collect();
    let c_environ: Vec<_> = words
        .iter()
        .map(|word| CString::new(word.as_str()).expect("no word holds a NUL"))
        .collect();
    let environ = strings(words);
    let rights = Rights::default();
    let program = Program {
        path: &c_path,
        argv: &argv,
        environ: &environ,
        directory: c"/",
        rights: &rights,
        takes_up_orphans: false,
    };
    let mut group = criterion.benchmark_group("spawn");
    group.bench_function("posix_spawn", |b| {
        b.iter(|| with_posix_spawn(&c_path, &c_environ, &null));
    });
    group.bench_function("spawn", |b| b.iter(|| with_pipe_and_wait(&program, &null)));
    group.bench_function("std::process::Command", |b| b.iter(|| with_command(&path)));
    let ballast = black_box(vec![1_u8; BALLAST]);
    group.bench_function("spawn beside 256 MiB", |b| {
        b.iter(|| with_pipe_and_wait(&program, &null));
    });
    drop(ballast);
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
