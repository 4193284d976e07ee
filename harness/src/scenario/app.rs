//! WSGI applications of the scenarios: small callables that run beside the probe.
//!
//! `wsgi/iterable:closes` is the callable `closes` in `scenarios/wsgi/apps/iterable.py`. A backend
//! that runs WSGI gets the files beside the probe, which finds `wsgi/iterable.py` there.

use std::fmt;

use serde::Deserialize;

/// Folder of the scenarios whose Python files are applications.
pub(super) const FOLDER: &str = "wsgi/apps/";

/// The name of an application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct App {
    file: String,
    callable: String,
}

/// A file of applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppFile {
    /// Where the probe looks for it, from the folder that it is in itself: `wsgi/iterable.py`.
    pub path: String,
    /// Python.
    pub text: String,
}

impl TryFrom<String> for App {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_name = |part: &str| {
            let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            !part.is_empty() && part.bytes().all(is_letter)
        };
        let parts = name
            .strip_prefix("wsgi/")
            .and_then(|rest| rest.split_once(':'));
        match parts.filter(|(file, callable)| is_name(file) && is_name(callable)) {
            Some((file, callable)) => Ok(Self {
                file: format!("wsgi/{file}"),
                callable: callable.to_owned(),
            }),
            None => Err(format!(
                "`{name}` is no application; expected `wsgi/FILE:CALLABLE`"
            )),
        }
    }
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.callable)
    }
}

impl AppFile {
    /// A Python file of the scenarios, if it is one of applications; `path` is that below their
    /// folder.
    pub(super) fn of(path: &str, text: &str) -> Option<Self> {
        let name = path.strip_prefix(FOLDER)?.strip_suffix(".py")?;
        (!name.contains('/')).then(|| Self {
            path: format!("wsgi/{name}.py"),
            text: text.to_owned(),
        })
    }

    /// The names of the applications that it defines at its top level.
    pub(super) fn apps(&self) -> impl Iterator<Item = String> + '_ {
        let file = self.path.trim_end_matches(".py");
        let defined = self.text.lines().filter_map(|line| {
            let rest = line
                .strip_prefix("def ")
                .or_else(|| line.strip_prefix("class "));
            let name = match rest {
                Some(rest) => rest.split(['(', ':']).next(),
                None => line.split_once(" = ").map(|(name, _)| name),
            };
            name.filter(|name| !name.is_empty() && !name.starts_with([' ', '_', '#']))
        });
        defined.map(move |name| format!("{file}:{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_named_by_file_and_callable() {
        let app = App::try_from("wsgi/iterable:closes".to_owned()).unwrap();
        assert_eq!(app.to_string(), "wsgi/iterable:closes");
        for bad in [
            "iterable:closes",
            "wsgi/iterable",
            "wsgi/../x:y",
            "wsgi/a:b;c",
        ] {
            let error = App::try_from(bad.to_owned()).unwrap_err();
            assert!(
                error.starts_with(&format!("`{bad}` is no application")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_tells_what_it_defines() {
        let text = "import x\nX = 1\n\ndef one(environ, start_response):\n    y = 2\n\n\nclass Two:\n    pass\n\n\ndef _own():\n    pass\n";
        let file = AppFile::of("wsgi/apps/a.py", text).unwrap();
        assert_eq!(file.path, "wsgi/a.py");
        let names: Vec<String> = file.apps().collect();
        assert_eq!(names, ["wsgi/a:X", "wsgi/a:one", "wsgi/a:Two"]);
    }

    #[test]
    fn other_python_files_are_no_applications() {
        assert_eq!(AppFile::of("apps/probe.py", ""), None);
        assert_eq!(AppFile::of("wsgi/apps/a/b.py", ""), None);
    }
}
