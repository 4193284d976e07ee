//! Reports of one sample run: as pictures, arranged, stored and read back.

mod findings;
mod history;
mod outputs;
mod questions;
mod relist;
mod sample;
mod stored;
mod sweep;
