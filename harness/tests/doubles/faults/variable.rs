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
        "gateway/script-filename-names-the-upstream",
        &[Act::Environ(|environ, asked| {
            let path = [b"proxy:fcgi://127.0.0.1:9000", &asked.path.script_name[..]].concat();
            environ.set("SCRIPT_FILENAME", path);
        })],
    ),
    fault(
        "gateway/script-filename-with-path-info",
        &[Act::Environ(|environ, asked| {
            let (script, extra) = (&asked.path.script_name, &asked.path.path_info);
            environ.set(
                "SCRIPT_FILENAME",
                [b"/srv/www", &script[..], extra].concat(),
            );
        })],
    ),
    fault(
        "gateway/document-uri-raw",
        &[Act::Environ(|environ, asked| {
            environ.set("DOCUMENT_URI", asked.sent.target.clone());
        })],
    ),
    fault(
        "gateway/document-root-with-slash",
        &[Act::Environ(|environ, _| {
            edit(environ, "DOCUMENT_ROOT", |root| [root, b"/"].concat());
        })],
    ),
    fault(
        "gateway/request-scheme-from-header",
        &[Act::Environ(|environ, asked| {
            if let Some(scheme) = asked.sent.header("x-forwarded-proto") {
                environ.set("REQUEST_SCHEME", scheme.clone());
            }
        })],
    ),
    fault(
        "gateway/no-redirect-status",
        &[Act::Environ(|environ, _| {
            environ.remove("REDIRECT_STATUS");
        })],
    ),
    fault(
        "gateway/server-addr-with-port",
        &[Act::Environ(|environ, asked| {
            environ.set("SERVER_ADDR", asked.listen.to_string());
        })],
    ),
    fault(
        "gateway/remote-port-of-the-server",
        &[Act::Environ(|environ, asked| {
            environ.set("REMOTE_PORT", asked.listen.port().to_string());
        })],
    ),
    fault(
        "gateway/http-host-of-the-field",
        &[Act::Environ(|environ, asked| {
            if let Some(host) = asked.sent.header("host") {
                environ.set("HTTP_HOST", host.clone());
            }
        })],
    ),
    fault(
        "gateway/configured-parameter-overridden",
        &[Act::Environ(|environ, asked| {
            if let Some(value) = asked.sent.header("x-gatebench-set") {
                environ.set("HTTP_X_GATEBENCH_SET", value.clone());
            }
        })],
    ),
    fault(
        "gateway/void-content-type",
        &[Act::Environ(|environ, _| {
            if environ.get("CONTENT_TYPE").is_none() {
                environ.set("CONTENT_TYPE", "");
            }
        })],
    ),
    fault(
        "gateway/early-data-dropped",
        &[Act::Environ(|environ, _| {
            environ.remove("HTTP_EARLY_DATA");
        })],
    ),
    fault(
        "backend/remote-addr-of-its-peer",
        &[Act::Environ(|environ, _| {
            environ.set("REMOTE_ADDR", "unix:")
        })],
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
