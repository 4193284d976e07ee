//! Reports: pure functions from stored results to text, each with a picture of itself beside it.

pub mod contest;
pub mod findings;
pub mod junit;
pub mod markdown;
pub mod terminal;
pub mod text;
pub mod units;
pub mod view;
