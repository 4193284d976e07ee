//! Which Python a script asks for.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::app::cgi::search;

/// As much of a script's first line as the kernel looks at.
const FIRST_LINE: u64 = 256;

/// A Python as `exec` would start it for a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Interpreter {
    /// Its file.
    pub(super) file: PathBuf,
    /// The first word of its command line, by which it finds its own folders.
    pub(super) name: Vec<u8>,
}

impl Interpreter {
    /// A `cgi-helper`, if that is a Python.
    pub(super) fn helper(file: &Path) -> Option<Self> {
        let name = file.as_os_str().as_bytes().to_vec();
        let file = file.to_owned();
        is_python(&file).then_some(Self { file, name })
    }

    /// Whether its file is a script itself, such as a version manager's, which does more to the
    /// environment than a boot that is kept could show.
    pub(super) fn is_wrapped(&self) -> bool {
        let mut start = [0; 2];
        let read = File::open(&self.file).and_then(|mut file| file.read_exact(&mut start));
        read.is_ok() && &start == b"#!"
    }

    /// What the first line of a script asks for, if that is a Python without options; `path` is the
    /// script's `PATH`.
    pub(super) fn of_script(script: &Path, path: &[u8]) -> Option<Self> {
        let mut line = Vec::new();
        let file = File::open(script).ok()?;
        file.take(FIRST_LINE).read_to_end(&mut line).ok()?;
        asked(&line, path)
    }
}

/// The interpreter in the first line of a text.
fn asked(text: &[u8], path: &[u8]) -> Option<Interpreter> {
    let line = text.strip_prefix(b"#!")?;
    let end = line.iter().position(|&byte| byte == b'\n')?;
    let words: Vec<_> = line[..end]
        .split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|word| !word.is_empty())
        .collect();
    let (file, name) = match words[..] {
        [b"/usr/bin/env" | b"/bin/env", name] if !name.contains(&b'/') => {
            (search(std::str::from_utf8(name).ok()?, path)?, name)
        }
        [name] if name.starts_with(b"/") => (PathBuf::from(OsStr::from_bytes(name)), name),
        _ => return None,
    };
    is_python(Path::new(OsStr::from_bytes(name))).then(|| Interpreter {
        file,
        name: name.to_vec(),
    })
}

/// Whether the file's name is `python` or that with a version: `python3`, `python3.11`.
fn is_python(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().as_bytes();
    let version = name.strip_prefix(b"python");
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    version.is_some_and(|version| version.iter().all(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command line's first word for a first line.
    fn name(line: &str) -> Option<String> {
        let asked = asked(format!("{line}\n").as_bytes(), b"")?;
        assert_eq!(asked.file, Path::new(OsStr::from_bytes(&asked.name)));
        String::from_utf8(asked.name).ok()
    }

    #[test]
    fn a_python_by_its_path_is_one() {
        for path in ["/usr/bin/python3", "/venv/bin/python", "/opt/python3.11"] {
            assert_eq!(name(&format!("#!{path}")).as_deref(), Some(path));
            assert_eq!(name(&format!("#! {path} \t")).as_deref(), Some(path));
        }
    }

    #[test]
    fn options_other_programs_and_relative_paths_are_not() {
        for line in [
            "#!/usr/bin/python3 -u",
            "#!/usr/bin/perl",
            "#!/usr/bin/pythonic",
            "#!python3",
            "#!/usr/bin/python3\r",
            "#!/usr/bin/env -S python3",
            "#!/usr/bin/env no-such-python",
            "print(1)",
            "#!",
        ] {
            assert_eq!(name(line), None, "{line}");
        }
    }

    #[test]
    fn env_looks_along_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("python3");
        std::os::unix::fs::symlink("/bin/sh", &file).unwrap();
        let path = folder.path().as_os_str().as_bytes();
        let found = asked(b"#!/usr/bin/env python3\nprint(1)\n", path).unwrap();
        assert_eq!((found.file, &found.name[..]), (file, &b"python3"[..]));
        assert_eq!(asked(b"#!/usr/bin/env python3\n", b"/nonexistent"), None);
    }

    #[test]
    fn a_helper_is_taken_if_it_is_a_python() {
        assert!(Interpreter::helper(Path::new("/usr/bin/python3")).is_some());
        assert!(Interpreter::helper(Path::new("/usr/bin/php-cgi")).is_none());
    }
}
