#![no_main]
//! A FastCGI connection as the application server sees it, cut anywhere.

use bytes::BytesMut;
use gatebench_wire_fuzz::cut_anywhere;
use libfuzzer_sys::fuzz_target;
use wire::fastcgi::state::{AppEvent, Application, Limits};
use wire::fastcgi::values::Capacity;

const CAPACITY: Capacity = Capacity {
    max_conns: 1,
    max_reqs: 3,
    mpxs: true,
};

fuzz_target!(|input: &[u8]| {
    cut_anywhere(input, || {
        let mut application = Application::new(Limits {
            params_bytes: 100,
            capacity: CAPACITY,
        });
        move |buf: &mut BytesMut| {
            let event = application.receive(buf, &mut BytesMut::new());
            if let Ok(Some(AppEvent::StdinEnd { id } | AppEvent::Abort { id })) = event {
                application.ended(id);
            }
            event
        }
    });
});
