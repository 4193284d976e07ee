//! Sockets: their addresses, binding, permissions, and reading and writing without waiting.

mod activation;
mod address;
mod backlog;
mod bind;
mod handover;
mod inherited;
mod listener;
mod receive;
mod register;
mod relay;
mod stream;
mod tls;

pub(crate) use activation::{Activated, is_activated};
pub use address::{Address, BadAddress};
pub(crate) use backlog::Backlog;
pub use bind::{BindError, Bound};
pub(crate) use handover::{Handover, Left, Owner, Purpose};
pub(crate) use listener::Listener;
pub(crate) use relay::{Label, Relay, Taker};
pub(crate) use stream::Stream;
pub use tls::TlsError;
