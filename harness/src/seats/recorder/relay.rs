//! A FastCGI application that a gateway starts itself (FCGI-2.2: the listening socket is descriptor
//! 0), and that hands every connection on to the bench.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::{
        fd::{FromRawFd, OwnedFd, RawFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    thread,
};

/// Passes on every connection of a listening Unix socket, until the process is ended.
///
/// # Errors
/// The descriptor is no listening socket, or connections can no longer be accepted.
pub fn serve(listening: RawFd, to: &Path) -> io::Result<()> {
    // SAFETY: the process was started with this descriptor, and nothing else in it uses it.
    let listener = UnixListener::from(unsafe { OwnedFd::from_raw_fd(listening) });
    loop {
        let (gateway, _) = listener.accept()?;
        // Without the bench there is nobody to serve; the gateway sees the connection end.
        if let Ok(backend) = UnixStream::connect(to) {
            join(gateway, backend)?;
        }
    }
}

/// Two threads, one for each way.
fn join(gateway: UnixStream, backend: UnixStream) -> io::Result<()> {
    let back = (backend.try_clone()?, gateway.try_clone()?);
    thread::spawn(move || pass(gateway, backend));
    thread::spawn(move || pass(back.0, back.1));
    Ok(())
}

/// Passes octets on until their end, and the end as well; where the other side is gone, both ends.
fn pass(mut from: UnixStream, mut to: UnixStream) {
    let mut buf = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buf) {
            Ok(size @ 1..) => {
                if to.write_all(&buf[..size]).is_err() {
                    // Nobody takes what is sent any more.
                    from.shutdown(Shutdown::Both).ok();
                    return;
                }
            }
            Ok(0) => return drop(to.shutdown(Shutdown::Write)),
            Err(_) => return drop(to.shutdown(Shutdown::Both)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;

    use super::*;

    #[test]
    fn octets_pass_both_ways_and_so_do_ends() {
        let folder = tempfile::tempdir().unwrap();
        let [at, to] = ["at", "to"].map(|name| folder.path().join(name));
        let listening = UnixListener::bind(&at).unwrap().into_raw_fd();
        let bench = UnixListener::bind(&to).unwrap();
        thread::spawn(move || serve(listening, &to));
        let mut gateway = UnixStream::connect(&at).unwrap();
        let (mut taken, _) = bench.accept().unwrap();
        gateway.write_all(b"request").unwrap();
        gateway.shutdown(Shutdown::Write).unwrap();
        let mut came = String::new();
        taken.read_to_string(&mut came).unwrap();
        assert_eq!(came, "request");
        taken.write_all(b"reply").unwrap();
        drop(taken);
        came.clear();
        gateway.read_to_string(&mut came).unwrap();
        assert_eq!(came, "reply");
    }
}
