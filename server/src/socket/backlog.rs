//! How many connections wait on a listening socket to be accepted.

#![allow(unsafe_code)]

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};
use nix::sys::stat::fstat;
use socket2::{Domain, Socket};

/// The queue of a listening socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Connections that wait.
    pub(crate) waiting: u32,
    /// The most that may.
    pub(crate) most: u32,
}

impl Backlog {
    /// Of a listening TCP or Unix socket.
    ///
    /// # Errors
    /// What the kernel says; some sandboxes do not let a process ask about Unix sockets.
    pub(crate) fn of(socket: &Socket) -> io::Result<Self> {
        match socket.domain()? {
            Domain::UNIX => of_unix(socket),
            _ => of_tcp(socket),
        }
    }
}

/// Of a listening socket the kernel reports the queue in fields that have another meaning for a
/// connected one.
fn of_tcp(socket: &Socket) -> io::Result<Backlog> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut size = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: `info` has room for `size` bytes; it is zeroed, which is a valid value for what the
    // kernel leaves out.
    let info = unsafe {
        let answer = libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &mut size,
        );
        Errno::result(answer)?;
        info.assume_init()
    };
    Ok(Backlog {
        waiting: info.tcpi_unacked,
        most: info.tcpi_sacked,
    })
}

/// The message that asks for one Unix socket (`linux/unix_diag.h`).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SHOW_RQLEN: u32 = 0x10;
const ATTRIBUTE_RQLEN: u16 = 4;

/// `nlmsghdr` and `unix_diag_msg`.
const ANSWER_HEAD: usize = 16 + 16;

fn of_unix(unix: &Socket) -> io::Result<Backlog> {
    let inode = u32::try_from(fstat(unix)?.st_ino).map_err(io::Error::other)?;
    let netlink = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkSockDiag,
    )?;
    send(netlink.as_raw_fd(), &question(inode), MsgFlags::empty())?;
    let mut answer = [0; 1024];
    let length = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    queue_in(&answer[..length])
        .ok_or_else(|| io::Error::other("the kernel does not tell of the socket's queue"))
}

fn question(inode: u32) -> Vec<u8> {
    let mut message = Vec::with_capacity(40);
    // nlmsghdr: length, type, flags (NLM_F_REQUEST), sequence, port.
    message.extend(40_u32.to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(1_u16.to_ne_bytes());
    message.extend([0; 8]);
    // unix_diag_req: family, protocol, padding, all states, inode, what to show, any cookie.
    message.extend([libc::AF_UNIX as u8, 0, 0, 0]);
    message.extend(u32::MAX.to_ne_bytes());
    message.extend(inode.to_ne_bytes());
    message.extend(SHOW_RQLEN.to_ne_bytes());
    message.extend([0xff; 8]);
    message
}

/// Finds the queue among the attributes of an answer.
fn queue_in(answer: &[u8]) -> Option<Backlog> {
    let kind = u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?);
    let mut attributes = answer.get(ANSWER_HEAD..)?;
    if kind != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    loop {
        let length = usize::from(u16::from_ne_bytes(*attributes.first_chunk()?));
        let kind = u16::from_ne_bytes(*attributes.get(2..)?.first_chunk()?);
        let content = attributes.get(4..length)?;
        if kind == ATTRIBUTE_RQLEN {
            return Some(Backlog {
                waiting: u32::from_ne_bytes(*content.first_chunk()?),
                most: u32::from_ne_bytes(*content.get(4..)?.first_chunk()?),
            });
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::{Duration, Instant};

    use super::*;

    /// The kernel may put a connection into the queue a little later.
    #[track_caller]
    fn assert_waiting(socket: &Socket, expected: u32) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let backlog = Backlog::of(socket).unwrap();
            if backlog.waiting == expected {
                assert!(backlog.most >= expected);
                return;
            }
            assert!(Instant::now() < deadline, "{backlog:?}");
        }
    }

    #[test]
    fn connections_that_wait_on_a_tcp_socket_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = Socket::from(listener);
        assert_waiting(&socket, 0);
        let _peers = [address, address].map(|it| TcpStream::connect(it).unwrap());
        assert_waiting(&socket, 2);
    }

    #[test]
    fn connections_that_wait_on_a_unix_socket_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let socket = Socket::from(UnixListener::bind(&path).unwrap());
        if let Err(error) = Backlog::of(&socket) {
            return eprintln!("skipped: the kernel does not tell: {error}");
        }
        assert_waiting(&socket, 0);
        let _peers = [&path, &path].map(|it| UnixStream::connect(it).unwrap());
        assert_waiting(&socket, 2);
    }
}
