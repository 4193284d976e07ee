//! The variables of a log format.

use std::cell::RefCell;
use std::ffi::CString;
use std::str::FromStr;

use crate::clock;

/// Something that is filled in.
#[derive(Debug)]
pub(super) enum Variable {
    Plain(Plain),
    /// `ltime`, `ftime`.
    Date(Date),
    /// `var.NAME`: a variable of the request, by its place among those that the format asks for.
    Wanted(usize),
    /// `metric.NAME`.
    Metric(#[allow(dead_code, reason = "nothing is measured by name yet")] String),
    /// What an application has set by that name, if any has: all that is nothing else.
    Noted(String),
}

/// A date in a format of its own; it is written once a second.
#[derive(Debug)]
pub(super) struct Date {
    format: CString,
    latest: RefCell<(i64, Vec<u8>)>,
}

impl Date {
    pub(super) fn new(format: CString) -> Self {
        Self {
            format,
            latest: RefCell::new((-1, Vec::new())),
        }
    }

    /// Hands the date at a time in seconds since 1970 to `take`.
    pub(super) fn at(&self, second: i64, take: impl FnOnce(&[u8])) {
        let mut latest = self.latest.borrow_mut();
        if latest.0 != second {
            *latest = (second, clock::strftime(&self.format, second));
        }
        take(&latest.1);
    }
}

macro_rules! plain {
    ($($variant:ident $name:literal $meaning:literal,)*) => {
        /// The variables that are a name and nothing else, with uWSGI's names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Plain {
            $(#[doc = $meaning] $variant,)*
        }

        impl FromStr for Plain {
            type Err = ();

            fn from_str(name: &str) -> Result<Self, ()> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(()),
                }
            }
        }

        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$($name,)*];
    };
}

plain! {
    Uri "uri" "The request's URI.",
    Method "method" "Its method.",
    User "user" "The user that the gateway has authenticated.",
    Addr "addr" "The client's address.",
    Host "host" "The `Host` field.",
    Proto "proto" "The protocol, such as `HTTP/1.1`.",
    Uagent "uagent" "The `User-Agent` field.",
    Referer "referer" "The `Referer` field.",
    Status "status" "The reply's status.",
    Rsize "rsize" "Bytes of the reply's body.",
    Hsize "hsize" "Bytes of the reply's head.",
    Size "size" "Bytes of both.",
    Cl "cl" "The request's `Content-Length`, 0 for none.",
    Micros "micros" "How long it took, in microseconds.",
    Msecs "msecs" "The same in milliseconds.",
    Secs "secs" "The same in seconds with six decimals.",
    Time "time" "When it began, in seconds since 1970.",
    Tmsecs "tmsecs" "The same in milliseconds.",
    Tmicros "tmicros" "The same in microseconds.",
    Ctime "ctime" "The same as `ctime` writes it.",
    Epoch "epoch" "When the line is written, in seconds since 1970.",
    Pid "pid" "The worker's process id.",
    Wid "wid" "The worker's number, from 1.",
    Switches "switches" "How often the application gave way to others.",
    Vars "vars" "Number of the request's variables.",
    Core "core" "The core (thread) that ran it, from 0.",
    Vsz "vsz" "The worker's address space in bytes.",
    Rss "rss" "The worker's resident memory in bytes.",
    VszM "vszM" "Its address space in megabytes.",
    RssM "rssM" "Its resident memory in megabytes.",
    Pktsize "pktsize" "Size of the variables in a uwsgi packet.",
    Modifier1 "modifier1" "The uwsgi packet's `modifier1`: 0 for every request.",
    Modifier2 "modifier2" "Its `modifier2`, which has no meaning here: 0.",
    Headers "headers" "Number of the reply's header fields.",
    Werr "werr" "Times that the peer did not take the reply.",
    Rerr "rerr" "Times that the peer did not send its body.",
    Ioerr "ioerr" "Both together.",
}
