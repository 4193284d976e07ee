//! Takes apart what a gateway sends. What is merely odd is kept as it came; only where nobody could
//! tell how to go on is a line malformed.

mod fastcgi;
mod http;
mod program;
mod scgi;
#[cfg(test)]
mod tests;
mod uwsgi;

use super::stage::Taken;
use crate::{model::Model, scenario::text::latin1, witness::recorded::Param};

/// Understands one connection, across cases.
pub(super) trait Decode: Send {
    /// Takes what came next.
    ///
    /// # Errors
    /// Why nothing more can be understood.
    fn feed(&mut self, octets: &[u8], taken: &mut Taken) -> Result<(), String>;

    /// Whether what was begun is complete, so that another request may follow.
    fn is_idle(&self) -> bool;
}

/// A decoder of what is spoken to a backend of `model`; over CGI, by the program that stands there.
pub(super) fn of(model: Model) -> Box<dyn Decode> {
    match model {
        Model::Cgi | Model::CgiWarm => Box::new(program::Frames::default()),
        Model::FastCgi => Box::new(fastcgi::Records::default()),
        Model::Uwsgi => Box::new(uwsgi::Packet::default()),
        Model::Scgi => Box::new(scgi::Netstring::default()),
        Model::Http => Box::new(http::Message::default()),
    }
}

fn param(name: &[u8], value: &[u8]) -> Param {
    Param {
        name: latin1(name),
        value: latin1(value),
        forms: None,
    }
}

/// Adds what follows the head of a request that announces its length, and says when it is whole.
fn body(taken: &mut Taken, request: usize, octets: &[u8]) {
    taken.body(request, octets);
    let asked = taken.asked(request);
    asked.is_whole = asked.body.size >= announced(asked.param("CONTENT_LENGTH"));
}

/// The length that is announced; 0 where none can be read.
pub(super) fn announced(length: Option<&str>) -> u64 {
    length
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0)
}
