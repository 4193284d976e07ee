#![no_main]
//! SCGI headers, cut anywhere.

use bytes::BytesMut;
use gatebench_wire_fuzz::cut_anywhere;
use libfuzzer_sys::fuzz_target;
use wire::scgi::decode_request;

fuzz_target!(|input: &[u8]| {
    cut_anywhere(input, || |buf: &mut BytesMut| decode_request(buf, 600));
    if let Ok(Some(environ)) = decode_request(&mut BytesMut::from(input), 600) {
        assert!(matches!(environ.content_length(), Ok(Some(_))));
    }
});
