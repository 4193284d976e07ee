//! The program that a gateway names in its request, as for fcgiwrap.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use wire::environ::Environ;

use super::script::{Kind, NoScript, Rules, Script, kind};

/// `SCRIPT_FILENAME`, or `DOCUMENT_ROOT` and `SCRIPT_NAME` as fcgiwrap joins them. Apache's
/// mod_proxy_fcgi puts its own address before the path (DF-VAR-SCRIPT-FILENAME).
pub(super) fn file(environ: &Environ) -> Option<PathBuf> {
    let given = |name| environ.get(name).filter(|value| !value.is_empty());
    let joined = || {
        let (root, name) = (given("DOCUMENT_ROOT")?, given("SCRIPT_NAME")?);
        Some([&root[..], name].concat().into())
    };
    let file: Bytes = given("SCRIPT_FILENAME").cloned().or_else(joined)?;
    let file = match file.strip_prefix(b"proxy:fcgi://") {
        Some(rest) => &rest[rest.iter().position(|&byte| byte == b'/')?..],
        None => &file,
    };
    file.starts_with(b"/").then(|| path(file).to_owned())
}

/// Which programs a gateway may name, wherever they lie (`cgi-from-script-filename`).
#[derive(Clone, Debug)]
pub(super) struct Anywhere {
    /// `cgi-only`, without symbolic links; empty for all.
    only: Vec<PathBuf>,
}

impl Anywhere {
    /// Those of `cgi-only`; one that is not there yet counts by its name.
    pub(super) fn new(only: &[PathBuf]) -> Self {
        let only = only.iter().map(|file| resolved(file));
        Self {
            only: only.collect(),
        }
    }

    /// The program for a request. Where the name goes on behind a regular file, the rest is
    /// `PATH_INFO` and leaves the end of `SCRIPT_NAME`.
    pub(super) fn find(&self, environ: &Environ, rules: &Rules) -> Result<Script, NoScript> {
        let whole = file(environ).ok_or(NoScript::Unnamed)?;
        let file = program(&whole)?;
        if !self.only.is_empty() && !self.only.contains(&resolved(&file)) {
            let why = "it is not one of cgi-only";
            return Err(NoScript::Forbidden { file, why });
        }
        rules.check(&file)?;
        let tail = &whole.as_os_str().as_bytes()[file.as_os_str().len()..];
        let part = |name| environ.get(name).cloned().unwrap_or_default();
        let (name, info) = (part("SCRIPT_NAME"), part("PATH_INFO"));
        let script_name = match name.strip_suffix(tail) {
            Some(start) => name.slice_ref(start),
            None => name,
        };
        Ok(Script {
            root: file.clone(),
            path_info: match tail {
                [] => info,
                tail => Bytes::copy_from_slice(tail),
            },
            script_name,
            file,
        })
    }
}

/// The first of `whole` and the paths above it that is a file.
fn program(whole: &Path) -> Result<PathBuf, NoScript> {
    let bytes = whole.as_os_str().as_bytes();
    if bytes
        .split(|&byte| byte == b'/')
        .any(|segment| segment == b"..")
    {
        let why = "its path climbs";
        let file = whole.to_owned();
        return Err(NoScript::Forbidden { file, why });
    }
    let mut end = bytes.len();
    loop {
        let file = path(&bytes[..end]);
        match kind(file) {
            Ok(Kind::File) => return Ok(file.to_owned()),
            Ok(Kind::Folder) if end == bytes.len() => return Err(NoScript::Folder(whole.into())),
            Ok(Kind::Folder) => return Err(NoScript::Missing(whole.into())),
            Err(NoScript::Missing(_)) => {}
            Err(reason) => return Err(reason),
        }
        end = match bytes[..end].iter().rposition(|&byte| byte == b'/') {
            Some(at @ 1..) => at,
            _ => return Err(NoScript::Missing(whole.into())),
        };
    }
}

fn resolved(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environ(pairs: &[(&'static str, String)]) -> Environ {
        let mut environ = Environ::new();
        for (name, value) in pairs {
            environ.push(*name, value.clone());
        }
        environ
    }

    fn found(only: &[&str], pairs: &[(&'static str, &str)]) -> Result<Script, NoScript> {
        let only: Vec<_> = only.iter().map(PathBuf::from).collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|&(name, value)| (name, value.to_owned()))
            .collect();
        Anywhere::new(&only).find(&environ(&pairs), &Rules::default())
    }

    #[track_caller]
    fn assert_split(pairs: &[(&'static str, &str)], expected: (&str, &str, &str)) {
        let script = found(&[], pairs).unwrap();
        let split = (&script.script_name[..], &script.path_info[..]);
        assert_eq!(script.file, Path::new(expected.0));
        assert_eq!(split, (expected.1.as_bytes(), expected.2.as_bytes()));
    }

    #[test]
    fn what_follows_the_file_is_path_info() {
        let file = ("SCRIPT_FILENAME", "/bin/sh/a/b");
        assert_split(
            &[file, ("SCRIPT_NAME", "/x/a/b")],
            ("/bin/sh", "/x", "/a/b"),
        );
        assert_split(&[file, ("SCRIPT_NAME", "/x")], ("/bin/sh", "/x", "/a/b"));
        let parts = [("DOCUMENT_ROOT", "/bin"), ("SCRIPT_NAME", "/sh/a")];
        assert_split(&parts, ("/bin/sh", "/sh", "/a"));
    }

    #[test]
    fn the_split_of_a_gateway_that_knows_the_file_stays() {
        let file = ("SCRIPT_FILENAME", "/bin/sh");
        let split = [file, ("SCRIPT_NAME", "/x"), ("PATH_INFO", "/more")];
        assert_split(&split, ("/bin/sh", "/x", "/more"));
    }

    #[test]
    fn missing_and_forbidden_programs_are_told_apart() {
        let status = |only: &[&str], file: &str| {
            found(only, &[("SCRIPT_FILENAME", file)])
                .unwrap_err()
                .status()
        };
        assert_eq!(status(&[], "/no/such/file"), 404);
        assert_eq!(status(&[], "/bin/no-such-program"), 404);
        assert_eq!(status(&[], "/etc/passwd"), 403);
        assert_eq!(status(&[], "/etc"), 403);
        assert_eq!(status(&[], "/usr/../bin/sh"), 403);
        assert_eq!(status(&["/bin/cat"], "/bin/sh"), 403);
        assert_eq!(found(&[], &[]).unwrap_err().status(), 403);
    }

    #[test]
    fn the_only_program_is_known_by_any_of_its_names() {
        let sh = fs::canonicalize("/bin/sh").unwrap();
        let sh = sh.to_str().unwrap();
        found(&["/bin/sh"], &[("SCRIPT_FILENAME", sh)]).unwrap();
        found(&[sh], &[("SCRIPT_FILENAME", "/bin/sh/info")]).unwrap();
    }
}
