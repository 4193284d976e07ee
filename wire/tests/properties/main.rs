//! What holds for all input: values survive encoding, and the answer of a decoder
//! depends neither on how reads are cut nor on luck.

mod cuts;
mod round_trips;
mod values;
