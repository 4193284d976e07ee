//! Management records: what the double can do, and types that it does not know (section 4).

use bytes::BytesMut;
use wire::fastcgi::{Kind, UnknownType, pairs};

use super::{Connection, records::Record};
use crate::server::{Trouble, flaw::Flaw};

/// What the double can do, as FCGI_MAX_CONNS, FCGI_MAX_REQS and FCGI_MPXS_CONNS tell it.
const VALUES: [(&str, &str); 3] = [
    ("FCGI_MAX_CONNS", "100"),
    ("FCGI_MAX_REQS", "100"),
    ("FCGI_MPXS_CONNS", "1"),
];

impl Connection {
    pub(super) async fn manage(&mut self, record: &Record) -> Result<(), Trouble> {
        if record.kind == Kind::GET_VALUES {
            return self.values(record).await;
        }
        if record.kind.name().is_some() || self.shared.site.does(Flaw::UnknownTypeUnanswered) {
            return Ok(());
        }
        let kind = match self.shared.site.does(Flaw::UnknownTypeMisnamed) {
            true => Kind::UNKNOWN_TYPE,
            false => record.kind,
        };
        // FCGI-4.2-UNKNOWN-TYPE
        let content = UnknownType { kind }.encode();
        self.shared.record(Kind::UNKNOWN_TYPE, 0, &content).await
    }

    async fn values(&mut self, record: &Record) -> Result<(), Trouble> {
        let does = |flaw| self.shared.site.does(flaw);
        let is_busy = !self.is_idle();
        if does(Flaw::ValuesUnanswered) || (is_busy && does(Flaw::ValuesOnlyIdle)) {
            return Ok(());
        }
        let Ok(asked) = pairs::decode_all(&record.content) else {
            return Err(Trouble::Gone);
        };
        let mut content = BytesMut::new();
        for (name, value) in VALUES {
            let is_asked = asked.get(name).is_some() || does(Flaw::ValuesUnasked);
            if is_asked {
                let value = if does(Flaw::ValuesInWords) {
                    "yes"
                } else {
                    value
                };
                pairs::encode(name.as_bytes(), value.as_bytes(), &mut content);
            }
        }
        if does(Flaw::UnknownValueTold) {
            let known = |name: &[u8]| VALUES.iter().any(|(known, _)| known.as_bytes() == name);
            for (name, _) in asked.iter().filter(|(name, _)| !known(name)) {
                pairs::encode(name, b"", &mut content);
            }
        }
        let id = u16::from(does(Flaw::ValuesUnderId1));
        self.shared
            .record(Kind::GET_VALUES_RESULT, id, &content)
            .await
    }
}
