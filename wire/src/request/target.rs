//! The request target (RFC 9112 section 3.2) and the path in it.

use bytes::Bytes;

use super::RequestError;
use crate::excerpt::excerpt;
use crate::http::{hex_digit, percent_decode};

/// Which form a request target has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/path?query`.
    Origin,
    /// `http://host/path?query`.
    Absolute,
    /// `*`, for `OPTIONS` on the server itself: nothing for an application (DF-PATH-ASTERISK).
    Asterisk,
}

/// A request target, taken apart but not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Its form.
    pub form: Form,
    /// Host and port of the absolute form.
    pub authority: Option<&'a [u8]>,
    /// The raw path: starts with `/`, or is `*`.
    pub path: &'a [u8],
    /// What follows the first `?`, raw; `None` without `?`.
    pub query: Option<&'a [u8]>,
}

/// A decoded path, split at the end of what names the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitPath {
    /// `SCRIPT_NAME`: empty, or starts with `/`.
    pub script_name: Bytes,
    /// `PATH_INFO`: empty, or starts with `/`.
    pub path_info: Bytes,
}

impl<'a> Target<'a> {
    /// Takes `target` apart.
    ///
    /// # Errors
    /// [`RequestError::Target`] for anything that names no path, such as the
    /// `host:port` of `CONNECT`.
    pub fn parse(target: &'a [u8]) -> Result<Self, RequestError> {
        if target == b"*" {
            return Ok(Self {
                form: Form::Asterisk,
                authority: None,
                path: target,
                query: None,
            });
        }
        if target.starts_with(b"/") {
            let (path, query) = split_query(target);
            return Ok(Self {
                form: Form::Origin,
                authority: None,
                path,
                query,
            });
        }
        Self::absolute(target).ok_or_else(|| RequestError::Target(excerpt(target)))
    }

    fn absolute(target: &'a [u8]) -> Option<Self> {
        let scheme_len = [&b"http://"[..], b"https://"]
            .into_iter()
            .find(|scheme| {
                target
                    .get(..scheme.len())
                    .is_some_and(|t| t.eq_ignore_ascii_case(scheme))
            })?
            .len();
        let rest = &target[scheme_len..];
        let authority_len = rest
            .iter()
            .position(|b| b"/?".contains(b))
            .unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at(authority_len);
        let (path, query) = split_query(path_and_query);
        let path = if path.is_empty() { b"/" } else { path };
        (!authority.is_empty()).then_some(Self {
            form: Form::Absolute,
            authority: Some(authority),
            path,
            query,
        })
    }

    /// The path, percent-decoded once (CGI-4.1.5-PI-DECODED) and then without dot
    /// segments, so that encoded ones cannot climb either (DF-PATH-DOTS). Empty
    /// segments stay: `//` is not merged.
    ///
    /// # Errors
    /// Escapes that are none, a NUL, and `..` above the root.
    pub fn decoded_path(&self) -> Result<Bytes, RequestError> {
        let evidence = || excerpt(self.path);
        if !escapes_are_whole(self.path) {
            return Err(RequestError::Escape(evidence()));
        }
        let decoded = percent_decode(self.path);
        if decoded.contains(&0) {
            return Err(RequestError::Nul(evidence()));
        }
        if !decoded.windows(2).any(|pair| pair == b"/.") {
            return Ok(decoded.into());
        }
        let path =
            without_dot_segments(&decoded).ok_or_else(|| RequestError::AboveRoot(evidence()))?;
        Ok(path.into())
    }
}

impl SplitPath {
    /// Splits `path` behind the application mounted at `mount` (`/app`, or `""` for
    /// the root), or `None` if the path lies elsewhere: `/apple` is not in `/app`.
    pub fn at(path: &Bytes, mount: &str) -> Option<Self> {
        let mount = mount.trim_end_matches('/');
        let rest = path.strip_prefix(mount.as_bytes())?;
        (rest.is_empty() || rest.starts_with(b"/")).then(|| Self {
            script_name: path.slice(..mount.len()),
            path_info: path.slice(mount.len()..),
        })
    }
}

fn split_query(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|&b| b == b'?') {
        Some(mark) => (&target[..mark], Some(&target[mark + 1..])),
        None => (target, None),
    }
}

fn escapes_are_whole(path: &[u8]) -> bool {
    let is_hex = |digit: Option<&u8>| digit.is_some_and(|&digit| hex_digit(digit).is_some());
    let mut escapes = path.split(|&b| b == b'%').skip(1);
    escapes.all(|after| is_hex(after.first()) && is_hex(after.get(1)))
}

/// RFC 3986 section 5.2.4 for a path that starts with `/`; `None` if it climbs above the root.
fn without_dot_segments(path: &[u8]) -> Option<Vec<u8>> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = path.split(|&b| b == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_dots = match segment {
            b"." => true,
            b".." => kept.pop().map(|_| true)?,
            _ => false,
        };
        // A path that ends in a dot segment names a directory: `/a/..` is `/`.
        match (is_dots, segments.peek()) {
            (true, None) => kept.push(b""),
            (true, Some(_)) => {}
            (false, _) => kept.push(segment),
        }
    }
    Some(
        kept.iter()
            .flat_map(|segment| [b"/", *segment])
            .flatten()
            .copied()
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target<'_> {
        Target::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn path_and_query_part_at_the_first_question_mark() {
        assert_eq!(target("/a?b?c").query, Some(&b"b?c"[..]));
        assert_eq!(target("/a?").query, Some(&b""[..]));
        assert_eq!(target("/a").query, None);
    }

    #[test]
    fn the_absolute_form_names_its_host() {
        let absolute = target("HTTP://h:80?q");
        assert_eq!((absolute.form, absolute.path), (Form::Absolute, &b"/"[..]));
        assert_eq!(
            (absolute.authority, absolute.query),
            (Some(&b"h:80"[..]), Some(&b"q"[..]))
        );
        assert_eq!(target("https://h/a/b").path, b"/a/b");
    }

    #[test]
    fn other_forms_are_refused() {
        assert_eq!(target("*").form, Form::Asterisk);
        for bad in ["example.test:443", "", "a/b", "http://", "http:///a", "**"] {
            assert!(
                matches!(Target::parse(bad.as_bytes()), Err(RequestError::Target(_))),
                "{bad:?}"
            );
        }
    }

    #[track_caller]
    fn assert_path(raw: &str, expected: &[u8]) {
        assert_eq!(target(raw).decoded_path().unwrap(), expected, "for {raw:?}");
    }

    #[test]
    fn the_path_is_decoded_once() {
        assert_path("/this%2eis%2epath%3binfo", b"/this.is.path;info");
        assert_path("/%2525", b"/%25");
        assert_path("/a+b%20%C3%A9%ff", b"/a+b \xc3\xa9\xff");
    }

    #[test]
    fn dot_segments_are_resolved_also_where_encoded() {
        assert_path("/a/./b", b"/a/b");
        assert_path("/a/../b", b"/b");
        assert_path("/a/%2e%2E/b", b"/b");
        assert_path("/a/b%2f..%2fc", b"/a/c");
        assert_path("/a/..", b"/");
        assert_path("/a/.", b"/a/");
        assert_path("/a/b/../..", b"/");
        assert_path("/a/..;/b", b"/a/..;/b");
        assert_path("/.hidden/...", b"/.hidden/...");
    }

    #[test]
    fn double_slashes_stay() {
        assert_path("//a///b/", b"//a///b/");
        assert_path("//a//../b", b"//a/b");
    }

    #[test]
    fn paths_that_cannot_be_mapped_are_refused() {
        let refusal = |raw| target(raw).decoded_path().unwrap_err();
        assert!(matches!(refusal("/.."), RequestError::AboveRoot(_)));
        assert!(matches!(
            refusal("/a/%2e%2e/%2e%2e/x"),
            RequestError::AboveRoot(_)
        ));
        assert!(matches!(refusal("/a%00b"), RequestError::Nul(_)));
        for bad in ["/%", "/%4", "/%zz", "/%4%41"] {
            assert!(matches!(refusal(bad), RequestError::Escape(_)), "{bad:?}");
        }
    }

    #[test]
    fn a_mount_ends_at_a_slash() {
        let split =
            |path: &'static str, mount| SplitPath::at(&Bytes::from_static(path.as_bytes()), mount);
        let parts = |split: SplitPath| (split.script_name, split.path_info);
        assert_eq!(
            split("/app/x", "/app").map(parts),
            Some(("/app".into(), "/x".into()))
        );
        assert_eq!(
            split("/app", "/app").map(parts),
            Some(("/app".into(), "".into()))
        );
        assert_eq!(
            split("/app/", "/app/").map(parts),
            Some(("/app".into(), "/".into()))
        );
        assert_eq!(split("/x", "").map(parts), Some(("".into(), "/x".into())));
        assert_eq!(split("/apple", "/app"), None);
    }
}
