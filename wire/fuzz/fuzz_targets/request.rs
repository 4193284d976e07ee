#![no_main]
//! HTTP requests to meta-variables: no path climbs, no variable can be spoofed or is there twice.

use std::collections::HashSet;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use wire::http::{Limits, decode_request};
use wire::request::{Gateway, SplitPath, Target, environ};

const GATEWAY: Gateway<'static> = Gateway {
    server_software: "fuzz",
    server_name: "localhost",
    server_port: 80,
    remote_addr: "127.0.0.1",
    remote_port: 1,
    server_addr: "127.0.0.1",
    https: false,
    document_root: Some("/srv"),
};

fuzz_target!(|input: &[u8]| {
    let Ok(Some(head)) = decode_request(&mut BytesMut::from(input), &Limits::default()) else {
        return;
    };
    let Ok(path) = Target::parse(&head.target).and_then(|target| target.decoded_path()) else {
        return;
    };
    assert!(!path.contains(&0) && !path.split(|&b| b == b'/').any(|segment| segment == b".."));
    let split = SplitPath {
        script_name: "".into(),
        path_info: path,
    };
    let Ok(environ) = environ(&head, &split, None, &GATEWAY) else {
        return;
    };
    let mut names = HashSet::new();
    for (name, value) in environ.iter() {
        assert!(names.insert(name.clone()), "{name:?} is there twice");
        assert!(!value.contains(&0) && name != "HTTP_PROXY");
    }
});
