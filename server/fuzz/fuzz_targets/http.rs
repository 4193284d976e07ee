#![no_main]

use gateserve::exchange::Protocol;
use gateserve_fuzz::{Talk, http, talk};

libfuzzer_sys::fuzz_target!(|said: Talk<http::Said>| talk(Protocol::Http, said, http::octets));
