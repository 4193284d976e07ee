//! PARAMS as an environment (FastCGI 1.0 section 3.4).

use bytes::{Buf, Bytes};
use wire::environ::Environ;

use super::super::{Site, flaw::Flaw};

/// What became of a stream of pairs.
pub(super) enum Decoded {
    Environ(Environ),
    /// Lengths that reach beyond the stream (FCGI-3.4-NV-MALFORMED).
    Malformed,
    /// A name without an octet, which one double waits behind for ever.
    Stuck,
}

/// The pairs of a stream, however records cut it (FCGI-3.4-NV-SPLIT).
pub(super) fn decode(site: &Site, records: &[Bytes]) -> Decoded {
    if site.does(Flaw::ParamsByRecord) {
        let mut environ = Environ::new();
        for record in records {
            while_whole(site, record.clone(), &mut environ);
        }
        return Decoded::Environ(environ);
    }
    let mut stream = Bytes::from(records.concat());
    let is_cut = stream.len() > 65535 && site.does(Flaw::ParamsCutAt64K);
    if is_cut {
        stream.truncate(65535);
    }
    let mut environ = Environ::new();
    let rest = while_whole(site, stream, &mut environ);
    let is_stuck = site.does(Flaw::StuckOnEmptyName) && environ.get("").is_some();
    let lenient = site.does(Flaw::MalformedParamsServed) || is_cut;
    match (is_stuck, rest.is_empty() || lenient) {
        (true, _) => Decoded::Stuck,
        (false, true) => Decoded::Environ(environ),
        (false, false) => Decoded::Malformed,
    }
}

/// Takes pairs as long as they are whole; gives back what is left.
fn while_whole(site: &Site, mut stream: Bytes, environ: &mut Environ) -> Bytes {
    while !stream.is_empty() {
        let before = stream.clone();
        let Some((name, value)) = pair(site, &mut stream) else {
            return before;
        };
        let is_first = environ.get(&name).is_none();
        let is_dropped = (value.is_empty() && site.does(Flaw::EmptyValuesDropped))
            || (name.len() > 127 && site.does(Flaw::LongNamesDropped));
        let is_late = environ.len() > 3 && name == "CONTENT_LENGTH";
        if is_dropped || (is_late && site.does(Flaw::LateLengthUnseen)) {
            continue;
        }
        // FCGI-3.4-NV-DUP: the last one counts.
        if is_first || !site.does(Flaw::FirstDuplicateCounts) {
            environ.set(&name, value);
        }
    }
    stream
}

fn pair(site: &Site, stream: &mut Bytes) -> Option<(Bytes, Bytes)> {
    let (name, value) = (length(site, stream)?, length(site, stream)?);
    if name.checked_add(value)? > stream.len() {
        return None;
    }
    Some((stream.split_to(name), stream.split_to(value)))
}

/// One length, in either form (FCGI-3.4-NV-SHORT, FCGI-3.4-NV-LONG).
fn length(site: &Site, stream: &mut Bytes) -> Option<usize> {
    if *stream.first()? < 128 {
        let length = stream.get_u8();
        return Some(match length {
            127 if site.does(Flaw::ShortLengthOf127) => 126,
            length => length.into(),
        });
    }
    let length = stream.try_get_u32().ok()? & 0x7fff_ffff;
    if length < 128 && site.does(Flaw::LongFormRefused) {
        return None;
    }
    let length = match site.does(Flaw::LongLengthOf15Bits) {
        true => length & 0x7fff,
        false => length,
    };
    usize::try_from(length).ok()
}
