//! Reports of one sample run: as pictures, arranged, stored and read back.

mod findings;
mod outputs;
mod sample;
mod stored;
