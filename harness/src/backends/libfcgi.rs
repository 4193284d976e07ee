//! The probe in C on libfcgi, the FastCGI library of old.

use super::{Backend, Seat};
use crate::{
    address::Address,
    launch::{Launch, Ready},
    model::Model,
};

/// A responder on libfcgi.
pub(super) struct Libfcgi;

/// What its image, or a compiler here, makes it from.
pub(crate) const SOURCE: &str = include_str!("../../../scenarios/apps/probe.c");

impl Backend for Libfcgi {
    fn name(&self) -> &'static str {
        "libfcgi"
    }

    fn speaks(&self) -> &'static [Model] {
        &[Model::FastCgi]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["gatebench-libfcgi"]
    }

    fn version(&self, about: &str) -> Option<String> {
        let (_, rest) = about.split_once("gatebench-libfcgi, libfcgi ")?;
        rest.lines().next().map(|line| line.trim().to_owned())
    }

    fn source(&self) -> &'static str {
        "apt install libfcgi-dev; gatebench probe --language c > probe.c; \
         cc -O2 -o gatebench-libfcgi probe.c -lfcgi"
    }

    fn c_source(&self) -> Option<&'static str> {
        Some(SOURCE)
    }

    fn c_libraries(&self) -> &'static [&'static str] {
        &["-lfcgi"]
    }

    fn app(&self, _: Model) -> &'static str {
        "probe.c"
    }

    fn launch(&self, seat: &Seat<'_>) -> Launch {
        Launch {
            name: "libfcgi".to_owned(),
            program: "gatebench-libfcgi".to_owned(),
            args: vec![seat.socket.display().to_string(), seat.workers.to_string()],
            env: Vec::new(),
            files: Vec::new(),
            ready: Ready::Accepts(Address::Unix(seat.socket.to_owned())),
            log_files: Vec::new(),
        }
    }
}
