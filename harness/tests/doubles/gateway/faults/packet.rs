//! uwsgi packets and SCGI netstrings that are not as they should be.

use bytes::{BufMut, BytesMut};

use super::{Act::Habits, Fault, fault};

/// A name and its value.
type Pair = (Vec<u8>, Vec<u8>);

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/uwsgi-modifier1-5",
        &[Habits(|habits| habits.opening = |octets| octets[0] = 5)],
    ),
    fault(
        "gateway/uwsgi-modifier2-1",
        &[Habits(|habits| habits.opening = |octets| octets[3] = 1)],
    ),
    fault(
        "gateway/uwsgi-size-big-endian",
        &[Habits(|habits| habits.opening = |octets| octets.swap(1, 2))],
    ),
    fault(
        "gateway/uwsgi-size-with-header",
        &[Habits(|habits| {
            habits.opening = |octets| {
                let size = u16::from_le_bytes([octets[1], octets[2]]) + 4;
                octets[1..3].copy_from_slice(&size.to_le_bytes());
            };
        })],
    ),
    fault(
        "gateway/uwsgi-vars-big-endian",
        &[Habits(|habits| {
            habits.opening = |octets| {
                let mut at = 4;
                while at + 1 < octets.len() {
                    let size = usize::from(u16::from_le_bytes([octets[at], octets[at + 1]]));
                    octets.swap(at, at + 1);
                    at += 2 + size;
                }
            };
        })],
    ),
    fault(
        "gateway/uwsgi-empty-key",
        &[Habits(|habits| {
            habits.opening = |octets| {
                let size = u16::from_le_bytes([octets[1], octets[2]]) + 5;
                octets[1..3].copy_from_slice(&size.to_le_bytes());
                octets.put_slice(b"\0\0\x01\0x");
            };
        })],
    ),
    fault(
        "gateway/scgi-empty-name",
        &[Habits(|habits| {
            habits.opening = |octets| {
                edit(octets, |headers| headers.push((Vec::new(), b"x".to_vec())));
            };
        })],
    ),
    fault(
        "gateway/body-without-length",
        &[Habits(|habits| habits.trailer = b"\r\n")],
    ),
    fault(
        "gateway/scgi-no-netstring",
        &[Habits(|habits| {
            habits.opening = |octets| {
                let (start, end) = (colon(octets) + 1, octets.len() - 1);
                *octets = BytesMut::from(&octets[start..end]);
            };
        })],
    ),
    fault(
        "gateway/scgi-length-hex",
        &[Habits(|habits| {
            habits.opening = |octets| relength(octets, |length| format!("{length:x}"));
        })],
    ),
    fault(
        "gateway/scgi-length-leading-zero",
        &[Habits(|habits| {
            habits.opening = |octets| relength(octets, |length| format!("0{length}"));
        })],
    ),
    fault(
        "gateway/scgi-length-with-comma",
        &[Habits(|habits| {
            habits.opening = |octets| relength(octets, |length| (length + 1).to_string());
        })],
    ),
    fault(
        "gateway/scgi-no-comma",
        &[Habits(|habits| {
            habits.opening = |octets| *octets.last_mut().expect("a netstring ends") = b';';
        })],
    ),
    fault(
        "gateway/scgi-length-last",
        &[Habits(|habits| {
            habits.opening = |octets| edit(octets, |headers| headers.rotate_left(1));
        })],
    ),
    fault(
        "gateway/scgi-empty-length",
        &[Habits(|habits| {
            habits.opening = |octets| edit(octets, |headers| headers[0].1.retain(|&b| b != b'0'));
        })],
    ),
    fault(
        "gateway/scgi-signed-length",
        &[Habits(|habits| {
            habits.opening = |octets| edit(octets, |headers| headers[0].1.insert(0, b'+'));
        })],
    ),
    fault(
        "gateway/scgi-no-mark",
        &[Habits(|habits| {
            habits.opening = |octets| {
                edit(octets, |headers| {
                    headers.retain(|(name, _)| name != b"SCGI")
                });
            };
        })],
    ),
    fault(
        "gateway/scgi-length-twice",
        &[Habits(|habits| {
            habits.opening = |octets| edit(octets, |headers| headers.push(headers[0].clone()));
        })],
    ),
    fault(
        "gateway/scgi-last-nul-missing",
        &[Habits(|habits| {
            habits.opening = |octets| {
                let headers = &octets[colon(octets) + 1..octets.len() - 2];
                *octets = netstring(headers);
            };
        })],
    ),
    fault(
        "gateway/scgi-nul-in-value",
        &[Habits(|habits| {
            habits.opening = |octets| {
                edit(octets, |headers| {
                    headers.push((b"DOUBLE".to_vec(), b"a\0HTTP_FORGED\0b".to_vec()));
                });
            };
        })],
    ),
];

fn colon(octets: &[u8]) -> usize {
    let colon = octets.iter().position(|&b| b == b':');
    colon.expect("a netstring has a colon")
}

fn netstring(content: &[u8]) -> BytesMut {
    let mut octets = BytesMut::from(format!("{}:", content.len()).as_bytes());
    octets.put_slice(content);
    octets.put_u8(b',');
    octets
}

/// Tells the length of a netstring otherwise.
fn relength(octets: &mut BytesMut, tell: fn(usize) -> String) {
    let colon = colon(octets);
    let length = octets.len() - colon - 2;
    let mut changed = BytesMut::from(tell(length).as_bytes());
    changed.put_slice(&octets[colon..]);
    *octets = changed;
}

/// Changes the headers of a netstring, whose length follows.
fn edit(octets: &mut BytesMut, change: impl FnOnce(&mut Vec<Pair>)) {
    let content = &octets[colon(octets) + 1..octets.len() - 1];
    let mut strings = content.split(|&b| b == 0).map(<[u8]>::to_vec);
    let mut headers: Vec<Pair> = Vec::new();
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        headers.push((name, value));
    }
    change(&mut headers);
    let mut content = Vec::new();
    for (name, value) in headers {
        for string in [name, value] {
            content.extend_from_slice(&string);
            content.push(0);
        }
    }
    *octets = netstring(&content);
}
