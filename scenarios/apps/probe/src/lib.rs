//! The application that every backend under test runs, as plain functions.
//!
//! The request says how to reply: the header `X-Probe` holds commands, which
//! [`Plan::parse`] reads. The reply says what was seen: without a command that
//! gives a body it is a [`Report`]. [`Plan::answer`] turns both into a head and
//! a payload, and whoever carries the request drives its own I/O with them:
//! [`cgi::run`] here, the native application of gateserve elsewhere.
//!
//! ```
//! use probe::{Interface, Payload, Plan, Report};
//!
//! let plan = Plan::parse(b"status=404 Not Found; body=gone").unwrap();
//! let answer = plan.answer(Interface::Cgi, b"GET", &Report::default());
//! assert_eq!(answer.head.unwrap().status.unwrap().code, 404);
//! assert_eq!(answer.payload, Payload::Bytes(b"gone".to_vec()));
//! ```

pub mod answer;
pub mod burn;
pub mod cgi;
pub mod command;
pub mod pieces;
pub mod plan;
pub mod report;

pub use answer::{Answer, Head, Payload, Status};
pub use command::Unknown;
pub use pieces::{Piece, Pieces};
pub use plan::{Death, Plan};
pub use report::{BodySeen, Digest, Interface, Report};
