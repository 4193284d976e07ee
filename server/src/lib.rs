//! An application server for the CGI family.
//!
//! ```text
//! master (synchronous: it only forks, supervises, stops)
//!   └─ worker (tokio current-thread, started after fork)
//!        bytes ◀─▶ wire ◀─▶ serve::{fastcgi, uwsgi, scgi, http} ◀─▶ exchange ◀─▶ app::{cgi, probe, forward}
//! ```

pub mod app;
pub mod exchange;
pub mod options;
pub mod socket;
