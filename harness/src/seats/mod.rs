//! Where the bench sits: HTTP client in front, tap on the wire behind the gateway, driver or recorder
//! in place of one side.

pub mod client;
pub mod driver;
pub mod recorder;
mod reply;
mod socket;
pub mod tap;
mod tls;
mod watch;

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

/// Whether a connection failed for want of somebody who takes it, which is a subject's matter. Any
/// other reason, such as no open files left, is the bench's own trouble and says nothing of anybody.
fn is_subjects(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::TimedOut
            // A Unix socket that is gone, or whose queue is full.
            | ErrorKind::NotFound
            | ErrorKind::WouldBlock
    )
}

/// Why there is no connection to a gateway.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The gateway does not take it.
    #[error("the gateway takes no connection: {0}")]
    Refused(#[source] io::Error),
    /// The bench cannot make it.
    #[error("the bench cannot connect to {to}: {source}")]
    Own {
        /// The gateway's address.
        to: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_refuses_the_bench_is_no_subjects_matter() {
        let of = |errno: i32| is_subjects(&io::Error::from_raw_os_error(errno));
        for errno in [
            libc::EMFILE,
            libc::ENFILE,
            libc::ENOBUFS,
            libc::EADDRNOTAVAIL,
        ] {
            assert!(!of(errno), "{}", io::Error::from_raw_os_error(errno));
        }
        for errno in [
            libc::ECONNREFUSED,
            libc::ETIMEDOUT,
            libc::ENOENT,
            libc::EAGAIN,
        ] {
            assert!(of(errno), "{}", io::Error::from_raw_os_error(errno));
        }
    }
}
