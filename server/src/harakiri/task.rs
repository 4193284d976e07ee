//! What a thread is doing, as the kernel shows it.

use std::fs;
use std::os::fd::RawFd;
use std::path::PathBuf;

use nix::sys::socket::{SockaddrStorage, getpeername};
use nix::unistd::Pid;

use super::syscall::Syscall;

/// uWSGI's lines on a thread, and the call by name. What the kernel does not show is said to be
/// unknown, with the reason.
pub(crate) fn lines(process: Pid, thread: Pid) -> Vec<String> {
    let mut lines = Vec::new();
    match read(process, thread, "syscall") {
        Ok(call) => {
            lines.push(format!("HARAKIRI: -- syscall> {call}"));
            if let Some(call) = Syscall::parse(&call) {
                let call = call.decoded(|fd| target(process, fd));
                lines.push(format!("HARAKIRI: -- syscall> {call}"));
            }
        }
        Err(why) => lines.push(format!("HARAKIRI: -- syscall> unknown: {why}")),
    }
    match read(process, thread, "wchan") {
        Ok(channel) => lines.push(format!("HARAKIRI: -- wchan> {channel}")),
        Err(why) => lines.push(format!("HARAKIRI: -- wchan> unknown: {why}")),
    }
    lines
}

fn read(process: Pid, thread: Pid, what: &str) -> std::io::Result<String> {
    let text = fs::read_to_string(format!("/proc/{process}/task/{thread}/{what}"))?;
    Ok(text.trim_end().to_owned())
}

/// Where a descriptor leads: a path, or the peer of a socket of this process.
fn target(process: Pid, fd: u64) -> Option<String> {
    let link = fs::read_link(PathBuf::from(format!("/proc/{process}/fd/{fd}"))).ok()?;
    let link = link.to_string_lossy().into_owned();
    let is_own_socket = link.starts_with("socket:") && process == Pid::this();
    let peer = is_own_socket.then(|| peer(RawFd::try_from(fd).ok()?));
    Some(peer.flatten().unwrap_or(link))
}

fn peer(fd: RawFd) -> Option<String> {
    let address = getpeername::<SockaddrStorage>(fd).ok()?.to_string();
    (!address.is_empty()).then(|| format!("socket to {address}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    use nix::unistd::gettid;

    use super::*;

    #[test]
    fn a_thread_that_waits_for_a_peer_is_found_at_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let fd = stream.as_raw_fd();
        let (sender, receiver) = mpsc::channel();
        let reader = thread::spawn(move || {
            sender.send(gettid()).unwrap();
            let _ = stream.read(&mut [0]);
        });
        let thread = receiver.recv().unwrap();
        let expected = format!("fd={fd}<socket to {address}>");
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let lines = lines(Pid::this(), thread);
            if lines.iter().any(|line| line.contains(&expected)) {
                break;
            }
            assert!(Instant::now() < deadline, "{lines:?} lack {expected}");
        }
        drop(listener);
        reader.join().unwrap();
    }

    #[test]
    fn a_thread_that_is_gone_is_told_of_as_unknown() {
        let lines = lines(Pid::this(), Pid::from_raw(i32::MAX));
        assert!(lines[0].starts_with("HARAKIRI: -- syscall> unknown: "));
        assert!(lines[1].starts_with("HARAKIRI: -- wchan> unknown: "));
    }
}
