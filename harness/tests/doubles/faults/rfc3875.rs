//! What RFC 3875 says beside: variables that may be sent, programs that cannot be started.

use wire::http::RequestHead;

use super::{Act, Fault, edit, fault, find};
use crate::doubles::conduct::NphScripts;

/// Programs beside the probe: missing, not executable, with an interpreter that is not there.
const UNSTARTABLE: [&[u8]; 3] = [
    b"/cgi-bin/no-such-program",
    b"/cgi-bin/not-executable",
    b"/cgi-bin/bad-interpreter",
];

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/names-lower-cased",
        &[Act::Environ(|environ, _| {
            for name in ["REMOTE_ADDR", "GATEWAY_INTERFACE"] {
                if let Some(value) = environ.get(name).cloned() {
                    environ.remove(name);
                    environ.set(name.to_ascii_lowercase(), value);
                }
            }
        })],
    ),
    fault(
        "gateway/remote-ident-made-up",
        &[Act::Environ(|environ, _| {
            environ.set("REMOTE_IDENT", "unknown")
        })],
    ),
    fault(
        "gateway/server-software-of-another",
        &[Act::Environ(|environ, _| {
            environ.set("SERVER_SOFTWARE", "another/2.0")
        })],
    ),
    fault(
        "gateway/proxy-credentials-exported",
        &[Act::Environ(|environ, asked| {
            if let Some(said) = asked.sent.header("proxy-authorization") {
                environ.set("HTTP_PROXY_AUTHORIZATION", said.clone());
            }
        })],
    ),
    fault(
        "gateway/path-translated-lower-cased",
        &[Act::Environ(|environ, _| {
            edit(environ, "PATH_TRANSLATED", <[u8]>::to_ascii_lowercase);
        })],
    ),
    fault(
        "gateway/path-translated-cut-to-what-exists",
        &[Act::Environ(|environ, asked| {
            let mut extra = asked.path.path_info.split(|&b| b == b'/').skip(1);
            let is_deep = extra.nth(1).is_some_and(|segment| !segment.is_empty());
            if is_deep {
                edit(environ, "PATH_TRANSLATED", |path| {
                    let extra = asked.path.path_info.len();
                    path[..path.len().saturating_sub(extra)].to_vec()
                });
            }
        })],
    ),
    fault(
        "gateway/x-cgi-dropped",
        &[Act::Reply(|reply, _| {
            reply.head.headers.retain(|field| {
                let start = field.name.get(.."x-cgi-".len());
                !start.is_some_and(|start| start.eq_ignore_ascii_case(b"x-cgi-"))
            });
        })],
    ),
    fault(
        "gateway/extension-without-prefix",
        &[Act::Environ(|environ, _| {
            environ.set("GATEBENCH_EXTRA", "1")
        })],
    ),
    fault(
        "gateway/script-name-of-another-mount",
        &[Act::Environ(|environ, asked| {
            if find(asked.raw_extra_path(), b"%3F").is_some() {
                environ.set("SCRIPT_NAME", "/elsewhere");
            }
        })],
    ),
    fault(
        "gateway/odd-paths-refused",
        &[Act::Answer(|head| {
            find(&head.target, b"b%3D").is_some().then_some(404)
        })],
    ),
    fault(
        "gateway/nph-parsed",
        &[Act::Conduct(|conduct| {
            conduct.nph_scripts = NphScripts::Parsed;
        })],
    ),
    fault(
        "gateway/nph-gathered",
        &[Act::Conduct(|conduct| {
            conduct.nph_scripts = NphScripts::Gathered;
        })],
    ),
    fault(
        "gateway/nph-body-cut",
        &[Act::Conduct(|conduct| {
            conduct.nph_scripts = NphScripts::HalfFed;
        })],
    ),
    fault(
        "gateway/exec-failure-500",
        &[Act::Answer(|head| {
            (head.target == UNSTARTABLE[0]).then_some(500)
        })],
    ),
    fault(
        "gateway/exec-failure-200",
        &[Act::Answer(|head| is_unstartable(head).then_some(200))],
    ),
];

fn is_unstartable(head: &RequestHead) -> bool {
    UNSTARTABLE.iter().any(|path| head.target == *path)
}
