//! Where the bench sits: HTTP client in front, tap on the wire behind the gateway.

pub mod client;
mod reply;
pub mod tap;
mod watch;
