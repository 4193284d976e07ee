//! What the log says of a request that took too long.

use bytes::Bytes;
use wire::environ::Environ;

use crate::clock;

/// A request that may take too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suspect {
    /// Unix time in seconds.
    pub(crate) since: u64,
    pub(crate) remote_addr: Bytes,
    pub(crate) method: Bytes,
    pub(crate) uri: Bytes,
}

impl Suspect {
    /// The request of these variables, which begins now.
    pub(crate) fn of(environ: &Environ) -> Self {
        let text = |name| environ.get(name).cloned().unwrap_or_default();
        Self {
            since: clock::unix(),
            remote_addr: text("REMOTE_ADDR"),
            method: text("REQUEST_METHOD"),
            uri: text("REQUEST_URI"),
        }
    }

    /// uWSGI's line on it.
    pub(crate) fn line(&self, core: usize) -> String {
        format!(
            "HARAKIRI [core {core}] {} - {} {} since {}",
            String::from_utf8_lossy(&self.remote_addr),
            String::from_utf8_lossy(&self.method),
            String::from_utf8_lossy(&self.uri),
            self.since
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_uwsgis() {
        let suspect = Suspect {
            since: 1_795_361_287,
            remote_addr: "127.0.0.1".into(),
            method: "GET".into(),
            uri: "/slow".into(),
        };
        assert_eq!(
            suspect.line(0),
            "HARAKIRI [core 0] 127.0.0.1 - GET /slow since 1795361287"
        );
    }
}
