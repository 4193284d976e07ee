//! The end of requests that take too long (`harakiri`).
//!
//! An application that does not block is simply given up by the event loop
//! ([`limited`](crate::app)). One that blocks, such as a WSGI application, cannot be stopped
//! without its process: the worker answers in its place and dies.

mod suspect;

pub(crate) use suspect::Suspect;
