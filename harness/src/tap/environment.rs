//! What the variables of a request tell about a configuration.

use memchr::memmem;

use super::{Exchange, Finding};
use crate::model::Model;

/// What is wrong with the variables, or looks so.
pub(super) fn findings(exchange: &Exchange, add: &mut Vec<Finding>) {
    if !exchange.has_environ() {
        return;
    }
    let checks = [
        script_filename,
        path_info,
        sub_path,
        encoded,
        scheme,
        httpoxy,
        settings,
        twice,
        body_length,
    ];
    add.extend(checks.iter().filter_map(|check| check(exchange)));
}

/// The directive that sets a variable for this protocol.
pub(super) fn param(exchange: &Exchange) -> &'static str {
    match exchange.protocol {
        Some(Model::Uwsgi) => "uwsgi_param",
        Some(Model::Scgi) => "scgi_param",
        _ => "fastcgi_param",
    }
}

fn is_php(exchange: &Exchange) -> bool {
    let path = exchange.uri.split('?').next().unwrap_or_default();
    path.contains(".php")
        || exchange.fields.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("x-powered-by") && value.starts_with("PHP")
        })
}

fn script_filename(exchange: &Exchange) -> Option<Finding> {
    let said = b"No input file specified";
    let refused = exchange.stderr.contains("Primary script unknown")
        || memmem::find(&exchange.reply.raw, said).is_some();
    match exchange.param("SCRIPT_FILENAME").unwrap_or_default() {
        "" if exchange.protocol == Some(Model::FastCgi) && (is_php(exchange) || refused) => {
            Some(Finding::new(
                "script-filename-missing",
                "DF-VAR-SCRIPT-FILENAME",
                "The gateway sends no SCRIPT_FILENAME; php-fpm and fcgiwrap run nothing without it.",
                "nginx: fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; behind `include fastcgi_params` (that file has none; fastcgi.conf has it).",
            ))
        }
        file if refused => Some(Finding::new(
            "script-unknown",
            "DF-VAR-SCRIPT-FILENAME",
            format!("PHP finds no file at SCRIPT_FILENAME, which is `{file}`."),
            "Compare that path as PHP sees it (its container, its chroot, its user): nginx's root must stand in the same server or location, and the folders need the x bit.",
        )),
        _ => None,
    }
}

/// The path of the request without its query, not decoded.
fn path(exchange: &Exchange) -> &str {
    let uri = exchange.param("REQUEST_URI").unwrap_or_default();
    uri.split('?').next().unwrap_or_default()
}

fn path_info(exchange: &Exchange) -> Option<Finding> {
    if exchange.has("PATH_INFO") {
        return None;
    }
    let script = exchange.param("SCRIPT_NAME").unwrap_or_default();
    let (name, cure) = match exchange.protocol {
        Some(Model::FastCgi) => {
            // What follows the script in the path belongs to PATH_INFO.
            let (_, rest) = script.split_once(".php/")?;
            (
                format!(
                    "SCRIPT_NAME is `{script}` and PATH_INFO is empty, so the application never sees `/{rest}`."
                ),
                "nginx: fastcgi_split_path_info ^(.+?\\.php)(/.*)$; set $path_info $fastcgi_path_info; fastcgi_param PATH_INFO $path_info; (before any try_files, which empties it).",
            )
        }
        _ if script.is_empty() && path(exchange).len() > 1 => (
            format!(
                "Neither SCRIPT_NAME nor PATH_INFO is there, though `{}` was asked for: the application routes everything as /.",
                path(exchange)
            ),
            "nginx: include uwsgi_params (scgi: scgi_param PATH_INFO $document_uri; scgi_param SCRIPT_NAME \"\";).",
        ),
        _ => return None,
    };
    Some(Finding::new(
        "path-info-missing",
        "CGI-4.1.13-SN-SPLIT",
        name,
        cure,
    ))
}

fn sub_path(exchange: &Exchange) -> Option<Finding> {
    if exchange.packet.is_some_and(|(modifier, _)| modifier == 30)
        || exchange.param("UWSGI_MODIFIER1") == Some("30")
    {
        return Some(Finding::new(
            "modifier-30",
            "UWSGI-HDR-MODIFIER1",
            "The gateway sets modifier1 30, by which old uWSGI cut SCRIPT_NAME off PATH_INFO; present servers ignore or refuse it.",
            "Remove uwsgi_modifier1 30; mount the application with `mount = /prefix=app.py` and `manage-script-name = true`.",
        ));
    }
    let script = exchange
        .param("SCRIPT_NAME")
        .filter(|it| it.len() > 1 && *it != "/")?;
    let info = exchange.param("PATH_INFO")?;
    let rest = info.strip_prefix(script.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then(|| {
        Finding::new(
            "prefix-twice",
            "CGI-4.1.13-SN-SPLIT",
            format!("The prefix is there twice: SCRIPT_NAME `{script}` and PATH_INFO `{info}`. Links and routes of the application come out as `{script}{info}`."),
            "Let only one side cut it off: drop the gateway's SCRIPT_NAME and use `mount` with `manage-script-name = true`, or send PATH_INFO without the prefix.",
        )
    })
}

fn encoded(exchange: &Exchange) -> Option<Finding> {
    let path = path(exchange);
    if !path.contains('%') {
        return None;
    }
    let info = exchange.param("PATH_INFO").unwrap_or_default();
    let script = exchange.param("SCRIPT_NAME").unwrap_or_default();
    let whole = format!("{script}{info}");
    if path.to_ascii_uppercase().contains("%2F") && !whole.to_ascii_uppercase().contains("%2F") {
        return Some(Finding::new(
            "encoded-slash",
            "CGI-4.1.5-PI-2F",
            format!(
                "`{path}` holds an encoded slash; in SCRIPT_NAME and PATH_INFO (`{whole}`) it has become a plain one, so the application routes another path."
            ),
            "Route by REQUEST_URI where slashes may be data, or put such values into the query. Apache: AllowEncodedSlashes NoDecode; uWSGI: http-path-info-no-decode-slashes.",
        ));
    }
    let once = wire::http::percent_decode(path.as_bytes());
    let twice = wire::http::percent_decode(&once);
    let got: Vec<u8> = whole.chars().map(|c| c as u8).collect();
    (once != twice && got == twice).then(|| {
        Finding::new(
            "decoded-twice",
            "CGI-4.1.5-PI-DECODED",
            format!("`{path}` was decoded twice: the application gets `{whole}`."),
            "Look for a rewrite or a variable such as $uri that is decoded once more on the way; pass $request_uri or $document_uri as it is.",
        )
    })
}

fn scheme(exchange: &Exchange) -> Option<Finding> {
    let by_tls = exchange.param("HTTP_X_FORWARDED_PROTO") == Some("https");
    let told = matches!(exchange.param("HTTPS"), Some(it) if !it.is_empty() && it != "off")
        || exchange.param("REQUEST_SCHEME") == Some("https")
        || exchange.param("UWSGI_SCHEME") == Some("https");
    let name = param(exchange);
    if by_tls && !told {
        return Some(Finding::new(
            "scheme-lost",
            "DF-VAR-HTTPS",
            "The client came by https (X-Forwarded-Proto), but HTTPS and REQUEST_SCHEME say http: links and redirects of the application will be http, cookies not Secure.",
            format!(
                "nginx: {name} HTTPS on; (or `$https if_not_empty` where TLS ends here), and set_real_ip_from for the proxy in front, so that REMOTE_ADDR is the client's."
            ),
        ));
    }
    let host = exchange.param("HTTP_HOST");
    if host.is_none()
        && exchange
            .param("SERVER_PROTOCOL")
            .is_some_and(|it| it != "HTTP/1.0")
    {
        return Some(Finding::new(
            "host-missing",
            "CGI-4.1.14-NAME-SET",
            "There is no HTTP_HOST: the application cannot tell by which name it was asked.",
            format!(
                "nginx: {name} HTTP_HOST $http_host; (with HTTP/2 and 3 $host, up to nginx 1.29.4)."
            ),
        ));
    }
    (matches!(exchange.param("SERVER_NAME"), Some("" | "_"))).then(|| {
        Finding::new(
            "server-name-empty",
            "CGI-4.1.14-NAME-SET",
            format!("SERVER_NAME is `{}`, which is no name: applications that build links of it are wrong.", exchange.param("SERVER_NAME").unwrap_or_default()),
            format!("Give the server a server_name, or: {name} SERVER_NAME $host;"),
        )
    })
}

fn httpoxy(exchange: &Exchange) -> Option<Finding> {
    let value = exchange.param("HTTP_PROXY").filter(|it| !it.is_empty())?;
    Some(Finding::new(
        "httpoxy",
        "CGI-DF-HTTPOXY",
        format!(
            "The client set HTTP_PROXY to `{value}`: libraries take it for the proxy of the application's own requests."
        ),
        format!(
            "nginx: {} HTTP_PROXY \"\";  Apache: RequestHeader unset Proxy early",
            param(exchange)
        ),
    ))
}

/// Variables that change how an application server works.
fn settings(exchange: &Exchange) -> Option<Finding> {
    const OBEYED: [&str; 5] = [
        "PHP_VALUE",
        "PHP_ADMIN_VALUE",
        "UWSGI_FILE",
        "UWSGI_SETENV",
        "UWSGI_CHDIR",
    ];
    let name = OBEYED.into_iter().find(|name| exchange.has(name))?;
    Some(Finding::new(
        "settings-by-request",
        "UWSGI-VAR-MAGIC-EXPOSED",
        format!(
            "{name} is set by the request; whoever reaches this socket can run any code with it."
        ),
        "Keep the socket to the gateway: a Unix socket with its group alone, or 127.0.0.1 behind a firewall.",
    ))
}

fn twice(exchange: &Exchange) -> Option<Finding> {
    let mut names: Vec<&str> = exchange.params.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    // Most often none is, and then nothing is looked at again.
    names.windows(2).find(|two| two[0] == two[1])?;
    let mut seen = std::collections::BTreeSet::new();
    let (name, _) = exchange
        .params
        .iter()
        .find(|(name, _)| !seen.insert(*name))?;
    let values: Vec<&str> = exchange
        .params
        .iter()
        .filter(|(other, _)| *other == name)
        .map(|(_, value)| value)
        .collect();
    let is_field = name.starts_with("HTTP_");
    Some(Finding::new(
        "variable-twice",
        if is_field {
            "CGI-4.1.18-HTTP-MERGE"
        } else {
            "FCGI-3.4-NV-DUP"
        },
        format!(
            "{name} is sent {} times ({}); most applications see only the last.",
            values.len(),
            values.join(" | ")
        ),
        match is_field {
            true => {
                "nginx joins fields of one name since 1.23.0; before, refuse or drop the second. A name with _ for - can forge the variable: keep underscores_in_headers off."
            }
            false => {
                "Remove one of the two lines that set it: an include (fastcgi_params, uwsgi_params) sets most of them already."
            }
        },
    ))
}

fn body_length(exchange: &Exchange) -> Option<Finding> {
    let (body, told) = (exchange.request.body, exchange.param("CONTENT_LENGTH"));
    let told = told.unwrap_or_default().trim();
    let chunked = exchange
        .param("HTTP_TRANSFER_ENCODING")
        .is_some_and(|it| it.eq_ignore_ascii_case("chunked"));
    if told.is_empty() && body > 0 {
        return Some(Finding::new(
            "body-without-length",
            "CGI-4.1.2-CL-IFF",
            format!(
                "{body} octets of body came without CONTENT_LENGTH: php-fpm and most applications read an empty body."
            ),
            "nginx: fastcgi_request_buffering on (uwsgi_, scgi_) and include the params file that sets CONTENT_LENGTH $content_length;  Apache: SetEnv proxy-sendcl 1",
        ));
    }
    match told.parse::<u64>() {
        Ok(told)
            if exchange.request.whole
                && told != body
                && exchange.protocol == Some(Model::FastCgi) =>
        {
            Some(Finding::new(
                "body-length-wrong",
                "CGI-4.1.2-CL-DECODED",
                format!("CONTENT_LENGTH says {told}, but {body} octets of body came."),
                "The gateway cut the body short or counted it before it was decoded; fastcgi_request_buffering on mends it where unbuffered upload is the cause.",
            ))
        }
        Ok(0) if chunked => Some(empty_chunked()),
        Ok(_) if chunked => Some(Finding::new(
            "chunked-told-on",
            "CGI-4.1.2-CL-DECODED",
            "The body is decoded, but HTTP_TRANSFER_ENCODING still says chunked: Werkzeug (Flask) and others then read an empty body.",
            format!("nginx: {} HTTP_TRANSFER_ENCODING \"\";", param(exchange)),
        )),
        Err(_) if !told.is_empty() => Some(Finding::new(
            "content-length-no-number",
            "CGI-4.1.2-CL-SYNTAX",
            format!(
                "CONTENT_LENGTH is `{told}`, which is no number of octets; php-fpm waits for such a body for ever."
            ),
            "Caddy before 2.9 sends -1 for a chunked body: update it, or buffer requests.",
        )),
        _ => None,
    }
}

fn empty_chunked() -> Finding {
    Finding::new(
        "chunked-empty",
        "CGI-4.1.2-CL-DECODED",
        "A chunked request arrived with CONTENT_LENGTH 0: its body was lost on the way, or the client sent none.",
        "nginx: fastcgi_request_buffering on (uwsgi_, scgi_);  Apache: SetEnv proxy-sendcl 1",
    )
}
