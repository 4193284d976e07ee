//! Management values: `GET_VALUES` and its answer (FastCGI 1.0 section 4.1).

use bytes::{Bytes, BytesMut};

use super::{Malformed, pairs};
use crate::environ::Environ;

/// What an application server accepts at most; it must be true (FCGI-4.1-VALUES-TRUE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Connections at a time.
    pub max_conns: u32,
    /// Requests at a time.
    pub max_reqs: u32,
    /// Whether several requests may share a connection.
    pub mpxs: bool,
}

impl Capacity {
    /// The value of a variable as text, or `None` if there is none of that name.
    fn value(&self, name: &[u8]) -> Option<String> {
        match name {
            b"FCGI_MAX_CONNS" => Some(self.max_conns.to_string()),
            b"FCGI_MAX_REQS" => Some(self.max_reqs.to_string()),
            b"FCGI_MPXS_CONNS" => Some(u8::from(self.mpxs).to_string()),
            _ => None,
        }
    }
}

/// The content of the `GET_VALUES_RESULT` that answers `query`, the content of a
/// `GET_VALUES`: each name that was asked for and is known, once
/// (FCGI-4.1-GET-VALUES-OMIT, FCGI-4.1-GET-VALUES-ONLY-ASKED).
///
/// # Errors
/// A query that is no list of pairs.
pub fn answer(query: &[u8], capacity: &Capacity) -> Result<Vec<u8>, Malformed> {
    let mut known = Environ::new();
    for (name, _) in pairs::decode_all(query)?.iter() {
        if let Some(value) = capacity.value(name) {
            known.set(name, value);
        }
    }
    Ok(encode(known.iter()))
}

/// The content of a `GET_VALUES` that asks for these names.
pub fn query(names: &[&'static str]) -> Vec<u8> {
    let names: Environ = names.iter().map(|&name| (name, Bytes::new())).collect();
    encode(names.iter())
}

fn encode<'a>(values: impl Iterator<Item = (&'a Bytes, &'a Bytes)>) -> Vec<u8> {
    let mut content = BytesMut::new();
    for (name, value) in values {
        pairs::encode(name, value, &mut content);
    }
    content.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Capacity = Capacity {
        max_conns: 1,
        max_reqs: 1,
        mpxs: false,
    };

    #[test]
    fn all_three_are_answered_as_decimal_text() {
        let asked = query(&["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"]);
        assert_eq!(
            asked,
            b"\x0e\0FCGI_MAX_CONNS\x0d\0FCGI_MAX_REQS\x0f\0FCGI_MPXS_CONNS"
        );
        let answered = b"\x0e\x01FCGI_MAX_CONNS1\x0d\x01FCGI_MAX_REQS1\x0f\x01FCGI_MPXS_CONNS0";
        assert_eq!(answer(&asked, &ONE).unwrap(), answered);
    }

    #[test]
    fn unknown_names_are_left_out_and_repeated_ones_answered_once() {
        let asked = query(&["X_UNKNOWN", "FCGI_MAX_REQS", "FCGI_MAX_REQS"]);
        let capacity = Capacity {
            max_reqs: 42,
            ..ONE
        };
        assert_eq!(
            answer(&asked, &capacity).unwrap(),
            b"\x0d\x02FCGI_MAX_REQS42"
        );
        assert_eq!(answer(b"", &ONE).unwrap(), b"");
    }

    #[test]
    fn a_cut_query_is_refused() {
        assert_eq!(answer(b"\x0e\0FCGI", &ONE), Err(Malformed::PairOverrun(10)));
    }
}
