#![no_main]

use gateserve::exchange::Protocol;
use gateserve_fuzz::{Talk, talk, uwsgi};

libfuzzer_sys::fuzz_target!(|said: Talk<uwsgi::Said>| talk(Protocol::Uwsgi, said, uwsgi::octets));
