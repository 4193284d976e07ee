//! The server as a process of a Unix system: names, rights, limits, environment, hooks.

pub(crate) mod command;
pub mod environment;
pub mod hooks;
pub mod identity;
pub(crate) mod limits;
pub(crate) mod notify;
pub(crate) mod procname;
