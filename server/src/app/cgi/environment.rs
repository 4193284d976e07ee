//! The environment of a script: meta-variables, `PATH`, and what `--cgi-env` adds. Nothing of this
//! server's own environment.

use bytes::Bytes;
use wire::environ::Environ;

use super::script::Script;
use super::strings::Strings;

/// What every script's environment holds beside its request.
#[derive(Clone, Debug)]
pub(super) struct Extra {
    /// `PATH`, unless the gateway sends one.
    pub(super) path: Bytes,
    /// `--cgi-env`: these win over everything else.
    pub(super) env: Vec<(String, String)>,
    /// `--cgi-unset`: variables of the request that do not arrive.
    pub(super) unset: Vec<String>,
}

/// This server's own environment as scripts may get it, without what was meant for the server:
/// options, and what its service manager tells it.
pub(super) fn inherited() -> Vec<(String, String)> {
    let is_ours = |name: &str| {
        let managers = [
            "NOTIFY_SOCKET",
            "LISTEN_PID",
            "LISTEN_FDS",
            "LISTEN_FDNAMES",
        ];
        managers.contains(&name) || name.starts_with("UWSGI_") || name.starts_with("GATESERVE_")
    };
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !is_ours(name))
        .collect()
}

/// A variable that no environment can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("variable {0} holds a NUL")]
pub(super) struct BadVariable(String);

/// Makes the meta-variables tell of `script`, and fills in those that some gateways leave out.
pub(super) fn complete(environ: &mut Environ, script: &Script, body_length: Option<u64>) {
    environ.set("SCRIPT_NAME", script.script_name.clone());
    environ.set("PATH_INFO", script.path_info.clone());
    environ.set("SCRIPT_FILENAME", script.file_bytes());
    translate(environ, script);
    for (name, value) in DEFAULTS {
        if environ.get(name).is_none() {
            environ.push(*name, *value);
        }
    }
    if let Some(length) = body_length {
        environ.set("CONTENT_LENGTH", length.to_string());
    }
}

/// What a script always gets: nginx's own uwsgi_params and scgi_params lack the first two
/// (CGI-4.1.4-GI, CGI-4.1.17-SOFTWARE), HAProxy leaves out an empty query (CGI-4.1.7-QS-SET).
const DEFAULTS: &[(&str, &str)] = &[
    ("GATEWAY_INTERFACE", "CGI/1.1"),
    (
        "SERVER_SOFTWARE",
        concat!("gateserve/", env!("CARGO_PKG_VERSION")),
    ),
    ("SERVER_PROTOCOL", "HTTP/1.0"),
    ("REQUEST_METHOD", "GET"),
    ("QUERY_STRING", ""),
];

/// CGI-4.1.6-PT-SET and CGI-4.1.6-PT-NULL: `PATH_INFO` below the document root, or else below the
/// folder of the mount. A path that climbs is not translated (CGI-8.1-DOT-SEGMENTS).
fn translate(environ: &mut Environ, script: &Script) {
    let climbs = script
        .path_info
        .split(|&byte| byte == b'/')
        .any(|segment| segment == b"..");
    if script.path_info.is_empty() || climbs {
        environ.remove("PATH_TRANSLATED");
        return;
    }
    let root = environ.get("DOCUMENT_ROOT").filter(|root| !root.is_empty());
    let root = root.cloned().unwrap_or_else(|| script.root_bytes());
    let root = root.strip_suffix(b"/").unwrap_or(&root);
    environ.set("PATH_TRANSLATED", [root, &script.path_info].concat());
}

/// The environment as `exec` takes it.
///
/// # Errors
/// A value that holds a NUL, which would be cut short (CGI-4.1-REPRESENTATION).
pub(super) fn strings(environ: &Environ, extra: &Extra) -> Result<Strings, BadVariable> {
    let size = environ
        .iter()
        .map(|(name, value)| name.len() + value.len() + 1)
        .sum::<usize>();
    let mut strings = Strings::with_capacity(environ.len() + extra.env.len() + 1, size + 256);
    for (name, value) in &merged(environ) {
        if is_inherited(name) && !extra.sets(name) && !extra.unsets(name) {
            push(&mut strings, name, value)?;
        }
    }
    if environ.get("PATH").is_none() && !extra.sets(b"PATH") {
        push(&mut strings, b"PATH", &extra.path)?;
    }
    for (name, value) in &extra.env {
        push(&mut strings, name.as_bytes(), value.as_bytes())?;
    }
    Ok(strings)
}

impl Extra {
    fn sets(&self, name: &[u8]) -> bool {
        self.env.iter().any(|(given, _)| given.as_bytes() == name)
    }

    fn unsets(&self, name: &[u8]) -> bool {
        self.unset.iter().any(|given| given.as_bytes() == name)
    }
}

fn push(strings: &mut Strings, name: &[u8], value: &[u8]) -> Result<(), BadVariable> {
    let pushed = strings.push(&[name, b"=", value]);
    pushed.map_err(|_| BadVariable(String::from_utf8_lossy(name).into_owned()))
}

/// Left out, whatever the gateway lets through: names that an environment cannot hold, a proxy for
/// the script's own requests (CGI-DF-HTTPOXY), and what other variables say already
/// (CGI-4.1.18-DUP-STRIP).
fn is_inherited(name: &[u8]) -> bool {
    let is_other = |dropped: &&str| !name.eq_ignore_ascii_case(dropped.as_bytes());
    let dropped = ["HTTP_PROXY", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"];
    !name.is_empty() && !name.contains(&b'=') && dropped.iter().all(is_other)
}

/// CGI-4.1.18-HTTP-MERGE: header fields that a gateway sent one by one become one variable, since a
/// script sees the first or the last of them, depending on its language. Of others the first counts.
fn merged(environ: &Environ) -> Vec<(Bytes, Bytes)> {
    let mut merged: Vec<(Bytes, Bytes)> = Vec::with_capacity(environ.len());
    for (name, value) in environ.iter() {
        match merged.iter_mut().find(|(given, _)| given == name) {
            None => merged.push((name.clone(), value.clone())),
            Some((_, first)) if name.starts_with(b"HTTP_") => *first = joined(name, first, value),
            Some(_) => {}
        }
    }
    merged
}

fn joined(name: &[u8], first: &[u8], next: &[u8]) -> Bytes {
    let separator: &[u8] = if name == b"HTTP_COOKIE" { b"; " } else { b", " };
    [first, separator, next].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environ(pairs: &[(&'static str, &'static str)]) -> Environ {
        let mut environ = Environ::new();
        for (name, value) in pairs {
            environ.push(*name, *value);
        }
        environ
    }

    fn script(path_info: &'static str) -> Script {
        Script {
            file: "/srv/cgi/a/x.sh".into(),
            root: "/srv/cgi".into(),
            script_name: "/cgi-bin/a/x.sh".into(),
            path_info: path_info.into(),
        }
    }

    fn extra(env: &[(&str, &str)]) -> Extra {
        let env = env.iter().map(|&(name, value)| (name.into(), value.into()));
        Extra {
            path: "/bin".into(),
            env: env.collect(),
            unset: vec!["HTTP_SECRET".into()],
        }
    }

    #[track_caller]
    fn assert_strings(environ: &Environ, extra: &Extra, expected: &[&str]) {
        let strings = strings(environ, extra).unwrap();
        let texts: Vec<_> = strings.iter().map(String::from_utf8_lossy).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn the_script_and_its_paths_are_told() {
        let mut environ = environ(&[("SCRIPT_NAME", "/cgi-bin"), ("PATH_INFO", "/a/x.sh/info")]);
        complete(&mut environ, &script("/info"), Some(5));
        for (name, value) in [
            ("SCRIPT_NAME", "/cgi-bin/a/x.sh"),
            ("PATH_INFO", "/info"),
            ("SCRIPT_FILENAME", "/srv/cgi/a/x.sh"),
            ("PATH_TRANSLATED", "/srv/cgi/info"),
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("QUERY_STRING", ""),
            ("CONTENT_LENGTH", "5"),
        ] {
            assert_eq!(environ.text(name), Some(value), "{name}");
        }
    }

    #[test]
    fn what_the_gateway_said_of_itself_is_kept() {
        let mut environ = environ(&[
            ("SERVER_SOFTWARE", "nginx/1.22"),
            ("DOCUMENT_ROOT", "/www/"),
        ]);
        complete(&mut environ, &script("/info"), None);
        assert_eq!(environ.text("SERVER_SOFTWARE"), Some("nginx/1.22"));
        assert_eq!(environ.text("PATH_TRANSLATED"), Some("/www/info"));
        assert_eq!(environ.get("CONTENT_LENGTH"), None);
    }

    #[test]
    fn no_path_info_or_one_that_climbs_is_not_translated() {
        for path_info in ["", "/../../etc/passwd"] {
            let mut environ = environ(&[("PATH_TRANSLATED", "/www")]);
            complete(&mut environ, &script(path_info), None);
            assert_eq!(environ.get("PATH_TRANSLATED"), None, "{path_info}");
        }
    }

    #[test]
    fn path_is_there_and_cgi_env_wins() {
        let environ = environ(&[("A", "1"), ("B", "2")]);
        assert_strings(&environ, &extra(&[]), &["A=1", "B=2", "PATH=/bin"]);
        assert_strings(
            &environ,
            &extra(&[("B", "x"), ("PATH", "/opt")]),
            &["A=1", "B=x", "PATH=/opt"],
        );
    }

    #[test]
    fn http_proxy_and_what_is_unset_never_arrive() {
        let environ = environ(&[
            ("HTTP_PROXY", "http://evil"),
            ("http_proxy", "x"),
            ("HTTP_A", "1"),
            ("HTTP_SECRET", "1"),
        ]);
        assert_strings(&environ, &extra(&[]), &["HTTP_A=1", "PATH=/bin"]);
    }

    #[test]
    fn what_other_variables_say_does_not_arrive_twice() {
        let environ = environ(&[
            ("CONTENT_LENGTH", "5"),
            ("HTTP_CONTENT_LENGTH", "5"),
            ("HTTP_CONTENT_TYPE", "a/b"),
        ]);
        assert_strings(&environ, &extra(&[]), &["CONTENT_LENGTH=5", "PATH=/bin"]);
    }

    #[test]
    fn repeated_fields_become_one_variable() {
        let environ = environ(&[
            ("HTTP_X", "a"),
            ("HTTP_COOKIE", "a=1"),
            ("HTTP_X", "b"),
            ("HTTP_COOKIE", "b=2"),
            ("QUERY_STRING", "first"),
            ("QUERY_STRING", "second"),
        ]);
        let expected = [
            "HTTP_X=a, b",
            "HTTP_COOKIE=a=1; b=2",
            "QUERY_STRING=first",
            "PATH=/bin",
        ];
        assert_strings(&environ, &extra(&[]), &expected);
    }

    #[test]
    fn names_that_an_environment_cannot_hold_are_left_out() {
        assert_strings(
            &environ(&[("", "x"), ("A=B", "x")]),
            &extra(&[]),
            &["PATH=/bin"],
        );
    }

    #[test]
    fn a_nul_is_refused() {
        let error = strings(&environ(&[("PATH_INFO", "/a\0b")]), &extra(&[])).unwrap_err();
        assert_eq!(error.to_string(), "variable PATH_INFO holds a NUL");
    }
}
