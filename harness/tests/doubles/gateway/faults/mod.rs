//! Everything that the double can do wrong on the wire behind it, by what goes over that wire:
//! the faults of `scenarios/faults/gateway.toml`.

use super::super::faults::{Act, Fault, fault};

mod connection;
mod execute;
mod http;
mod packet;
mod params;
mod records;
mod reply;
mod stream_reply;
mod users;

/// Every fault that the double has on its wire.
pub(crate) fn all() -> impl Iterator<Item = &'static Fault> {
    let lists = [
        records::FAULTS,
        params::FAULTS,
        packet::FAULTS,
        reply::FAULTS,
        stream_reply::FAULTS,
        connection::FAULTS,
        http::FAULTS,
        execute::FAULTS,
        users::FAULTS,
    ];
    lists.into_iter().flatten()
}
