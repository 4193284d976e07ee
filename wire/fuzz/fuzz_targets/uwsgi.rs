#![no_main]
//! uwsgi packets: any cut, and what decodes encodes to the same bytes.

use bytes::BytesMut;
use gatebench_wire_fuzz::cut_anywhere;
use libfuzzer_sys::fuzz_target;
use wire::uwsgi::{MAX_BLOCK, decode_request, encode_request};

fuzz_target!(|input: &[u8]| {
    cut_anywhere(input, || |buf: &mut BytesMut| decode_request(buf, 600));
    let mut buf = BytesMut::from(input);
    if let Ok(Some((header, environ))) = decode_request(&mut buf, MAX_BLOCK) {
        let mut again = BytesMut::new();
        encode_request(&environ, header.modifier1, header.modifier2, &mut again)
            .expect("it was a packet");
        assert_eq!(again, input[..input.len() - buf.len()]);
    }
});
