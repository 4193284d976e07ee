//! The bench: real gateways in front of real backends, held against the specifications.

pub mod address;
pub mod event;
pub mod images;
pub mod launch;
pub mod load;
pub mod model;
pub mod outcome;
pub mod report;
pub mod requirement;
pub mod results;
pub mod scenario;
pub mod witness;
