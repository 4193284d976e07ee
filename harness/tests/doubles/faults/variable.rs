//! Variables that are made of neither path, query nor fields.

use super::{Act, Fault, edit, fault};
use crate::doubles::asked::Asked;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/no-gateway-interface",
        &[Act::Environ(|environ, _| {
            environ.remove("GATEWAY_INTERFACE");
        })],
    ),
    fault(
        "gateway/gateway-interface-zeros",
        &[Act::Environ(|environ, _| {
            environ.set("GATEWAY_INTERFACE", "CGI/01.1")
        })],
    ),
    fault(
        "gateway/protocol-without-minor",
        &[Act::Environ(|environ, _| {
            environ.set("SERVER_PROTOCOL", "HTTP/1")
        })],
    ),
    fault(
        "gateway/no-server-software",
        &[Act::Environ(|environ, _| {
            environ.remove("SERVER_SOFTWARE");
        })],
    ),
    fault(
        "gateway/no-server-name",
        &[Act::Environ(|environ, _| environ.set("SERVER_NAME", ""))],
    ),
    fault(
        "gateway/server-name-is-host",
        &[
            // What nobody checks cannot be refused either.
            Act::Head(|head| {
                let hosts = head.headers.iter_mut().filter(|field| field.is("host"));
                hosts.for_each(|host| host.value = "localhost".into());
            }),
            Act::Environ(|environ, asked| {
                if let Some(host) = asked.sent.header("host") {
                    environ.set("SERVER_NAME", host.clone());
                    environ.set("HTTP_HOST", host.clone());
                }
            }),
        ],
    ),
    fault(
        "gateway/server-port-from-host",
        &[Act::Environ(|environ, asked| {
            let host = asked.sent.header("host");
            if let Some(colon) = host.and_then(|host| host.iter().rposition(|&b| b == b':'))
                && let Some(host) = host
            {
                environ.set("SERVER_PORT", host.slice(colon + 1..));
            }
        })],
    ),
    fault(
        "gateway/remote-addr-with-port",
        &[Act::Environ(|environ, asked| {
            environ.set("REMOTE_ADDR", client(asked))
        })],
    ),
    fault(
        "gateway/remote-addr-from-header",
        &[Act::Environ(|environ, asked| {
            if let Some(forwarded) = asked.sent.header("x-forwarded-for") {
                environ.set("REMOTE_ADDR", forwarded.clone());
            }
        })],
    ),
    fault(
        "gateway/remote-host-with-port",
        &[Act::Environ(|environ, asked| {
            environ.set("REMOTE_HOST", client(asked))
        })],
    ),
    fault(
        "gateway/remote-user-unchecked",
        &[Act::Environ(|environ, asked| {
            if asked
                .sent
                .header("authorization")
                .is_some_and(|said| said.starts_with(b"Basic "))
            {
                environ.set("AUTH_TYPE", "Basic");
                environ.set("REMOTE_USER", "user");
            }
        })],
    ),
    fault(
        "gateway/https-off",
        &[Act::Environ(|environ, _| environ.set("HTTPS", "off"))],
    ),
    fault(
        "gateway/cwd-root",
        &[Act::Start(|report, _| {
            report.cwd = report.cwd.take().map(|_| "/".to_owned());
        })],
    ),
    fault(
        "gateway/method-patch-as-post",
        &[Act::Environ(|environ, asked| {
            if asked.head.method == "PATCH" {
                environ.set("REQUEST_METHOD", "POST");
            }
        })],
    ),
    fault(
        "gateway/method-upper-cased",
        &[Act::Environ(|environ, _| {
            edit(environ, "REQUEST_METHOD", <[u8]>::to_ascii_uppercase);
        })],
    ),
    fault(
        "gateway/answers-options",
        &[Act::Answer(|head| {
            (head.method == "OPTIONS").then_some(200)
        })],
    ),
];

fn client(asked: &Asked) -> String {
    asked.client.to_string()
}
