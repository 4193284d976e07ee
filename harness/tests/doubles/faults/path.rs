//! The path and what is made of it.

use bytes::Bytes;
use wire::http::percent_decode;

use super::{Act, Fault, cut, edit, fault, find};
use crate::doubles::asked::Asked;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/path-segment-twice",
        &[Act::Environ(|environ, asked| {
            if let Some(first) = doubled_segment(asked) {
                edit(environ, "SCRIPT_NAME", |name| [name, &first].concat());
            }
        })],
    ),
    fault(
        "gateway/no-script-name",
        &[Act::Environ(|environ, asked| {
            environ.remove("SCRIPT_NAME");
            edit(environ, "PATH_INFO", |path| {
                [&asked.path.script_name, path].concat()
            });
        })],
    ),
    fault(
        "gateway/path-info-slash-added",
        &[Act::Environ(|environ, asked| {
            if asked.path.path_info.is_empty() {
                environ.set("PATH_INFO", "/");
            }
        })],
    ),
    fault(
        "gateway/path-info-slash-dropped",
        &[Act::Environ(|environ, _| {
            edit(environ, "PATH_INFO", |path| {
                path.strip_suffix(b"/").unwrap_or(path).to_vec()
            });
        })],
    ),
    fault(
        "gateway/path-info-raw",
        &[Act::Environ(|environ, asked| {
            environ.set("PATH_INFO", by_segment(asked, <[u8]>::to_vec));
        })],
    ),
    fault(
        "gateway/path-info-decoded-twice",
        &[Act::Environ(|environ, _| {
            edit(environ, "PATH_INFO", percent_decode)
        })],
    ),
    fault(
        "gateway/path-plus-as-space",
        &[Act::Environ(|environ, asked| {
            let decode = |raw: &[u8]| percent_decode(&super::replaced(raw, b"+", b" "));
            environ.set("PATH_INFO", by_segment(asked, decode));
        })],
    ),
    fault(
        "gateway/path-lower-cased",
        &[Act::Environ(|environ, _| {
            edit(environ, "PATH_INFO", <[u8]>::to_ascii_lowercase);
        })],
    ),
    fault(
        "gateway/path-encoded-slash-kept",
        &[Act::Environ(|environ, asked| {
            environ.set("PATH_INFO", by_segment(asked, decode_all_but_slash));
        })],
    ),
    fault(
        "gateway/path-parameters-dropped",
        &[Act::Environ(|environ, asked| {
            let decode =
                |raw: &[u8]| percent_decode(raw.split(|&b| b == b';').next().unwrap_or(raw));
            environ.set("PATH_INFO", by_segment(asked, decode));
        })],
    ),
    fault(
        "gateway/path-octets-replaced",
        &[Act::Environ(|environ, _| {
            edit(environ, "PATH_INFO", |path| {
                String::from_utf8_lossy(path).into_owned().into_bytes()
            });
        })],
    ),
    fault(
        "gateway/path-cut-at-nul",
        &[
            Act::Head(|head| {
                if let Some(nul) = find(&head.target, b"%00") {
                    let query = head.target.iter().position(|&b| b == b'?');
                    if query.is_none_or(|query| nul < query) {
                        let kept = &head.target[query.unwrap_or(head.target.len())..];
                        head.target = [&head.target[..nul], kept].concat().into();
                    }
                }
            }),
            Act::Environ(|environ, asked| environ.set("REQUEST_URI", asked.sent.target.clone())),
        ],
    ),
    fault(
        "gateway/path-newline-dropped",
        &[Act::Environ(|environ, _| {
            edit(environ, "PATH_INFO", |path| {
                super::replaced(path, b"\n", b"")
            });
        })],
    ),
    fault(
        "gateway/dot-segments-kept",
        &[Act::Environ(|environ, asked| {
            environ.set("PATH_INFO", percent_decode(asked.raw_extra_path()));
        })],
    ),
    fault(
        "gateway/path-void-segments-refused",
        &[Act::Answer(|head| {
            let path = head.target.split(|&b| b == b'?').next().unwrap_or_default();
            find(path, b"//").map(|_| 404)
        })],
    ),
    fault(
        "gateway/path-cut",
        &[Act::Environ(|environ, _| edit(environ, "PATH_INFO", cut))],
    ),
    fault(
        "gateway/mount-is-a-prefix",
        &[Act::Conduct(|conduct| conduct.serves_prefixes = true)],
    ),
    fault(
        "gateway/path-split-at-the-last",
        &[Act::Conduct(|conduct| conduct.splits_at_last = true)],
    ),
    fault(
        "gateway/split-shifted-by-wide-letters",
        &[Act::Environ(|environ, asked| {
            let (name, info) = (&asked.path.script_name, &asked.path.path_info);
            let wide = info.windows(2).filter(|two| two == b"\xc8\xba").count();
            if wide > 0 {
                let at = name.len() - wide;
                let whole = [&name[..], info].concat();
                environ.set("SCRIPT_NAME", whole[..at].to_vec());
                environ.set("PATH_INFO", whole[at..].to_vec());
            }
        })],
    ),
    fault(
        "gateway/forwards-any-target",
        &[Act::Conduct(|conduct| conduct.forwards_any_target = true)],
    ),
    fault(
        "gateway/path-translated-always",
        &[Act::Environ(|environ, asked| {
            let root = environ.get("DOCUMENT_ROOT").cloned().unwrap_or_default();
            if asked.path.path_info.is_empty() {
                environ.set("PATH_TRANSLATED", root);
            }
        })],
    ),
    fault(
        "gateway/path-translated-as-path-info",
        &[Act::Environ(|environ, asked| {
            edit(environ, "PATH_TRANSLATED", |_| {
                asked.path.path_info.to_vec()
            });
        })],
    ),
    fault(
        "gateway/request-uri-decoded",
        &[Act::Environ(|environ, _| {
            edit(environ, "REQUEST_URI", percent_decode)
        })],
    ),
    fault(
        "gateway/no-request-uri",
        &[Act::Environ(|environ, _| {
            environ.remove("REQUEST_URI");
        })],
    ),
];

/// The first segment of the extra path, where it has one octet, another follows, and nothing is
/// escaped.
fn doubled_segment(asked: &Asked) -> Option<Vec<u8>> {
    match asked.raw_extra_path() {
        raw @ [b'/', first, b'/', _, ..] if !raw.contains(&b'%') && *first != b'/' => {
            Some(vec![b'/', *first])
        }
        _ => None,
    }
}

/// The extra path with dot segments resolved, made by `decode` from each segment as sent.
fn by_segment(asked: &Asked, decode: impl Fn(&[u8]) -> Vec<u8>) -> Bytes {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let segments = asked.raw_extra_path().split(|&b| b == b'/').skip(1);
    for segment in segments {
        match &percent_decode(segment)[..] {
            b"." => {}
            b".." => {
                kept.pop();
            }
            _ => kept.push(decode(segment)),
        }
    }
    let joined = kept.iter().flat_map(|segment| [&b"/"[..], segment]);
    joined.collect::<Vec<_>>().concat().into()
}

fn decode_all_but_slash(segment: &[u8]) -> Vec<u8> {
    let kept = [&b"%2F"[..], b"%2f"]
        .into_iter()
        .find(|escape| find(segment, escape).is_some());
    let Some(escape) = kept else {
        return percent_decode(segment);
    };
    let at = find(segment, escape).unwrap_or_default();
    let (before, after) = (&segment[..at], &segment[at + escape.len()..]);
    [
        &percent_decode(before)[..],
        escape,
        &decode_all_but_slash(after),
    ]
    .concat()
}
