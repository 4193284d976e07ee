//! The program that a gateway executes in the place of a CGI script: hands over to the recorder how
//! it was started, relays its three streams, and ends as it is told.
//!
//! Started as `relay SOCKET` it stands in for a FastCGI application that the gateway starts itself:
//! what comes at the listening socket that is its standard input goes on to SOCKET.
//!
//! It has no `main` of Rust's: what runs before that would open closed descriptors and ignore
//! SIGPIPE, and the gateway's own doing could not be told from it.

#![no_main]

use std::{
    fs,
    io::{self, Read, Write},
    os::{
        fd::{AsRawFd, FromRawFd},
        unix::{ffi::OsStrExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    process,
    sync::{Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use gatebench::{
    scenario::text::latin1,
    seats::recorder::{BESIDE, Frame, relay},
    witness::recorded::Program,
};

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// Exit status of a program that found no recorder.
const NO_RECORDER: i32 = 70;

// SAFETY: the C runtime calls `main` once, as the program's entry; nothing else is named so.
#[unsafe(no_mangle)]
extern "C" fn main(_: i32, _: *const *const u8) -> i32 {
    if let Some(to) = relays_to() {
        return told(relay::serve(0, &to).map(|()| 0));
    }
    let found = find();
    told(found.and_then(|found| talk(&found)))
}

/// Where standard input is passed on to, if that is asked for.
fn relays_to() -> Option<PathBuf> {
    let line = fs::read("/proc/self/cmdline").ok()?;
    match texts(&line).as_slice() {
        [_, word, to] if word == "relay" => Some(to.into()),
        _ => None,
    }
}

fn told(done: io::Result<i32>) -> i32 {
    match done {
        Ok(status) => status,
        Err(error) => {
            let told = format!("gatebench-recorder-program: {error}\n");
            write_all(2, told.as_bytes()).ok();
            NO_RECORDER
        }
    }
}

/// How the process was started; asked before anything is opened.
fn find() -> io::Result<Program> {
    let status = fs::read_to_string("/proc/self/status")?;
    let after = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    Ok(Program {
        argv: texts(&fs::read("/proc/self/cmdline")?),
        environ: texts(&fs::read("/proc/self/environ")?),
        cwd: latin1(fs::read_link("/proc/self/cwd")?.as_os_str().as_bytes()),
        descriptors: descriptors()?,
        blocked: signals(&after("SigBlk:")),
        ignored: signals(&after("SigIgn:")),
        umask: after("Umask:"),
        limits: limits(&fs::read_to_string("/proc/self/limits")?),
        gone: None,
    })
}

/// Texts that end in NUL.
fn texts(octets: &[u8]) -> Vec<String> {
    let octets = octets.strip_suffix(b"\0").unwrap_or(octets);
    match octets {
        [] => Vec::new(),
        octets => octets.split(|&octet| octet == 0).map(latin1).collect(),
    }
}

fn descriptors() -> io::Result<Vec<(i32, String)>> {
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let number = entry.file_name().to_string_lossy().parse().unwrap_or(-1);
        let Ok(what) = fs::read_link(entry.path()) else {
            continue;
        };
        // The folder itself is open while it is read.
        if !what.to_string_lossy().starts_with("/proc/") {
            open.push((number, latin1(what.as_os_str().as_bytes())));
        }
    }
    open.sort();
    Ok(open)
}

/// Numbers of the signals in a mask of sixteen hexadecimal digits; 32 and 33 are the C library's own.
fn signals(mask: &str) -> Vec<i32> {
    let mask = u64::from_str_radix(mask, 16).unwrap_or_default();
    let numbers = (1..=64).filter(|number| ![32, 33].contains(number));
    numbers
        .filter(|number| mask >> (number - 1) & 1 == 1)
        .collect()
}

/// Soft limits by name.
fn limits(table: &str) -> Vec<(String, String)> {
    const NAME: usize = 26;
    let rows = table.lines().skip(1);
    rows.filter_map(|row| {
        let (name, rest) = row.split_at_checked(NAME)?;
        let soft = rest.split_whitespace().next()?;
        Some((name.trim().to_owned(), soft.to_owned()))
    })
    .collect()
}

/// The socket that the file beside the program names.
fn socket() -> io::Result<UnixStream> {
    let mut beside = fs::read_link("/proc/self/exe")?.into_os_string();
    beside.push(".");
    beside.push(BESIDE);
    let beside = PathBuf::from(beside);
    let told = |error: io::Error, path: &Path| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    let name = fs::read_to_string(&beside).map_err(|error| told(error, &beside))?;
    let at = Path::new(name.trim());
    UnixStream::connect(at).map_err(|error| told(error, at))
}

/// How far standard input may be read.
struct Allowed {
    octets: Mutex<u64>,
    changed: Condvar,
}

static ALLOWED: Allowed = Allowed {
    octets: Mutex::new(0),
    changed: Condvar::new(),
};

/// Keeps the frames of several threads apart.
static TELLING: Mutex<()> = Mutex::new(());

fn tell(frame: Frame, recorder: &mut UnixStream, octets: &[u8]) -> io::Result<()> {
    let _telling = TELLING.lock().unwrap_or_else(PoisonError::into_inner);
    frame.write(recorder, octets)
}

/// Hands over what was found and does what it is told; the status to exit with.
fn talk(found: &Program) -> io::Result<i32> {
    // SAFETY: only what a write to a closed pipe does to this process.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let mut recorder = socket()?;
    let told = serde_json::to_vec(found).map_err(io::Error::from)?;
    tell(Frame::Found, &mut recorder, &told)?;
    let (input, output) = (recorder.try_clone()?, recorder.try_clone()?);
    thread::spawn(move || relay_input(input));
    thread::spawn(move || watch_output(output));
    loop {
        // A recorder that has hung up is done with the case.
        let Ok((frame, octets)) = Frame::read(&mut recorder) else {
            return Ok(0);
        };
        match frame {
            Frame::Output => tell_unread(write_all(1, &octets), &mut recorder),
            Frame::Error => _ = write_all(2, &octets),
            Frame::CloseOutput => close(1),
            Frame::CloseError => close(2),
            Frame::Read => allow(&octets),
            Frame::Exit => return Ok(i32::from(octets.first().copied().unwrap_or_default())),
            Frame::Signal => die(&octets),
            Frame::Found | Frame::Input | Frame::InputEnd | Frame::Unread => {}
        }
    }
}

fn tell_unread(written: io::Result<()>, recorder: &mut UnixStream) {
    if written.is_err() {
        tell(Frame::Unread, recorder, b"").ok();
    }
}

fn allow(octets: &[u8]) {
    let limit = octets.try_into().map_or(0, u64::from_be_bytes);
    let mut allowed = ALLOWED
        .octets
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    *allowed = limit;
    ALLOWED.changed.notify_all();
}

/// Waits until more may be read than was; how much.
fn allowed(taken: u64) -> u64 {
    let mut octets = ALLOWED
        .octets
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    while *octets <= taken {
        let waited = ALLOWED.changed.wait(octets);
        octets = waited.unwrap_or_else(PoisonError::into_inner);
    }
    *octets - taken
}

fn relay_input(mut recorder: UnixStream) {
    let (mut taken, mut buf) = (0, vec![0; PIECE]);
    loop {
        let room = usize::try_from(allowed(taken))
            .unwrap_or(usize::MAX)
            .min(PIECE);
        // SAFETY: descriptor 0 is only borrowed; `ManuallyDrop` keeps it open.
        let mut stdin = std::mem::ManuallyDrop::new(unsafe { fs::File::from_raw_fd(0) });
        let told = match stdin.read(&mut buf[..room]) {
            Ok(size @ 1..) => {
                taken += size as u64;
                tell(Frame::Input, &mut recorder, &buf[..size])
            }
            Ok(0) | Err(_) => {
                tell(Frame::InputEnd, &mut recorder, b"").ok();
                return;
            }
        };
        if told.is_err() {
            return;
        }
    }
}

/// How often standard output is looked at: a call that lasted would keep it open past its close.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Tells when nobody reads standard output any more.
fn watch_output(mut recorder: UnixStream) {
    loop {
        let mut poll = libc::pollfd {
            fd: 1,
            events: 0,
            revents: 0,
        };
        // SAFETY: one pollfd, which lives as long as the call.
        let ready = unsafe { libc::poll(&raw mut poll, 1, 0) };
        if ready > 0 {
            // Otherwise it was closed here, as it was told.
            if poll.revents & (libc::POLLERR | libc::POLLHUP) != 0 {
                tell(Frame::Unread, &mut recorder, b"").ok();
            }
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn write_all(fd: i32, octets: &[u8]) -> io::Result<()> {
    // SAFETY: the descriptor is only borrowed; `ManuallyDrop` keeps it open.
    let mut file = std::mem::ManuallyDrop::new(unsafe { fs::File::from_raw_fd(fd) });
    debug_assert_eq!(file.as_raw_fd(), fd);
    file.write_all(octets)
}

fn close(fd: i32) {
    // SAFETY: nothing in this program owns the descriptors that it was started with.
    drop(unsafe { fs::File::from_raw_fd(fd) });
}

fn die(octets: &[u8]) {
    let signal = octets.try_into().map_or(libc::SIGKILL, i32::from_be_bytes);
    // SAFETY: both only concern this process: the signal's own effect, then the signal.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    process::exit(NO_RECORDER);
}
