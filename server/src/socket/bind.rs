//! From an address to a listening socket.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};

use super::tls::{self, Secrets, TlsError};
use super::{Address, Owner, inherited};
use crate::exchange::Protocol;
use crate::options::{SocketSettings, TlsSettings};

/// A listening socket.
#[derive(Debug)]
pub struct Bound {
    socket: Socket,
    /// What it is bound to, with the port that the system chose where 0 was asked for.
    pub name: String,
    /// The file of a Unix socket that this process made.
    pub file: Option<PathBuf>,
    /// Who has made it.
    pub(crate) owner: Owner,
    /// What its connections need for TLS.
    secrets: Option<Secrets>,
}

/// A socket that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The system refuses.
    #[error("cannot listen on {address}: {}", reason(.source))]
    Refused {
        /// Where.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// The host name stands for no address.
    #[error("cannot listen on {address}: the host is not known ({source})")]
    UnknownHost {
        /// Where.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// Another process answers on the Unix socket.
    #[error("cannot listen on {0}: another server is listening there")]
    InUse(Address),
    /// The path of a Unix socket is something else.
    #[error("cannot listen on {0}: a file is there that is no socket")]
    NoSocket(Address),
    /// The inherited descriptor is not a listening socket.
    #[error("cannot listen on {0}: the descriptor is no listening socket")]
    NotListening(Address),
    /// Certificates that cannot be used.
    #[error("cannot listen on {address} with TLS: {source}")]
    Tls {
        /// Where.
        address: Address,
        /// What is wrong with them.
        source: Box<TlsError>,
    },
    /// Permissions or owner of a Unix socket cannot be set.
    #[error("cannot set permissions or owner of {address}: {source}")]
    Permissions {
        /// Where.
        address: Address,
        /// Why.
        source: io::Error,
    },
}

impl BindError {
    /// Somebody else listens there.
    fn is_taken(&self) -> bool {
        match self {
            Self::InUse(_) => true,
            Self::Refused { source, .. } => source.kind() == ErrorKind::AddrInUse,
            _ => false,
        }
    }
}

/// A server whose master was killed lets go of its sockets when its workers have noticed: whoever
/// starts the next one at once need not try twice.
const LETS_GO_WITHIN: Duration = Duration::from_millis(500);

/// How often it is tried meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The system's words without their number, and what to look at for the common ones.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => "the port is taken by another program".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::NotFound => "no such folder".to_owned(),
        _ => error.to_string(),
    }
}

impl Bound {
    /// Binds and listens.
    ///
    /// # Errors
    /// The address is taken, not allowed, or does not exist; see [`BindError`].
    pub fn new(address: &Address, settings: &SocketSettings) -> Result<Self, BindError> {
        let deadline = Instant::now() + LETS_GO_WITHIN;
        let bound = loop {
            match open(address, settings) {
                Err(error) if error.is_taken() && Instant::now() < deadline => sleep(LOOK_AGAIN),
                opened => break opened?,
            }
        };
        bound
            .socket
            .set_nonblocking(true)
            .map_err(|source| refused(address, source))?;
        Ok(bound)
    }

    /// Goes on listening on a socket that a server before this one in the same process, or the
    /// service manager, has bound to `address`.
    ///
    /// # Errors
    /// The system refuses to listen.
    pub(crate) fn inherited(
        address: &Address,
        socket: Socket,
        owner: Owner,
        settings: &SocketSettings,
    ) -> Result<Self, BindError> {
        // The length of the queue may have changed.
        listen(&socket, settings.backlog).map_err(|source| refused(address, source))?;
        let local = socket.local_addr().ok().and_then(|local| local.as_socket());
        let (name, file) = match address {
            Address::Unix(path) => {
                let own = (owner == Owner::Server).then(|| path.clone());
                (path.display().to_string(), own)
            }
            _ => (
                local.map_or_else(|| address.to_string(), |it| it.to_string()),
                None,
            ),
        };
        Ok(Self {
            socket,
            name,
            file,
            owner,
            secrets: None,
        })
    }

    /// Lets nobody connect any more, to any process that has it, so that another server can have
    /// its place. One that belongs to a service manager stays as it is.
    pub(crate) fn let_go(&self) {
        if self.owner == Owner::Server {
            // Fails where it has been done.
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }

    /// uWSGI's word for the kind of an inherited socket.
    pub(crate) fn inherited_family(&self) -> &'static str {
        match self.socket.domain() {
            Ok(Domain::UNIX) => "UNIX",
            Ok(Domain::IPV6) => "INET6",
            _ => "INET",
        }
    }

    /// Reads the certificates for TLS on the connections of this socket, which is at `address`.
    ///
    /// # Errors
    /// They cannot be used.
    pub(crate) fn secure(
        &mut self,
        settings: &TlsSettings,
        protocol: Protocol,
        address: &Address,
    ) -> Result<(), BindError> {
        let secrets = tls::configure(settings, protocol).map_err(|source| BindError::Tls {
            address: address.clone(),
            source: Box::new(source),
        })?;
        self.secrets = Some(secrets);
        Ok(())
    }

    pub(super) fn secrets(&self) -> Option<Secrets> {
        self.secrets.clone()
    }

    /// The descriptor's number, for messages.
    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// What kind of socket it is, for messages.
    pub fn family(&self) -> &'static str {
        match self.socket.domain() {
            Ok(Domain::UNIX) => "UNIX",
            _ => "TCP",
        }
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }
}

fn open(address: &Address, settings: &SocketSettings) -> Result<Bound, BindError> {
    match address {
        Address::Tcp { host, port } => tcp(address, host, *port, settings),
        Address::Unix(path) => unix(address, path, settings),
        Address::Abstract(name) => abstract_socket(address, name, settings),
        Address::Fd(fd) => adopt(address, *fd),
    }
}

fn refused(address: &Address, source: io::Error) -> BindError {
    BindError::Refused {
        address: address.clone(),
        source,
    }
}

fn tcp(
    address: &Address,
    host: &str,
    port: u16,
    settings: &SocketSettings,
) -> Result<Bound, BindError> {
    // As in uWSGI, no host is all IPv4 interfaces.
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let unknown = |source| BindError::UnknownHost {
        address: address.clone(),
        source,
    };
    let mut resolved = (host, port).to_socket_addrs().map_err(unknown)?;
    let found = resolved
        .next()
        .ok_or_else(|| unknown(ErrorKind::NotFound.into()))?;
    let socket = listen_tcp(found, settings).map_err(|source| refused(address, source))?;
    let name = socket.local_addr().ok().and_then(|local| local.as_socket());
    Ok(Bound {
        name: name.unwrap_or(found).to_string(),
        socket,
        file: None,
        owner: Owner::Server,
        secrets: None,
    })
}

fn listen_tcp(address: SocketAddr, settings: &SocketSettings) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if settings.reuse_port {
        socket.set_reuse_port(true)?;
    }
    if settings.freebind {
        match address {
            SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
            SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
        }
    }
    set_buffers(&socket, settings)?;
    // Linux hands both on to accepted sockets, which saves a call for each of them.
    socket.set_tcp_nodelay(true)?;
    // A peer that vanished without a word would else hold an idle FastCGI connection for ever.
    socket.set_keepalive(true)?;
    socket.bind(&address.into())?;
    listen(&socket, settings.backlog)?;
    Ok(socket)
}

/// Accepted sockets inherit the sizes.
fn set_buffers(socket: &Socket, settings: &SocketSettings) -> io::Result<()> {
    let size = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
    if let Some(bytes) = settings.send_buffer {
        socket.set_send_buffer_size(size(bytes))?;
    }
    if let Some(bytes) = settings.receive_buffer {
        socket.set_recv_buffer_size(size(bytes))?;
    }
    Ok(())
}

fn listen(socket: &Socket, backlog: u32) -> io::Result<()> {
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))
}

fn unix(address: &Address, path: &Path, settings: &SocketSettings) -> Result<Bound, BindError> {
    clear_stale(address, path)?;
    let socket = bind_unix(path).map_err(|source| refused(address, source))?;
    // Nobody can connect before the permissions are what they are to be.
    let opened = permit(path, settings)
        .map_err(|source| BindError::Permissions {
            address: address.clone(),
            source,
        })
        .and_then(|()| {
            set_buffers(&socket, settings)
                .and_then(|()| listen(&socket, settings.backlog))
                .map_err(|source| refused(address, source))
        });
    if opened.is_err() {
        // The error above is the one to be told.
        let _ = std::fs::remove_file(path);
    }
    opened?;
    Ok(Bound {
        socket,
        name: path.display().to_string(),
        file: Some(path.to_owned()),
        owner: Owner::Server,
        secrets: None,
    })
}

fn bind_unix(path: &Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    Ok(socket)
}

/// Removes a socket that nobody listens on any more; whatever else is there stays.
fn clear_stale(address: &Address, path: &Path) -> Result<(), BindError> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(BindError::NoSocket(address.clone()));
    }
    if !is_stale(path) {
        return Err(BindError::InUse(address.clone()));
    }
    std::fs::remove_file(path).map_err(|source| refused(address, source))
}

/// Whether nobody listens on the socket. Somebody does whose queue is full or who lets us not in;
/// the former must not be waited for.
fn is_stale(path: &Path) -> bool {
    let connected = Socket::new(Domain::UNIX, Type::STREAM, None).and_then(|socket| {
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    });
    connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

fn permit(path: &Path, settings: &SocketSettings) -> io::Result<()> {
    if let Some((uid, gid)) = settings.owner {
        std::os::unix::fs::chown(
            path,
            uid.map(|uid| uid.as_raw()),
            gid.map(|gid| gid.as_raw()),
        )?;
    }
    match settings.mode {
        Some(mode) => std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

fn abstract_socket(
    address: &Address,
    name: &str,
    settings: &SocketSettings,
) -> Result<Bound, BindError> {
    let path = format!("\0{name}");
    let bound = bind_unix(Path::new(&path)).and_then(|socket| {
        listen(&socket, settings.backlog)?;
        Ok(socket)
    });
    let socket = bound.map_err(|source| refused(address, source))?;
    Ok(Bound {
        socket,
        name: address.to_string(),
        file: None,
        owner: Owner::Server,
        secrets: None,
    })
}

fn adopt(address: &Address, fd: RawFd) -> Result<Bound, BindError> {
    let listening = inherited::take(fd).filter(|socket| socket.is_listener().unwrap_or(false));
    let socket = listening.ok_or_else(|| BindError::NotListening(address.clone()))?;
    let local = socket.local_addr().ok().and_then(|local| local.as_socket());
    let name = local.map_or_else(|| address.to_string(), |local| local.to_string());
    Ok(Bound {
        socket,
        name,
        file: None,
        owner: Owner::Parent,
        secrets: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: SocketSettings = SocketSettings {
        backlog: 5,
        mode: Some(0o660),
        owner: None,
        vacuum: false,
        send_buffer: None,
        receive_buffer: None,
        reuse_port: false,
        freebind: false,
    };

    fn bind(text: &str) -> Result<Bound, BindError> {
        Bound::new(&text.parse().unwrap(), &SETTINGS)
    }

    #[test]
    fn port_0_is_told_as_the_port_that_it_became() {
        let bound = bind("127.0.0.1:0").unwrap();
        assert!(!bound.name.ends_with(":0"), "{}", bound.name);
    }

    #[test]
    fn a_taken_port_is_told_so() {
        let first = bind("127.0.0.1:0").unwrap();
        let error = bind(&first.name).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "cannot listen on {}: the port is taken by another program",
                first.name
            )
        );
    }

    #[test]
    fn a_unix_socket_gets_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let _bound = bind(path.to_str().unwrap()).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
    }

    #[test]
    fn a_stale_unix_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let text = path.to_str().unwrap();
        drop(bind(text).unwrap());
        let _live = bind(text).unwrap();
        assert!(matches!(bind(text), Err(BindError::InUse(_))));
    }

    #[test]
    fn a_server_whose_queue_is_full_is_alive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let live = bind_unix(&path).unwrap();
        listen(&live, 1).unwrap();
        let join = || {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let joined = socket.connect(&SockAddr::unix(&path).unwrap());
            joined.is_ok().then_some(socket)
        };
        let waiting: Vec<_> = std::iter::from_fn(join).take(10).collect();
        assert!(waiting.len() < 10, "the queue has no end");
        let bound = bind(path.to_str().unwrap());
        assert!(matches!(bound, Err(BindError::InUse(_))), "{bound:?}");
    }

    #[test]
    fn a_file_that_is_no_socket_stays() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = file.path().to_str().unwrap();
        assert!(matches!(bind(text), Err(BindError::NoSocket(_))));
        assert!(file.path().exists());
    }

    #[test]
    fn an_abstract_socket_needs_no_file() {
        let name = format!("@gateserve-test-{}", std::process::id());
        assert_eq!(bind(&name).unwrap().file, None);
    }

    #[test]
    fn a_descriptor_that_does_not_listen_is_refused() {
        assert!(matches!(bind("fd://9999"), Err(BindError::NotListening(_))));
    }
}
