//! From the path of a request to a file on disk.

use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use wire::environ::Environ;

use crate::log;
use crate::options::{FileSettings, StaticMap};

/// A file that answers a request.
#[derive(Debug)]
pub(in crate::app) struct Found {
    /// Its path, without symbolic links.
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
}

/// The file that answers a request, if one does.
pub(super) fn find(settings: &FileSettings, environ: &Environ) -> Option<Found> {
    let method = environ.get("REQUEST_METHOD")?;
    if method != "GET" && method != "HEAD" {
        return None;
    }
    let path = requested(environ)?;
    if ends_in_any(path, &settings.skip_ext) {
        return None;
    }
    let mapped = settings
        .maps
        .iter()
        .filter_map(|map| Some((map.path.as_path(), below(map, path)?)));
    let docroot = environ.get("DOCUMENT_ROOT").filter(|_| settings.docroot);
    let docroot = docroot.map(|root| (path_of(root), path.as_ref()));
    let found = mapped
        .chain(docroot)
        .find_map(|(root, rest)| look(settings, root, rest))?;
    let is_skipped = ends_in_any(found.path.as_os_str().as_bytes(), &settings.skip_ext);
    (!is_skipped).then_some(found)
}

/// `PATH_INFO`; the parameter files that nginx brings for FastCGI and SCGI do not set it and tell
/// the whole path otherwise.
fn requested(environ: &Environ) -> Option<&Bytes> {
    let whole = |name| environ.get(name).filter(|path| !path.is_empty());
    let path_info = environ.get("PATH_INFO");
    path_info.or_else(|| ["SCRIPT_NAME", "DOCUMENT_URI"].into_iter().find_map(whole))
}

fn ends_in_any(text: &[u8], extensions: &[String]) -> bool {
    extensions
        .iter()
        .any(|extension| text.ends_with(extension.as_bytes()))
}

fn path_of(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// What follows the mapped URL in `path`; `None` if it does not begin with that. Unlike in uWSGI the
/// URL ends at a slash: `/static` does not cover `/static-private`.
fn below<'p>(map: &StaticMap, path: &'p [u8]) -> Option<&'p [u8]> {
    let rest = path.strip_prefix(map.url.as_bytes())?;
    let ends_here = rest.is_empty() || rest.starts_with(b"/");
    let is_covered = ends_here || map.url.is_empty() || map.url.ends_with('/');
    is_covered.then_some(if map.keeps_url { path } else { rest })
}

/// The file at `rest` below `root`, or `root` itself where that is a file.
fn look(settings: &FileSettings, root: &Path, rest: &[u8]) -> Option<Found> {
    let root = fs::canonicalize(root).ok()?;
    // A slash in front would make it a path of its own.
    let slashes = rest.iter().take_while(|&&byte| byte == b'/').count();
    let path = match &rest[slashes..] {
        [] => root.clone(),
        rest => fs::canonicalize(root.join(path_of(rest))).ok()?,
    };
    if !is_allowed(settings, &root, &path) {
        log::fault(&format!(
            "[uwsgi-fileserve] security error: {} is not under {} or a safe path",
            path.display(),
            root.display()
        ));
        return None;
    }
    regular(&path).or_else(|| index(settings, &root, &path))
}

/// A link must not lead out of the folder, except to where that is allowed.
fn is_allowed(settings: &FileSettings, root: &Path, path: &Path) -> bool {
    let below_safe = |safe: &PathBuf| {
        path.starts_with(safe) || fs::canonicalize(safe).is_ok_and(|safe| path.starts_with(safe))
    };
    path.starts_with(root) || settings.safe.iter().any(below_safe)
}

pub(super) fn regular(path: &Path) -> Option<Found> {
    let metadata = fs::metadata(path).ok()?;
    metadata.is_file().then(|| Found {
        path: path.to_owned(),
        metadata,
    })
}

fn index(settings: &FileSettings, root: &Path, folder: &Path) -> Option<Found> {
    let candidates = settings.index.iter().map(|name| folder.join(name));
    let real = candidates.filter_map(|file| fs::canonicalize(file).ok());
    real.filter(|file| is_allowed(settings, root, file))
        .find_map(|file| regular(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(url: &str, keeps_url: bool) -> StaticMap {
        StaticMap {
            url: url.into(),
            path: "/srv".into(),
            keeps_url,
        }
    }

    #[test]
    fn a_mapped_url_ends_at_a_slash() {
        let rest = |url, path: &'static str| below(&map(url, false), path.as_bytes());
        assert_eq!(rest("/static", "/static/a.css"), Some(&b"/a.css"[..]));
        assert_eq!(rest("/static/", "/static/a.css"), Some(&b"a.css"[..]));
        assert_eq!(rest("/static", "/static"), Some(&b""[..]));
        assert_eq!(rest("/static", "/static-private/a"), None);
        assert_eq!(rest("", "/a"), Some(&b"/a"[..]));
    }

    #[test]
    fn the_url_may_stay_part_of_the_path() {
        assert_eq!(
            below(&map("/media", true), b"/media/a"),
            Some(&b"/media/a"[..])
        );
    }

    #[test]
    fn a_gateway_that_sets_no_path_info_tells_the_path_otherwise() {
        let path_of = |pairs: &[(&'static str, &'static str)]| {
            let mut environ = Environ::new();
            for (name, value) in pairs {
                environ.push(*name, *value);
            }
            requested(&environ).cloned().unwrap()
        };
        let split = [("SCRIPT_NAME", "/app"), ("PATH_INFO", "/a.css")];
        assert_eq!(path_of(&split), "/a.css");
        assert_eq!(path_of(&[("SCRIPT_NAME", "/a.css")]), "/a.css");
        let stock = [("SCRIPT_NAME", ""), ("DOCUMENT_URI", "/a.css")];
        assert_eq!(path_of(&stock), "/a.css");
        assert_eq!(path_of(&[("SCRIPT_NAME", "/x"), ("PATH_INFO", "")]), "");
    }
}
