//! Whose connections are served.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};

use crate::log;
use crate::options::ListenerSettings;

/// Offenders that are told of; later ones are refused in silence, so that the log stays bounded.
const TOLD: usize = 64;

/// The web servers that may connect to a FastCGI socket (FCGI-3.2-WEB-SERVER-ADDRS).
#[derive(Debug)]
pub(crate) struct Admission {
    servers: Vec<IpAddr>,
    /// Who was told of: each once.
    told: RefCell<Vec<Option<IpAddr>>>,
}

impl Admission {
    /// That of a listener; `None` where everybody may connect.
    pub(crate) fn of(listener: &ListenerSettings) -> Option<Self> {
        let servers = listener.clients.as_ref()?;
        Some(Self {
            servers: servers.iter().map(IpAddr::to_canonical).collect(),
            told: RefCell::default(),
        })
    }

    /// Whether a connection from there is served; a Unix socket's peer has no address, and is not.
    pub(crate) fn admits(&self, peer: Option<SocketAddr>) -> bool {
        let from = peer.map(|peer| peer.ip().to_canonical());
        let is_one = from.is_some_and(|from| self.servers.contains(&from));
        if !is_one {
            self.tell(from);
        }
        is_one
    }

    fn tell(&self, from: Option<IpAddr>) {
        let mut told = self.told.borrow_mut();
        if told.len() < TOLD && !told.contains(&from) {
            told.push(from);
            let from = from.map_or_else(|| "a Unix socket".to_owned(), |from| from.to_string());
            log::fault(&format!(
                "connection from {from} closed: it is none of fastcgi-web-servers \
                 (FCGI_WEB_SERVER_ADDRS)"
            ));
        }
    }
}
