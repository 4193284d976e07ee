//! Telling systemd, or whoever else gave a `NOTIFY_SOCKET`, how the server is (`sd_notify(3)`).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use crate::{clock, log};

/// Where to tell it, and how often to show that the master still turns its loop.
#[derive(Debug)]
pub(crate) struct Notifier {
    socket: UnixDatagram,
    /// Half the time after which silence is taken for a hang.
    interval: Option<Duration>,
    next: Instant,
}

impl Notifier {
    /// By the environment; `None` if nobody wants to be told.
    pub(crate) fn from_environment() -> Option<Self> {
        let address = std::env::var_os("NOTIFY_SOCKET")?;
        match connect(address.as_bytes()) {
            Ok(socket) => Some(Self {
                socket,
                interval: watchdog(|name| std::env::var(name).ok()),
                next: Instant::now(),
            }),
            Err(error) => {
                let address = address.to_string_lossy();
                log::tell(&format!("NOTIFY_SOCKET {address} cannot be used: {error}"));
                None
            }
        }
    }

    /// All workers accept.
    pub(crate) fn ready(&self) {
        let pid = std::process::id();
        self.send(&format!(
            "READY=1\nMAINPID={pid}\nSTATUS=gateserve is ready\n"
        ));
    }

    /// Workers finish what they have, and a new server follows in this process.
    pub(crate) fn reloading(&self) {
        let now = clock::monotonic_us();
        self.send(&format!(
            "RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=gateserve is reloading\n"
        ));
    }

    /// Workers finish what they have, and that is the end.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=gateserve is stopping\n");
    }

    /// When the next sign of life is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.interval.map(|_| self.next)
    }

    /// Gives a sign of life if it is due.
    pub(crate) fn act(&mut self, now: Instant) {
        if let Some(interval) = self.interval.filter(|_| self.next <= now) {
            self.next = now + interval;
            self.send("WATCHDOG=1\n");
        }
    }

    /// A message that does not arrive must not hold up the server.
    fn send(&self, state: &str) {
        let _ = self.socket.send(state.as_bytes());
    }
}

/// A path, or a name in the abstract namespace behind an `@`.
fn connect(address: &[u8]) -> io::Result<UnixDatagram> {
    let address = match address.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(address))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

/// Half of `WATCHDOG_USEC`, if it is meant for this process.
fn watchdog(variable: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let others = |pid: String| pid != std::process::id().to_string();
    if variable("WATCHDOG_PID").is_some_and(others) {
        return None;
    }
    let microseconds = variable("WATCHDOG_USEC")?.parse().ok()?;
    (microseconds > 0).then(|| Duration::from_micros(microseconds) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_comes_twice_in_the_watchdogs_time() {
        let variables = |pid: Option<u32>| {
            move |name: &str| match name {
                "WATCHDOG_USEC" => Some("3000000".to_owned()),
                _ => pid.map(|pid| pid.to_string()),
            }
        };
        let half = Some(Duration::from_millis(1500));
        assert_eq!(watchdog(variables(None)), half);
        assert_eq!(watchdog(variables(Some(std::process::id()))), half);
        assert_eq!(watchdog(variables(Some(1))), None);
        assert_eq!(watchdog(|_| None), None);
    }
}
