//! Reports of one sample run: as pictures, arranged, stored and read back.

mod findings;
mod outputs;
mod questions;
mod sample;
mod stored;
