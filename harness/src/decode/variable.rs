//! Variables of a request: what each tells, and where RFC 3875 says so.

use super::{Field, text};

/// What the meta-variables are for.
const KNOWN: [(&str, &str, &str); 25] = [
    (
        "AUTH_TYPE",
        "How the client proved who it is.",
        "RFC 3875 section 4.1.1",
    ),
    (
        "CONTENT_LENGTH",
        "Octets of the request body; empty without one.",
        "RFC 3875 section 4.1.2",
    ),
    (
        "CONTENT_TYPE",
        "Type of the request body.",
        "RFC 3875 section 4.1.3",
    ),
    (
        "GATEWAY_INTERFACE",
        "The version of CGI that the server keeps to.",
        "RFC 3875 section 4.1.4",
    ),
    (
        "PATH_INFO",
        "What follows the script in the path, decoded.",
        "RFC 3875 section 4.1.5",
    ),
    (
        "PATH_TRANSLATED",
        "PATH_INFO as a file of the server.",
        "RFC 3875 section 4.1.6",
    ),
    (
        "QUERY_STRING",
        "What follows the question mark, as it came.",
        "RFC 3875 section 4.1.7",
    ),
    (
        "REMOTE_ADDR",
        "Address of the client.",
        "RFC 3875 section 4.1.8",
    ),
    (
        "REMOTE_HOST",
        "Name of the client, where it is known.",
        "RFC 3875 section 4.1.9",
    ),
    (
        "REMOTE_USER",
        "Who the client proved to be.",
        "RFC 3875 section 4.1.11",
    ),
    ("REQUEST_METHOD", "GET, POST, …", "RFC 3875 section 4.1.12"),
    (
        "SCRIPT_NAME",
        "The part of the path that leads to the script.",
        "RFC 3875 section 4.1.13",
    ),
    (
        "SERVER_NAME",
        "The host that the request was sent to.",
        "RFC 3875 section 4.1.14",
    ),
    (
        "SERVER_PORT",
        "The port that the request came in by.",
        "RFC 3875 section 4.1.15",
    ),
    (
        "SERVER_PROTOCOL",
        "Version of HTTP that the client spoke.",
        "RFC 3875 section 4.1.16",
    ),
    (
        "SERVER_SOFTWARE",
        "Name and version of the gateway.",
        "RFC 3875 section 4.1.17",
    ),
    (
        "REQUEST_URI",
        "The target as it came, not decoded. No variable of CGI, but of every server.",
        "de facto",
    ),
    (
        "DOCUMENT_ROOT",
        "Folder of the site's files. No variable of CGI, but of every server.",
        "de facto",
    ),
    ("DOCUMENT_URI", "nginx's path after its rewriting.", "nginx"),
    (
        "SCRIPT_FILENAME",
        "The script as a file: php-fpm runs nothing without it.",
        "de facto",
    ),
    (
        "REDIRECT_STATUS",
        "php-cgi refuses to run without it, where cgi.force_redirect is on.",
        "PHP",
    ),
    (
        "HTTPS",
        "`on` where the client came by TLS; else left out.",
        "de facto",
    ),
    ("REQUEST_SCHEME", "http or https.", "de facto"),
    ("REMOTE_PORT", "Port of the client.", "de facto"),
    (
        "SERVER_ADDR",
        "Address that the request came in by.",
        "de facto",
    ),
];

/// A variable that lies from `from` to `to`, lengths and all.
pub(super) fn field(from: usize, to: usize, name: &[u8], value: &[u8]) -> Field {
    let name = text(name);
    let known = KNOWN.iter().find(|(known, ..)| *known == name);
    let (note, section) = match known {
        Some(&(_, note, section)) => (note, section),
        None if name.starts_with("HTTP_") => (
            "A header field of the request: upper case, with `_` for `-`.",
            "RFC 3875 section 4.1.18",
        ),
        None => ("", ""),
    };
    Field {
        from,
        to,
        key: "variable",
        name,
        value: text(value),
        note,
        section,
        ..Field::default()
    }
}
