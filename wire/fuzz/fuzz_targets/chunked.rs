#![no_main]
//! Chunked bodies: the same body, trailers and rest however reads are cut.

use gatebench_wire_fuzz::run;
use libfuzzer_sys::fuzz_target;
use wire::http::{ChunkEvent, ChunkedDecoder};

fuzz_target!(|input: &[u8]| {
    let Some((&read_size, bytes)) = input.split_first() else {
        return;
    };
    let body = |read_size| {
        let mut decoder = ChunkedDecoder::new();
        let (events, error) = run(bytes, read_size, |buf| decoder.decode(buf));
        let (mut body, mut end) = (Vec::new(), None);
        for event in events {
            match event {
                ChunkEvent::Data(data) => body.extend_from_slice(&data),
                ChunkEvent::End { trailers } => end = Some(trailers),
            }
        }
        (body, end, error.as_ref().map(std::mem::discriminant))
    };
    assert_eq!(
        body(usize::from(read_size).max(1)),
        body(bytes.len().max(1))
    );
});
