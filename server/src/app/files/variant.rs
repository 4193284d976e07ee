//! Files that lie there compressed as well.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use wire::environ::Environ;

use super::find::Found;
use crate::options::FileSettings;

/// Codings and the extensions of their files, the better one first.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Whether a compressed file may be sent in place of this one.
pub(super) fn is_wanted(settings: &FileSettings, found: &Found) -> bool {
    if settings.gzip_all {
        return true;
    }
    let path = found.path.as_os_str().as_bytes();
    let begins = |dir: &String| path.starts_with(dir.as_bytes());
    let ends = |extension: &String| path.ends_with(extension.as_bytes());
    settings.gzip_dirs.iter().any(begins)
        || settings.gzip_ext.iter().any(ends)
        || !settings.gzip.is_empty() && {
            let path = String::from_utf8_lossy(path);
            settings.gzip.iter().any(|pattern| pattern.matches(&path))
        }
}

/// The compressed file next to this one that the client takes, with the name of its coding.
pub(super) fn compressed(found: &Found, environ: &Environ) -> Option<(Found, &'static str)> {
    let accepted = environ.text("HTTP_ACCEPT_ENCODING")?;
    CODINGS.into_iter().find_map(|(coding, extension)| {
        if !accepts(accepted, coding) {
            return None;
        }
        let mut path = found.path.clone().into_os_string();
        path.push(extension);
        let metadata = fs::metadata(&path).ok().filter(|file| file.is_file())?;
        let path = path.into();
        Some((Found { path, metadata }, coding))
    })
}

/// Whether `Accept-Encoding` names the coding and does not refuse it (RFC 9110 section 12.5.3).
fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|item| {
        let mut words = item.split(';').map(str::trim);
        let is_named = words
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = words.find_map(|word| word.strip_prefix("q="));
        is_named && weight.and_then(|weight| weight.parse::<f32>().ok()) != Some(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_accepted_by_name_unless_its_weight_is_0() {
        assert!(accepts("gzip, br", "br"));
        assert!(accepts("deflate, GZIP;q=0.5", "gzip"));
        assert!(!accepts("gzip;q=0, br", "gzip"));
        assert!(!accepts("x-gzip", "gzip"));
    }
}
