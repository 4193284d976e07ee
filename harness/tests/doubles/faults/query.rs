//! The query string and the command line that is made of it.

use bytes::Bytes;
use gatebench::scenario::text::latin1;
use probe::Report;
use wire::http::percent_decode;

use super::{Act, Fault, cut, edit, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/query-decoded",
        &[Act::Environ(|environ, _| {
            edit(environ, "QUERY_STRING", percent_decode)
        })],
    ),
    fault(
        "gateway/query-lower-cased",
        &[Act::Environ(|environ, _| {
            edit(environ, "QUERY_STRING", <[u8]>::to_ascii_lowercase);
        })],
    ),
    fault(
        "gateway/query-split-at-last-mark",
        &[Act::Environ(|environ, asked| {
            let query = asked.query();
            if let Some(mark) = query.iter().rposition(|&b| b == b'?') {
                let (path, query) = (&query[..mark], &query[mark + 1..]);
                let path = [&asked.path.path_info[..], b"?", &percent_decode(path)].concat();
                environ.set("PATH_INFO", path);
                environ.set("QUERY_STRING", Bytes::copy_from_slice(query));
            }
        })],
    ),
    fault(
        "gateway/query-cut",
        &[Act::Environ(|environ, _| {
            edit(environ, "QUERY_STRING", cut)
        })],
    ),
    fault(
        "gateway/no-query-string",
        &[Act::Environ(|environ, asked| {
            if asked.query().is_empty() {
                environ.remove("QUERY_STRING");
            }
        })],
    ),
    fault(
        "gateway/argv-undecoded",
        &[Act::Start(|report, asked| {
            if has_words(report) {
                words(
                    report,
                    asked.query().split(|&b| b == b'+').map(<[u8]>::to_vec),
                );
            }
        })],
    ),
    fault(
        "gateway/argv-with-equals",
        &[Act::Start(|report, asked| {
            if asked.query().contains(&b'=') {
                words(report, decoded(asked.query()));
            }
        })],
    ),
    fault(
        "gateway/argv-for-post",
        &[Act::Start(|report, asked| {
            if asked.head.method == "POST" {
                words(report, decoded(asked.query()));
            }
        })],
    ),
    fault(
        "gateway/argv-partial",
        &[Act::Start(|report, asked| {
            let fit: Vec<Vec<u8>> = decoded(asked.query())
                .filter(|word| !word.contains(&0))
                .collect();
            let some = !asked.query().contains(&b'=') && fit.len() < decoded(asked.query()).count();
            if some {
                words(report, fit);
            }
        })],
    ),
];

fn has_words(report: &Report) -> bool {
    report.argv.as_ref().is_some_and(|argv| argv.len() > 1)
}

fn decoded(query: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    query.split(|&b| b == b'+').map(percent_decode)
}

/// Gives a CGI program these arguments.
fn words(report: &mut Report, words: impl IntoIterator<Item = Vec<u8>>) {
    if let Some(argv) = &mut report.argv {
        argv.truncate(1);
        argv.extend(words.into_iter().map(|word| latin1(&word)));
    }
}
