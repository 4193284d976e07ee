//! Sockets that systemd has bound and left open (`sd_listen_fds(3)`).

use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::RawFd;

use socket2::Socket;

use super::{Address, inherited};

/// The first descriptor, by convention.
const FIRST: RawFd = 3;

/// Listening sockets by their descriptors, from 3 on, until they are claimed.
#[derive(Debug, Default)]
pub(crate) struct Activated(Vec<Socket>);

impl Activated {
    /// What was left open for this process, by `LISTEN_PID` and `LISTEN_FDS`.
    pub(crate) fn received() -> Self {
        let count = count(|name| std::env::var(name).ok(), std::process::id());
        let sockets = (FIRST..FIRST + count).filter_map(inherited::take);
        Self(
            sockets
                .filter(|it| it.is_listener().unwrap_or(false))
                .collect(),
        )
    }

    /// The socket that is bound to this address. (`fd://N` names one by its descriptor.)
    pub(crate) fn claim(&mut self, address: &Address) -> Option<Socket> {
        let at = self
            .0
            .iter()
            .position(|socket| is_bound_to(socket, address))?;
        let socket = self.0.swap_remove(at);
        socket.set_nonblocking(true).is_ok().then_some(socket)
    }
}

/// Whether the service manager has left sockets open for this process.
pub(crate) fn is_activated() -> bool {
    count(|name| std::env::var(name).ok(), std::process::id()) > 0
}

fn count(variable: impl Fn(&str) -> Option<String>, pid: u32) -> RawFd {
    let meant = variable("LISTEN_PID").is_some_and(|meant| meant == pid.to_string());
    let count = variable("LISTEN_FDS").filter(|_| meant);
    count
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
        .clamp(0, 1024)
}

fn is_bound_to(socket: &Socket, address: &Address) -> bool {
    let Ok(local) = socket.local_addr() else {
        return false;
    };
    match address {
        Address::Unix(path) => local.as_pathname() == Some(path),
        Address::Abstract(name) => local.as_abstract_namespace() == Some(name.as_bytes()),
        Address::Tcp { host, port } => local
            .as_socket()
            .is_some_and(|local| is_tcp_at(local, host, *port)),
        Address::Fd(_) => false,
    }
}

/// systemd binds `ListenStream=8000` to all interfaces of both families.
fn is_tcp_at(local: SocketAddr, host: &str, port: u16) -> bool {
    if local.port() != port {
        return false;
    }
    let every = host.is_empty() || host == "0.0.0.0";
    if every && local.ip().is_unspecified() {
        return true;
    }
    (host, port)
        .to_socket_addrs()
        .is_ok_and(|mut found| found.any(|it| it == local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_taken_only_if_they_are_meant_for_this_process() {
        let variables = |name: &str| match name {
            "LISTEN_PID" => Some("7".to_owned()),
            _ => Some("2".to_owned()),
        };
        assert_eq!(count(variables, 7), 2);
        assert_eq!(count(variables, 8), 0);
        assert_eq!(count(|_| None, 7), 0);
    }

    #[test]
    fn every_interface_of_both_families_is_every_interface() {
        let at = |text: &str| text.parse().unwrap();
        assert!(is_tcp_at(at("[::]:80"), "", 80));
        assert!(is_tcp_at(at("0.0.0.0:80"), "0.0.0.0", 80));
        assert!(is_tcp_at(at("127.0.0.1:80"), "127.0.0.1", 80));
        assert!(!is_tcp_at(at("127.0.0.1:80"), "", 80));
        assert!(!is_tcp_at(at("0.0.0.0:80"), "", 81));
    }
}
