//! Sockets: their addresses, binding, permissions, and reading and writing without waiting.

mod address;

pub use address::{Address, BadAddress};
