//! The query string and the command line that is made of it.

use wire::http::percent_decode;

use super::{Act, Fault, fault};

pub(super) const FAULTS: &[Fault] = &[fault(
    "gateway/query-decoded",
    Act::Environ(|environ, asked| {
        environ.set("QUERY_STRING", percent_decode(asked.query()));
    }),
)];
