//! The life of requests on a connection (FastCGI 1.0 sections 3.3, 5 and 6), from
//! either side.

mod application;
mod client;
mod refusal;

pub use application::{AppEvent, Application, Limits, MAX_PARAMS};
pub use client::{Client, ClientEvent};
pub use refusal::Refusal;
