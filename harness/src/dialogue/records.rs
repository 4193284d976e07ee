//! FastCGI records as an application server sent them.

use bytes::{Bytes, BytesMut};
use wire::fastcgi::{self, EndRequest, Kind, UnknownType};

use super::{Line, Reply};
use crate::{model::Model, scenario::text::latin1};

/// Octets of content that are kept of all records together; of later ones only the length.
const CONTENT_KEPT: usize = 4 << 20;
/// Records that are read of one connection: a server that sends more does not come to an end.
const RECORDS: usize = 1 << 15;

/// One record, its padding dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Type octet.
    pub kind: Kind,
    /// Request id.
    pub id: u16,
    /// Octets of content.
    pub length: usize,
    /// Octets of padding.
    pub padding: u8,
    /// The content, where it was kept.
    pub content: Bytes,
}

/// The pairs of one GET_VALUES_RESULT.
pub type Values = Vec<(String, String)>;

impl Record {
    /// What a report tells of it: `STDOUT id 1, 45 octets`.
    pub fn words(&self) -> String {
        let Self {
            kind, id, length, ..
        } = self;
        match *kind {
            Kind::END_REQUEST => match EndRequest::decode(&self.content) {
                Ok(end) => format!("END_REQUEST id {id} {}", end_words(&end)),
                Err(_) => format!("END_REQUEST id {id}, {length} octets"),
            },
            kind => format!("{kind} id {id}, {length} octets"),
        }
    }

    /// The pairs of a GET_VALUES_RESULT.
    pub fn values(&self) -> Option<Values> {
        let pairs = fastcgi::pairs::decode_all(&self.content).ok()?;
        let pairs = pairs.iter();
        (self.kind == Kind::GET_VALUES_RESULT)
            .then(|| pairs.map(|(n, v)| (latin1(n), latin1(v))).collect())
    }

    /// The type that an UNKNOWN_TYPE refuses.
    pub fn unknown(&self) -> Option<u8> {
        let unknown = UnknownType::decode(&self.content).ok()?;
        (self.kind == Kind::UNKNOWN_TYPE).then_some(unknown.kind.0)
    }
}

/// How a request ended, in words: `complete, appStatus 0`.
pub(crate) fn end_words(end: &EndRequest) -> String {
    let word = match end.protocol_status.0 {
        0 => "complete".to_owned(),
        1 => "cant-mpx-conn".to_owned(),
        2 => "overloaded".to_owned(),
        3 => "unknown-role".to_owned(),
        other => format!("protocolStatus {other}"),
    };
    format!("{word}, appStatus {}", end.app_status)
}

impl Line {
    pub(super) fn feed_records(&mut self, octets: &[u8]) {
        self.buf.extend_from_slice(octets);
        loop {
            if self.records.len() >= RECORDS {
                self.flaw = Some(format!("{RECORDS} records and no end"));
                self.buf = BytesMut::new();
                return;
            }
            match fastcgi::record::decode(&mut self.buf) {
                Ok(Some(record)) => self.take(record),
                Ok(None) => return,
                Err(error) => {
                    self.flaw = Some(error.to_string());
                    return;
                }
            }
        }
    }

    fn take(&mut self, record: fastcgi::Record) {
        let record = Record {
            kind: record.kind,
            id: record.request_id,
            length: record.content.len(),
            padding: record.padding,
            content: record.content,
        };
        self.understand(&record);
        let content = match self.content_kept < CONTENT_KEPT {
            true => record.content.clone(),
            false => Bytes::new(),
        };
        self.content_kept += content.len();
        self.records.push(Record { content, ..record });
    }

    fn understand(&mut self, record: &Record) {
        match record.kind {
            Kind::STDOUT | Kind::STDERR => {
                let reply = self.open_reply(record.id);
                let strays = match record.kind {
                    Kind::STDOUT => !reply.stdout(&record.content),
                    _ => !reply.stderr(&record.content),
                };
                if strays {
                    let told = format!("{} after the end of its stream", record.words());
                    self.strays.push(told);
                }
            }
            Kind::END_REQUEST => match EndRequest::decode(&record.content) {
                Ok(end) => {
                    let was_open = self
                        .replies
                        .iter()
                        .any(|r| r.id == record.id && !r.complete);
                    let has_any = self.replies.iter().any(|r| r.id == record.id);
                    if has_any && !was_open && !self.may_begin(record.id) {
                        self.strays.push(format!("{} once more", record.words()));
                        return;
                    }
                    self.open_reply(record.id).end_request(end);
                }
                Err(error) => self.flaw = Some(error.to_string()),
            },
            _ => {}
        }
    }

    /// Whether a request of this id was sent that has no reply yet.
    fn may_begin(&self, id: u16) -> bool {
        let begun = self.methods.iter().filter(|m| **m == begun(id)).count();
        let replied = self.replies.iter().filter(|reply| reply.id == id).count();
        replied < begun
    }

    /// The reply of this id that is not complete; a new one where all are and one is due.
    fn open_reply(&mut self, id: u16) -> &mut Reply {
        let open = self.replies.iter().rposition(|r| r.id == id && !r.complete);
        let last = self.replies.iter().rposition(|reply| reply.id == id);
        let at = match (open, last) {
            (Some(at), _) => at,
            (None, Some(at)) if !self.may_begin(id) => at,
            _ => {
                self.replies.push(Reply::new(id, Model::FastCgi));
                self.replies.len() - 1
            }
        };
        &mut self.replies[at]
    }
}

/// How a begun FastCGI request is noted: its id in place of a method.
pub(crate) fn begun(id: u16) -> String {
    id.to_string()
}
