#![no_main]

use gateserve::exchange::Protocol;
use gateserve_fuzz::{Talk, scgi, talk};

libfuzzer_sys::fuzz_target!(|said: Talk<scgi::Said>| talk(Protocol::Scgi, said, scgi::octets));
