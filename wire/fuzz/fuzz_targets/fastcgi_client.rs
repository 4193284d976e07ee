#![no_main]
//! The reply to a FastCGI request as the gateway sees it, cut anywhere.

use bytes::BytesMut;
use gatebench_wire_fuzz::cut_anywhere;
use libfuzzer_sys::fuzz_target;
use wire::environ::Environ;
use wire::fastcgi::state::Client;

fuzz_target!(|input: &[u8]| {
    cut_anywhere(input, || {
        let mut client = Client::begin(1, true, &Environ::new(), &mut BytesMut::new());
        move |buf: &mut BytesMut| client.receive(buf)
    });
});
