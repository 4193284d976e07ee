#![no_main]
//! CGI heads: any cut, and no head becomes a response that is not HTTP.

use bytes::BytesMut;
use gatebench_wire_fuzz::cut_anywhere;
use libfuzzer_sys::fuzz_target;
use wire::cgi::{decode_either, decode_head};
use wire::http::{Limits, Version, decode_response};

const LIMITS: Limits = Limits {
    head_bytes: 512,
    headers: 8,
};

fuzz_target!(|input: &[u8]| {
    cut_anywhere(input, || |buf: &mut BytesMut| decode_head(buf, &LIMITS));
    cut_anywhere(input, || |buf: &mut BytesMut| decode_either(buf, &LIMITS));
    let Ok(Some(head)) = decode_either(&mut BytesMut::from(input), &LIMITS) else {
        return;
    };
    if let Ok(response) = head.to_response(Version::Http11) {
        let mut wire = BytesMut::new();
        response.encode(&mut wire);
        assert_eq!(
            decode_response(&mut wire, &Limits::default()),
            Ok(Some(response))
        );
    }
});
