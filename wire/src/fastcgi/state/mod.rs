//! The life of requests on a connection (FastCGI 1.0 sections 3.3, 5 and 6), from
//! either side.

mod application;
mod client;

pub use application::{AppEvent, Application, Limits};
pub use client::{Client, ClientEvent};
