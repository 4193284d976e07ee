//! What the options mean, worked out once: nothing below looks at option texts again.

use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::{Gid, Uid};

use crate::exchange::Protocol;
use crate::socket::Address;

/// The most sockets that may be listened on, as in uWSGI 0.9.
pub const MAX_SOCKETS: usize = 8;

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What to listen on; at least one, at most [`MAX_SOCKETS`].
    pub listeners: Vec<ListenerSettings>,
    /// How sockets are made.
    pub sockets: SocketSettings,
    /// What answers.
    pub apps: AppSettings,
    /// Master and workers.
    pub processes: ProcessSettings,
    /// Sizes and times that bound one request.
    pub limits: Limits,
    /// Where messages go.
    pub log: LogSettings,
    /// Whether to print the configuration instead of serving.
    pub check_only: bool,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
}

/// One socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    /// Where.
    pub address: Address,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Whether requests go to the upstream instead of the applications (`--http` with `--…-to`).
    pub forwards: bool,
}

/// How sockets are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSettings {
    /// `listen`: connections that may wait to be accepted.
    pub backlog: u32,
    /// `chmod-socket`: permissions of Unix sockets.
    pub mode: Option<u32>,
    /// `chown-socket`: owner of Unix sockets.
    pub owner: Option<(Option<Uid>, Option<Gid>)>,
    /// `vacuum`: whether Unix sockets and the pidfile are removed on exit.
    pub vacuum: bool,
}

/// What answers requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppSettings {
    /// `probe`: the native probe, at the root.
    pub probe: bool,
    /// `cgi`: folders and programs, in order.
    pub cgi: Vec<CgiMount>,
    /// How CGI programs run.
    pub cgi_settings: CgiSettings,
    /// Where the built-in gateway forwards to.
    pub upstream: Option<Upstream>,
}

/// How `--cgi` programs run, whatever their mount.
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
    /// Limit on the head that a script prints, in bytes.
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
    /// The URL prefix that is forwarded and becomes SCRIPT_NAME; empty for the root.
    pub prefix: String,
    /// The protocol to speak; never [`Protocol::Http`].
    pub protocol: Protocol,
    /// The application server's socket.
    pub address: Address,
    /// `http-timeout`: how long the upstream may take to connect or stay silent.
    pub timeout: Duration,
}

/// Master and workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// `processes`: number of workers.
    pub workers: u32,
    /// `max-requests`: requests after which a worker is replaced.
    pub max_requests: Option<u32>,
    /// `worker-reload-mercy`: time for running requests on shutdown.
    pub mercy: Duration,
    /// `chdir`.
    pub chdir: Option<PathBuf>,
    /// `uid`.
    pub uid: Option<Uid>,
    /// `gid`.
    pub gid: Option<Gid>,
    /// `pidfile`.
    pub pidfile: Option<PathBuf>,
}

/// Sizes and times that bound one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `buffer-size`: bytes of meta-variables or header fields.
    pub buffer_size: usize,
    /// `limit-post`: bytes of a request body; `u64::MAX` for any number.
    pub body_size: u64,
    /// `socket-timeout`: silence of a peer, in any direction.
    pub socket_timeout: Duration,
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Whether each request gets a line.
    pub requests: bool,
    /// `logto`: a file in place of standard error.
    pub file: Option<PathBuf>,
}
