#![no_main]
//! HTTP/1.1 heads: any cut, and what decodes encodes to what decodes to the same.

use bytes::BytesMut;
use gatebench_wire_fuzz::cut_anywhere;
use libfuzzer_sys::fuzz_target;
use wire::http::{Limits, decode_request, decode_response};

const LIMITS: Limits = Limits {
    head_bytes: 512,
    headers: 8,
};

fuzz_target!(|input: &[u8]| {
    cut_anywhere(input, || |buf: &mut BytesMut| decode_request(buf, &LIMITS));
    cut_anywhere(input, || |buf: &mut BytesMut| decode_response(buf, &LIMITS));
    if let Ok(Some(head)) = decode_request(&mut BytesMut::from(input), &LIMITS) {
        let mut again = BytesMut::new();
        head.encode(&mut again);
        assert_eq!(
            decode_request(&mut again, &Limits::default()),
            Ok(Some(head))
        );
    }
});
