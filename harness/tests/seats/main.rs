//! The bench's own seats, against servers in this process: the client reads strictly, the relay
//! passes everything on and changes nothing.

mod client;
mod tap;
