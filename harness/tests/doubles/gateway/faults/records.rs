//! FastCGI records that are not as they should be.

use wire::fastcgi::{BeginRequest, Kind, values};

use super::{
    super::outbound::Outbound,
    Act::{Conduct, Habits},
    Fault, fault,
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/fcgi-version-2",
        &[Habits(|habits| habits.record = |record| record.version = 2)],
    ),
    fault(
        "gateway/fcgi-length-little-endian",
        &[Habits(|habits| {
            habits.record = |record| record.length.reverse();
        })],
    ),
    fault(
        "gateway/fcgi-reserved-filled",
        &[Habits(|habits| {
            habits.record = |record| {
                record.reserved = b' ';
                if record.kind == Kind::BEGIN_REQUEST {
                    record.content[3..].fill(b' ');
                }
            };
        })],
    ),
    fault(
        "gateway/fcgi-unpadded",
        &[Habits(|habits| habits.record = |record| record.padding = 0)],
    ),
    fault(
        "gateway/fcgi-id-zero",
        &[Habits(|habits| habits.record = |record| record.id = 0)],
    ),
    fault(
        "gateway/fcgi-large-id",
        &[Habits(|habits| habits.request_id = 0xfffe)],
    ),
    fault(
        "gateway/fcgi-begin-short",
        &[Habits(|habits| {
            habits.record = |record| {
                if record.kind == Kind::BEGIN_REQUEST {
                    *record = Outbound::new(record.kind, record.id, &record.content[..3]);
                }
            };
        })],
    ),
    fault(
        "gateway/fcgi-begin-behind-params",
        &[Habits(|habits| {
            habits.records = |records| {
                if records[0].kind == Kind::BEGIN_REQUEST {
                    records.rotate_left(1);
                }
            };
        })],
    ),
    fault(
        "gateway/fcgi-stdin-among-params",
        &[Habits(|habits| {
            habits.records = |records| {
                if records[0].kind == Kind::BEGIN_REQUEST {
                    let early = Outbound::new(Kind::STDIN, records[0].id, b"early");
                    records.insert(records.len() - 1, early);
                }
            };
        })],
    ),
    fault(
        "gateway/fcgi-authorizer-role",
        &[Habits(|habits| {
            habits.record = |record| {
                if record.kind == Kind::BEGIN_REQUEST {
                    record.content[1] = BeginRequest::AUTHORIZER as u8;
                }
            };
        })],
    ),
    fault(
        "gateway/fcgi-sends-stdout",
        &[Habits(|habits| {
            habits.records = |records| {
                if records[0].ends(Kind::STDIN) {
                    let wrong = Outbound::new(Kind::STDOUT, records[0].id, b"not mine to send");
                    records.insert(0, wrong);
                }
            };
        })],
    ),
    fault(
        "gateway/fcgi-no-params-end",
        &[Habits(|habits| {
            habits.records = |records| records.retain(|record| !record.ends(Kind::PARAMS));
        })],
    ),
    fault(
        "gateway/fcgi-no-stdin-end",
        &[Habits(|habits| {
            habits.records = |records| records.retain(|record| !record.ends(Kind::STDIN));
        })],
    ),
    fault(
        "gateway/fcgi-params-ended-twice",
        &[Habits(|habits| {
            habits.records = |records| end_twice(records, Kind::PARAMS);
        })],
    ),
    fault(
        "gateway/fcgi-stdin-ended-twice",
        &[Habits(|habits| {
            habits.records = |records| end_twice(records, Kind::STDIN);
        })],
    ),
    fault(
        "gateway/fcgi-stdin-beyond-length",
        &[Habits(|habits| {
            habits.records = |records| {
                if records[0].ends(Kind::STDIN) {
                    records.insert(0, Outbound::new(Kind::STDIN, records[0].id, b"\r\n"));
                }
            };
        })],
    ),
    fault(
        "gateway/fcgi-asks-values",
        &[Habits(|habits| habits.records = |records| ask(records, 0))],
    ),
    fault(
        "gateway/fcgi-asks-values-with-id",
        &[Habits(|habits| habits.records = |records| ask(records, 7))],
    ),
    fault(
        "gateway/fcgi-pairs-cut",
        &[Habits(|habits| {
            habits.records = |records| cut_pairs(records)
        })],
    ),
    fault(
        "gateway/fcgi-params-beyond-a-record-lost",
        &[
            Conduct(|conduct| conduct.head_limit = 1 << 20),
            Habits(|habits| {
                habits.records = |records| {
                    let mut seen = 0;
                    records.retain(|record| {
                        seen += u32::from(record.kind == Kind::PARAMS);
                        record.kind != Kind::PARAMS || record.content.is_empty() || seen == 1
                    });
                };
            }),
        ],
    ),
];

/// Puts a second empty record behind the end of a stream.
fn end_twice(records: &mut Vec<Outbound>, kind: Kind) {
    let end = records.iter().find(|record| record.ends(kind)).cloned();
    records.extend(end);
}

/// Asks for management values before the request.
fn ask(records: &mut Vec<Outbound>, id: u16) {
    if records[0].kind == Kind::BEGIN_REQUEST {
        let query = values::query(&["FCGI_MPXS_CONNS"]);
        records.insert(0, Outbound::new(Kind::GET_VALUES, id, &query));
    }
}

/// Cuts PARAMS where it suits nobody.
fn cut_pairs(records: &mut Vec<Outbound>) {
    const MOST: usize = 1000;
    let (params, others): (Vec<_>, Vec<_>) = std::mem::take(records)
        .into_iter()
        .partition(|record| record.kind == Kind::PARAMS && !record.content.is_empty());
    let content: Vec<u8> = params
        .into_iter()
        .flat_map(|record| record.content)
        .collect();
    for record in others {
        if record.kind == Kind::PARAMS {
            let pieces = content.chunks(MOST);
            records.extend(pieces.map(|piece| Outbound::new(Kind::PARAMS, record.id, piece)));
        }
        records.push(record);
    }
}
