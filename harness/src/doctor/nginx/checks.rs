//! Mistakes that a configuration shows by itself, whatever listens behind it.

use super::{
    location::{Location, Pass, octets},
    upstreams,
};
use crate::doctor::{Report, Weight, finding};
use crate::tap::Finding;

/// What is found, and how much it weighs, and where.
type Found = Option<(Weight, String, Finding)>;

/// Adds what each check has against a location.
pub(super) fn all(location: &Location<'_>, report: &mut Report) {
    let family = [
        params,
        hidden,
        script_filename,
        alias,
        emptied,
        split_unused,
        anchored,
        httpoxy,
        modifier,
    ];
    let every = [
        keepalive,
        keep_conn,
        busy_buffers,
        request_buffering,
        localhost,
    ];
    if location.kind != Pass::Proxy {
        add(location, &family, report);
    }
    add(location, &every, report);
}

fn add(location: &Location<'_>, checks: &[fn(&Location<'_>) -> Found], report: &mut Report) {
    for (weight, place, finding) in checks.iter().filter_map(|check| check(location)) {
        report.add(weight, Some(place), finding);
    }
}

fn has(location: &Location<'_>, name: &str) -> bool {
    location.params().iter().any(|one| one.arg() == name)
}

/// What every params file of nginx sets.
const USUAL: [&str; 9] = [
    "REQUEST_METHOD",
    "QUERY_STRING",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "REQUEST_URI",
    "SERVER_PROTOCOL",
    "SERVER_NAME",
    "SERVER_PORT",
    "REMOTE_ADDR",
];

fn params(location: &Location<'_>) -> Found {
    let missing: Vec<&str> = USUAL
        .into_iter()
        .filter(|name| !has(location, name))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let prefix = location.kind.prefix();
    Some((
        Weight::Problem,
        location.pass.place(),
        finding(
            "params-missing",
            "CGI-4.1.12-METHOD",
            format!(
                "No {prefix}_param sets {}: the application gets them neither empty nor filled.",
                missing.join(", ")
            ),
            format!("include {prefix}_params; in this location."),
        ),
    ))
}

fn hidden(location: &Location<'_>) -> Found {
    let name = format!("{}_param", location.kind.prefix());
    let hidden = location.hidden(&name);
    let inner = location.params();
    let lost: Vec<&str> = hidden
        .iter()
        .map(|one| one.arg())
        .filter(|outer| !inner.iter().any(|one| one.arg() == *outer))
        .collect();
    if lost.is_empty() {
        return None;
    }
    Some((
        Weight::Problem,
        inner.first()?.place(),
        finding(
            "params-hidden",
            "",
            format!(
                "A {name} here hides every {name} of the levels around it: {} of them are lost ({}).",
                lost.len(),
                lost.iter().take(4).copied().collect::<Vec<_>>().join(", ")
            ),
            format!(
                "Repeat them here (or `include {}_params` again), or set them all on one level.",
                location.kind.prefix()
            ),
        ),
    ))
}

fn script_filename(location: &Location<'_>) -> Found {
    if location.kind != Pass::FastCgi || has(location, "SCRIPT_FILENAME") {
        return None;
    }
    let is_php = location.pattern.1.contains("php") || location.pass.arg().contains("php");
    let weight = if is_php {
        Weight::Problem
    } else {
        Weight::Note
    };
    Some((
        weight,
        location.pass.place(),
        finding(
            "script-filename-missing",
            "DF-VAR-SCRIPT-FILENAME",
            "No fastcgi_param sets SCRIPT_FILENAME (fastcgi_params has none, fastcgi.conf has): php-fpm answers `File not found.`, fcgiwrap 403.",
            "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;",
        ),
    ))
}

fn alias(location: &Location<'_>) -> Found {
    let alias = location.setting("alias")?;
    let param = location
        .params()
        .into_iter()
        .find(|one| one.arg() == "SCRIPT_FILENAME")?;
    let value = param.args.get(1)?;
    (value.contains("$document_root") && value.contains("$fastcgi_script_name")).then(|| {
        (
            Weight::Problem,
            param.place(),
            finding(
                "alias-with-document-root",
                "DF-VAR-SCRIPT-FILENAME",
                format!("alias {} already stands for the location's prefix, which $fastcgi_script_name repeats: the path has it twice.", alias.arg()),
                "fastcgi_param SCRIPT_FILENAME $request_filename;",
            ),
        )
    })
}

/// `try_files` asks for another URI, which makes `$fastcgi_path_info` empty.
fn emptied(location: &Location<'_>) -> Found {
    let own = location.levels.last()?;
    let try_files = own.last("try_files")?;
    own.last("fastcgi_split_path_info")?;
    let params = location.params();
    let info = params.iter().find(|one| one.arg() == "PATH_INFO")?;
    (info.args.get(1).map(String::as_str) == Some("$fastcgi_path_info")).then(|| {
        (
            Weight::Problem,
            info.place(),
            finding(
                "path-info-emptied",
                "CGI-4.1.13-SN-SPLIT",
                format!("try_files ({}) makes $fastcgi_path_info empty before this line reads it.", try_files.place()),
                "set $path_info $fastcgi_path_info; in front of try_files, then fastcgi_param PATH_INFO $path_info;",
            ),
        )
    })
}

fn split_unused(location: &Location<'_>) -> Found {
    let split = location
        .own("split_path_info")
        .filter(|_| location.kind == Pass::FastCgi)?;
    (!has(location, "PATH_INFO")).then(|| {
        (
            Weight::Problem,
            split.place(),
            finding(
                "path-info-missing",
                "CGI-4.1.13-SN-SPLIT",
                "fastcgi_split_path_info cuts the path, and nothing sends the second part on.",
                "fastcgi_param PATH_INFO $fastcgi_path_info;",
            ),
        )
    })
}

fn anchored(location: &Location<'_>) -> Found {
    let split = location.own("split_path_info")?;
    location.pattern.1.ends_with("\\.php$").then(|| {
        (
            Weight::Problem,
            split.place(),
            finding(
                "path-info-unreachable",
                "CGI-4.1.13-SN-SPLIT",
                format!("`{}` takes no path that goes on behind .php, so there is nothing to split: /index.php/shop is not passed on.", location.name),
                "location ~ [^/]\\.php(/|$) { … }",
            ),
        )
    })
}

fn httpoxy(location: &Location<'_>) -> Found {
    let off = location
        .own("pass_request_headers")
        .is_some_and(|it| it.arg() == "off");
    if has(location, "HTTP_PROXY") || off {
        return None;
    }
    let prefix = location.kind.prefix();
    Some((
        Weight::Note,
        location.pass.place(),
        finding(
            "httpoxy",
            "CGI-DF-HTTPOXY",
            "A client's field `Proxy` becomes HTTP_PROXY, which libraries take for the proxy of the application's own requests.",
            format!("{prefix}_param HTTP_PROXY \"\";"),
        ),
    ))
}

fn modifier(location: &Location<'_>) -> Found {
    let modifier = location
        .setting("uwsgi_modifier1")
        .filter(|it| it.arg() == "30")?;
    Some((
        Weight::Problem,
        modifier.place(),
        finding(
            "modifier-30",
            "UWSGI-HDR-MODIFIER1",
            "uwsgi_modifier1 30 made old uWSGI cut SCRIPT_NAME off PATH_INFO; present servers ignore or refuse it.",
            "Remove it; `mount = /prefix=app.py` and `manage-script-name = true` in the server's configuration.",
        ),
    ))
}

fn keepalive(location: &Location<'_>) -> Found {
    let name = location
        .pass
        .arg()
        .rsplit("://")
        .next()?
        .split('/')
        .next()?;
    let upstream = location.upstreams.iter().find(|one| one.arg() == name)?;
    let keepalive = upstream.block.as_ref()?.last("keepalive")?;
    let (rule, cause, cure) = match location.kind {
        Pass::FastCgi if location.setting("fastcgi_keep_conn").is_none_or(|it| it.arg() != "on") => (
            "DF-KEEPALIVE-FCGI",
            "The upstream keeps connections, but nginx asks the application server to close each: fastcgi_keep_conn is off.".to_owned(),
            "fastcgi_keep_conn on; or drop `keepalive`.",
        ),
        Pass::Uwsgi | Pass::Scgi => (
            "",
            format!("`keepalive` does nothing here: {} carries one request per connection.", location.kind.protocol()),
            "Remove it.",
        ),
        Pass::Proxy => {
            let one_one = location.own("http_version").is_some_and(|it| it.arg() != "1.0");
            let fields = location.list("proxy_set_header");
            let cleared = fields.iter().any(|it| it.arg().eq_ignore_ascii_case("connection"));
            if one_one && cleared {
                return None;
            }
            (
                "",
                "`keepalive` has no effect before nginx 1.29.7: requests go out as HTTP/1.0 with `Connection: close`.".to_owned(),
                "proxy_http_version 1.1; proxy_set_header Connection \"\";",
            )
        }
        Pass::FastCgi => return None,
    };
    Some((
        Weight::Note,
        keepalive.place(),
        finding("keepalive-unused", rule, cause, cure),
    ))
}

fn keep_conn(location: &Location<'_>) -> Found {
    let on = location
        .setting("fastcgi_keep_conn")
        .filter(|it| it.arg() == "on")?;
    if location.kind != Pass::FastCgi {
        return None;
    }
    let upstream = location
        .upstreams
        .iter()
        .find(|one| one.arg() == location.pass.arg());
    let kept = upstream.and_then(|one| one.block.as_ref()?.last("keepalive"));
    let (cause, cure) = match kept {
        None => (
            "fastcgi_keep_conn is on, but no upstream with `keepalive` keeps the connections: nginx closes each after its request.".to_owned(),
            "upstream app { server …; keepalive 8; } and fastcgi_pass app; or turn it off.",
        ),
        Some(kept) => (
            format!("{} connections are kept for each nginx worker, and each holds one worker of php-fpm even while it is idle.", kept.arg()),
            "keepalive × worker_processes must stay below pm.max_children (processes, threads), else other requests wait for nothing.",
        ),
    };
    Some((
        Weight::Note,
        on.place(),
        finding("keep-conn", "DF-KEEPALIVE-LIMIT", cause, cure),
    ))
}

/// nginx itself refuses to start with these; told here with the line.
fn busy_buffers(location: &Location<'_>) -> Found {
    let busy = location.own("busy_buffers_size");
    let (size, all) = upstreams::buffers(location);
    let told = busy.and_then(|it| octets(it.arg()));
    let (at, told) = match (busy, told) {
        (Some(busy), Some(told)) => (busy, told),
        // Without it, twice buffer_size, which must be less than the buffers but one.
        _ => (location.own("buffer_size")?, size * 2),
    };
    let one = location
        .own("buffers")
        .and_then(|it| octets(it.args.get(1)?))
        .unwrap_or(4096);
    let prefix = location.kind.prefix();
    if told >= size.max(one) && told <= all.saturating_sub(one) {
        return None;
    }
    Some((
        Weight::Problem,
        at.place(),
        finding(
            "buffers-do-not-fit",
            "FCGI-DF-HEADER-SPLIT-BUFFER",
            format!(
                "{prefix}_busy_buffers_size ({told}) must be at least {prefix}_buffer_size ({size}) and at most all {prefix}_buffers but one ({}): nginx does not start.",
                all.saturating_sub(one)
            ),
            format!(
                "{prefix}_buffers 8 {}k; {prefix}_busy_buffers_size {}k;",
                size.max(4096) / 1024,
                size.max(4096) / 512
            ),
        ),
    ))
}

fn request_buffering(location: &Location<'_>) -> Found {
    let off = location
        .own("request_buffering")
        .filter(|it| it.arg() == "off")?;
    (location.kind != Pass::Proxy).then(|| {
        (
            Weight::Note,
            off.place(),
            finding(
                "unbuffered-upload",
                "DF-REQ-BUFFERING",
                "A chunked body is passed on while it comes, so that its length is not known: CONTENT_LENGTH is empty, and most applications read an empty body (scgi before nginx 1.29.6: a wrong one).",
                format!("{}_request_buffering on; where clients may send chunked bodies.", location.kind.prefix()),
            ),
        )
    })
}

/// A name that means two addresses, of which servers mostly listen at one.
fn localhost(location: &Location<'_>) -> Found {
    let told = location.pass.arg();
    let host = told.rsplit("://").next()?.split('/').next()?;
    let port = host.strip_prefix("localhost:")?;
    let refused = |ip: &str| {
        let address: std::net::SocketAddr = format!("{ip}:{port}").parse().ok()?;
        let within = std::time::Duration::from_secs(1);
        Some(std::net::TcpStream::connect_timeout(&address, within).is_err())
    };
    let (four, six) = (refused("127.0.0.1")?, refused("[::1]")?);
    (four != six).then(|| {
        let (open, closed) = if four { ("[::1]", "127.0.0.1") } else { ("127.0.0.1", "[::1]") };
        (
            Weight::Note,
            location.pass.place(),
            finding(
                "localhost-twice",
                "",
                format!("localhost is 127.0.0.1 and [::1]; the server listens at {open} alone, so nginx is refused at {closed} by turns (`connect() failed (111)`)."),
                told.replace("localhost", open) + " in place of localhost.",
            ),
        )
    })
}
