//! What the log tells of a request, kept while the application works on it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use wire::environ::Environ;

/// Which facts a log needs beyond the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// `log-x-forwarded-for`: whether what a proxy says of the client counts.
    pub(super) forwarded: bool,
    /// Names of variables, such as `HTTP_COOKIE`.
    pub(super) variables: Vec<String>,
}

/// What the log tells of a request. Values share the memory of the request's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestFacts {
    /// `REMOTE_ADDR`, or `HTTP_X_FORWARDED_FOR` where that counts.
    pub(super) remote_addr: Bytes,
    pub(super) remote_user: Bytes,
    pub(super) method: Bytes,
    pub(super) uri: Bytes,
    pub(super) protocol: Bytes,
    pub(super) host: Bytes,
    pub(super) user_agent: Bytes,
    pub(super) referer: Bytes,
    pub(super) content_length: Bytes,
    /// Number of variables.
    pub(super) vars: usize,
    /// The size that the variables have in a uwsgi packet.
    pub(super) vars_bytes: usize,
    /// Values of [`Wanted::variables`], in their order.
    pub(super) wanted: Vec<Bytes>,
    /// When it began, since 1970.
    pub(super) began: Duration,
}

impl RequestFacts {
    /// One pass over the environment.
    pub(super) fn of(environ: &Environ, wanted: &Wanted) -> Self {
        let mut facts = Self {
            vars: environ.len(),
            wanted: vec![Bytes::new(); wanted.variables.len()],
            began: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            ..Self::default()
        };
        let mut forwarded = Bytes::new();
        for (name, value) in environ.iter() {
            facts.vars_bytes += name.len() + value.len() + 4;
            for (place, wanted) in wanted.variables.iter().enumerate() {
                if wanted.as_bytes() == name.as_ref() {
                    facts.wanted[place] = value.clone();
                }
            }
            let kept = match name.as_ref() {
                b"REMOTE_ADDR" => &mut facts.remote_addr,
                b"REMOTE_USER" => &mut facts.remote_user,
                b"REQUEST_METHOD" => &mut facts.method,
                b"REQUEST_URI" => &mut facts.uri,
                b"SERVER_PROTOCOL" => &mut facts.protocol,
                b"HTTP_HOST" => &mut facts.host,
                b"HTTP_USER_AGENT" => &mut facts.user_agent,
                b"HTTP_REFERER" => &mut facts.referer,
                b"CONTENT_LENGTH" => &mut facts.content_length,
                b"HTTP_X_FORWARDED_FOR" => &mut forwarded,
                _ => continue,
            };
            *kept = value.clone();
        }
        if wanted.forwarded && !forwarded.is_empty() {
            facts.remote_addr = forwarded;
        }
        facts
    }

    /// When the request began, in whole seconds since 1970.
    pub(super) fn second(&self) -> i64 {
        i64::try_from(self.began.as_secs()).unwrap_or(i64::MAX)
    }

    /// The announced size of the body in bytes; 0 where there is none.
    pub(super) fn body_length(&self) -> u64 {
        let text = std::str::from_utf8(&self.content_length).ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

impl fmt::Display for RequestFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, uri) = (&self.method, &self.uri);
        write!(
            f,
            "{} {}",
            String::from_utf8_lossy(method),
            String::from_utf8_lossy(uri)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(forwarded: bool, variables: &[&str]) -> RequestFacts {
        let mut environ = Environ::new();
        for (name, value) in [
            ("HTTP_X_FORWARDED_FOR", "192.0.2.7, 10.0.0.1"),
            ("REMOTE_ADDR", "127.0.0.1"),
            ("HTTP_X_ID", "7"),
        ] {
            environ.push(name, value);
        }
        let variables = variables.iter().map(|&name| name.to_owned()).collect();
        let wanted = Wanted {
            forwarded,
            variables,
        };
        RequestFacts::of(&environ, &wanted)
    }

    #[test]
    fn what_a_proxy_says_of_the_client_counts_on_demand() {
        assert_eq!(facts(false, &[]).remote_addr, "127.0.0.1");
        assert_eq!(facts(true, &[]).remote_addr, "192.0.2.7, 10.0.0.1");
    }

    #[test]
    fn wanted_variables_are_kept_in_the_order_of_the_format() {
        let facts = facts(false, &["HTTP_NONE", "HTTP_X_ID"]);
        assert_eq!(facts.wanted, ["", "7"]);
        assert_eq!(facts.vars_bytes, 43 + 24 + 14);
    }
}
