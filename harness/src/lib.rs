//! The bench: real gateways in front of real backends, held against the specifications.

pub mod address;
pub mod backends;
pub mod bench;
pub mod cause;
pub mod cli;
pub mod decode;
pub mod dialogue;
pub mod event;
pub mod gateways;
pub mod images;
pub mod launch;
pub mod load;
pub mod model;
pub mod outcome;
pub mod pairing;
pub mod programs;
pub mod report;
pub mod requirement;
pub mod results;
pub mod run;
pub mod scenario;
pub mod seating;
pub mod seats;
pub mod subject;
pub mod transcript;
pub mod witness;
