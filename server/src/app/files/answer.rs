//! The reply for a file: whole, in part, or not changed since.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use nix::libc::O_NONBLOCK;
use wire::cgi::CgiHead;
use wire::environ::Environ;

use super::find::Found;
use super::range::{Part, part};
use super::{FilesApp, variant};
use crate::app::{AppError, status_of};
use crate::exchange::{Reply, Request};
use crate::options::{Expires, ExpiresOn, FileServeMode};

/// Answers with the file.
pub(super) async fn answer(
    app: &FilesApp,
    found: Found,
    request: Request,
    reply: &mut Reply,
) -> Result<(), AppError> {
    let environ = &request.environ;
    let media_type = app.types.of(&found.path);
    let varies = variant::is_wanted(&app.settings, &found);
    let compressed = varies
        .then(|| variant::compressed(&found, environ))
        .flatten();
    let (sent, coding) = match compressed {
        Some((compressed, coding)) => (compressed, Some(coding)),
        None => (found, None),
    };
    let size = sent.metadata.len();
    let changed = sent.metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    reply.notes().app = -1;

    let mut common = CgiHead::default().with("Last-Modified", httpdate::fmt_http_date(changed));
    if let Some(at) = expires(app, &sent.path, media_type, environ, changed) {
        common = common.with("Expires", httpdate::fmt_http_date(at));
    }
    if varies {
        common = common.with("Vary", "Accept-Encoding");
    }
    if is_unchanged(environ, changed) {
        return Ok(reply.head(with_status(304, common)).await?);
    }
    common = common.with("Content-Type", media_type.to_owned());
    if let Some(coding) = coding {
        common = common.with("Content-Encoding", coding);
    }
    if let Some(head) = delegated(app.settings.mode, &sent.path, &common) {
        return Ok(reply.head(head).await?);
    }
    common = common.with("Accept-Ranges", "bytes");
    let part = match environ.text("HTTP_RANGE") {
        Some(range) if applies(environ, changed) => part(range, size),
        _ => Part::Whole,
    };
    let (head, first, length) = match part {
        Part::Whole => (with_status(200, common), 0, size),
        Part::Of(first, last) => {
            let range = format!("bytes {first}-{last}/{size}");
            let head = with_status(206, common).with("Content-Range", range);
            (head, first, last - first + 1)
        }
        Part::OutOfReach => {
            let head = CgiHead::new(416)
                .with("Content-Range", format!("bytes */{size}"))
                .with("Content-Length", "0");
            return Ok(reply.head(head).await?);
        }
    };
    let file = open(&sent.path)?;
    reply
        .head(head.with("Content-Length", length.to_string()))
        .await?;
    if environ
        .get("REQUEST_METHOD")
        .is_some_and(|method| method == "HEAD")
    {
        return Ok(());
    }
    Ok(reply.file(file, first, length).await?)
}

fn with_status(status: u16, head: CgiHead) -> CgiHead {
    CgiHead {
        status: CgiHead::new(status).status,
        ..head
    }
}

/// What has become something else since it was found must not be waited for.
fn open(path: &Path) -> Result<File, AppError> {
    let opened = File::options()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path);
    opened.map_err(|error| {
        let otherwise = match error.kind() {
            std::io::ErrorKind::PermissionDenied => 403,
            std::io::ErrorKind::NotFound => 404,
            _ => 500,
        };
        let status = status_of(&error, otherwise);
        AppError::new(status, format!("cannot open {}: {error}", path.display()))
    })
}

/// Seconds, which is all that a date in a header can tell.
fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn date(environ: &Environ, name: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(environ.text(name)?).ok()
}

/// RFC 9110 section 13.1.3.
fn is_unchanged(environ: &Environ, changed: SystemTime) -> bool {
    let since = date(environ, "HTTP_IF_MODIFIED_SINCE");
    since.is_some_and(|since| seconds(changed) <= seconds(since))
}

/// RFC 9110 section 13.1.5: a part is of use only if the client has the rest of the same file.
fn applies(environ: &Environ, changed: SystemTime) -> bool {
    environ.get("HTTP_IF_RANGE").is_none()
        || date(environ, "HTTP_IF_RANGE").is_some_and(|had| seconds(had) == seconds(changed))
}

/// When the client should ask again; the first rule that matches counts.
fn expires(
    app: &FilesApp,
    file: &Path,
    media_type: &str,
    environ: &Environ,
    changed: SystemTime,
) -> Option<SystemTime> {
    let text = |name| String::from_utf8_lossy(environ.get(name).map_or(&b""[..], AsRef::as_ref));
    let is_met = |rule: &&Expires| match &rule.on {
        ExpiresOn::File(pattern) => pattern.matches(&file.to_string_lossy()),
        ExpiresOn::PathInfo(pattern) => pattern.matches(&text("PATH_INFO")),
        ExpiresOn::Uri(pattern) => pattern.matches(&text("REQUEST_URI")),
        ExpiresOn::Type(expected) => expected == media_type,
    };
    let rule = app.settings.expires.iter().find(is_met)?;
    let from = match rule.from_mtime {
        true => changed,
        false => SystemTime::now(),
    };
    from.checked_add(rule.after.min(FAR))
}

/// Dates in headers end with the year 9999.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// `fileserve-mode`: the head by which the web server in front is asked to send the file.
fn delegated(mode: FileServeMode, file: &Path, common: &CgiHead) -> Option<CgiHead> {
    let name = match mode {
        FileServeMode::Own => return None,
        FileServeMode::Accel => "X-Accel-Redirect",
        FileServeMode::Sendfile => "X-Sendfile",
    };
    let path = Bytes::copy_from_slice(file.as_os_str().as_bytes());
    Some(with_status(200, common.clone()).with(name, path))
}
