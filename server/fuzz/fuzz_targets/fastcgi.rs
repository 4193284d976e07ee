#![no_main]

use gateserve::exchange::Protocol;
use gateserve_fuzz::{Talk, fastcgi, talk};

libfuzzer_sys::fuzz_target!(|said: Talk<fastcgi::Said>| talk(
    Protocol::FastCgi,
    said,
    fastcgi::octets
));
