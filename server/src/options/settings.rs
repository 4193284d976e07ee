//! What the options mean, worked out once: nothing below looks at option texts again.

use std::path::PathBuf;
use std::time::Duration;

use crate::exchange::Protocol;
use crate::socket::Address;

/// How `--cgi` scripts run, whatever their mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgiSettings {
    /// `cgi-env`: variables added to every script's environment, in order.
    pub env: Vec<(String, String)>,
    /// `cgi-timeout`: how long a script may stay silent before it is killed.
    pub timeout: Duration,
    /// `cgi-helper`: interpreter by file extension (with its dot), as `.py` and `python3`.
    pub helpers: Vec<(String, String)>,
    /// `cgi-index`: file names to try where the path is a folder.
    pub index: Vec<String>,
    /// `cgi-allowed-ext`: the only extensions (with their dot) that may run; empty for all.
    pub allowed_ext: Vec<String>,
    /// `buffer-size`-independent limit on the head that a script prints, in bytes.
    pub head_bytes: usize,
}

impl Default for CgiSettings {
    fn default() -> Self {
        Self {
            env: Vec::new(),
            timeout: Duration::from_secs(60),
            helpers: Vec::new(),
            index: Vec::new(),
            allowed_ext: Vec::new(),
            head_bytes: 64 * 1024,
        }
    }
}

/// One `--cgi [/prefix=]PATH`: a folder of scripts, or one script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgiMount {
    /// The URL prefix without a slash at its end; empty for the root.
    pub prefix: String,
    /// The folder, or the script's file.
    pub path: PathBuf,
}

/// One `--uwsgi-to`, `--fastcgi-to` or `--scgi-to`: where the built-in gateway forwards to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The protocol to speak; never [`Protocol::Http`].
    pub protocol: Protocol,
    /// The application server's socket.
    pub address: Address,
    /// `http-timeout`: how long the upstream may take to connect or stay silent.
    pub timeout: Duration,
}

/// The most sockets that may be listened on, as in uWSGI 0.9.
pub const MAX_SOCKETS: usize = 8;
