//! What breaks, and what mends it: real servers with a setting that is too small, then with one
//! that fits.

mod catalogue;
mod play;

use serde::Serialize;

use super::{site::Shown, tree::Process, way::Way};

pub(super) use catalogue::{TROUBLES, named};
pub(super) use play::play;

/// Something that goes wrong.
pub(super) struct Trouble {
    /// A word of the page's dictionary, and of the address.
    pub(super) id: &'static str,
    /// The option that governs it, by way.
    pub(super) option: fn(Way) -> &'static str,
    /// Options of the server that let it happen.
    broken: fn(Way) -> Setting,
    /// Options that mend it, or make it harmless.
    mended: fn(Way) -> Setting,
    /// What clients do, one wave after the other.
    waves: &'static [Wave],
}

/// How a site is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Setting {
    processes: u32,
    /// The gateway keeps its connections.
    keep: bool,
    options: Vec<&'static str>,
}

/// Requests that are sent at the same time.
#[derive(Clone, Copy, Debug)]
struct Wave {
    count: u32,
    /// Query for `hello.py`.
    query: &'static str,
    /// Octets of a header field that is sent along.
    cookie: usize,
    /// The clients leave after so many milliseconds.
    hang_up: Option<u64>,
    /// The next wave does not wait for this one.
    meanwhile: bool,
}

impl Wave {
    const fn of(count: u32, query: &'static str) -> Self {
        Self {
            count,
            query,
            cookie: 0,
            hang_up: None,
            meanwhile: false,
        }
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Played {
    pub(super) trouble: &'static str,
    pub(super) way: Way,
    pub(super) mended: bool,
    pub(super) option: &'static str,
    pub(super) clients: Vec<Client>,
    /// What gateway and server logged.
    pub(super) logs: Vec<(String, String)>,
    pub(super) before: Vec<Process>,
    pub(super) after: Vec<Process>,
    /// Proportional memory of the server's processes after it, in bytes.
    pub(super) memory: Option<u64>,
    pub(super) shown: Vec<Shown>,
}

/// What one client saw.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Client {
    pub(super) wave: usize,
    pub(super) query: &'static str,
    /// Milliseconds since the first request left.
    pub(super) from_ms: f64,
    pub(super) took_ms: f64,
    pub(super) status: Option<u16>,
    /// Process that answered, where it told.
    pub(super) pid: Option<i64>,
    /// How many requests that process had answered by then.
    pub(super) served: Option<i64>,
    /// Why there is no whole reply.
    pub(super) trouble: Option<String>,
}
