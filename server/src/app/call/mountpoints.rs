//! Which of the language's applications answers a request, as uWSGI finds it.

use bytes::Bytes;
use wire::environ::Environ;

/// Where the loaded applications are mounted.
///
/// The mount point must be `SCRIPT_NAME` itself, which a gateway sends. Only with
/// `manage-script-name` the path tells the application, and is split anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mountpoints {
    points: Vec<Bytes>,
    /// Whether the path of a request is looked at.
    pub manage_script_name: bool,
    /// Whether `SCRIPT_NAME` is not looked at.
    pub ignore_script_name: bool,
    /// What answers requests that belong to none.
    pub default: Option<usize>,
}

impl Mountpoints {
    /// Adds an application; its number counts from 0. False if its place is taken.
    pub fn add(&mut self, point: &str) -> bool {
        let free = !self.points.iter().any(|taken| taken == point);
        if free {
            self.points.push(Bytes::copy_from_slice(point.as_bytes()));
        }
        free
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The number of the application that answers, after `environ` has been split for it.
    pub fn pick(&self, environ: &mut Environ) -> Option<usize> {
        if let Some(named) = environ.get("UWSGI_APPID").filter(|name| !name.is_empty()) {
            return self.at(named).or(self.default);
        }
        if self.manage_script_name {
            self.split(environ);
        }
        let script_name = match environ.get("SCRIPT_NAME") {
            Some(name) if !self.ignore_script_name => name.as_ref(),
            _ => b"",
        };
        self.at(script_name).or(self.default)
    }

    fn at(&self, name: &[u8]) -> Option<usize> {
        self.points.iter().position(|point| point == name)
    }

    /// Moves the longest mount point that begins the path from `PATH_INFO` to `SCRIPT_NAME`.
    fn split(&self, environ: &mut Environ) {
        let Some(path) = environ.get("PATH_INFO").cloned() else {
            return;
        };
        let covers = |point: &&Bytes| {
            let rest = path.strip_prefix(trimmed(point));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let candidates = self.points.iter().filter(|it| !trimmed(it).is_empty());
        // Of two that are equally long the first wins.
        let best = candidates
            .filter(covers)
            .rev()
            .max_by_key(|it| trimmed(it).len());
        if let Some(point) = best {
            environ.set("SCRIPT_NAME", point.clone());
            environ.set("PATH_INFO", path.slice(trimmed(point).len()..));
        }
    }
}

/// A slash at the end means nothing.
fn trimmed(point: &[u8]) -> &[u8] {
    point.strip_suffix(b"/").unwrap_or(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted(points: &[&str]) -> Mountpoints {
        let mut mountpoints = Mountpoints {
            manage_script_name: true,
            ..Mountpoints::default()
        };
        for point in points {
            assert!(mountpoints.add(point));
        }
        mountpoints
    }

    /// The application's number, `SCRIPT_NAME` and `PATH_INFO`.
    fn picked(points: &Mountpoints, name: &str, path: &str) -> (Option<usize>, String, String) {
        let mut environ = Environ::new();
        environ.push("SCRIPT_NAME", name.to_owned());
        environ.push("PATH_INFO", path.to_owned());
        let app = points.pick(&mut environ);
        let text = |name| environ.text(name).unwrap().to_owned();
        (app, text("SCRIPT_NAME"), text("PATH_INFO"))
    }

    #[track_caller]
    fn assert_splits(points: &[&str], path: &str, expected: (Option<usize>, &str, &str)) {
        let (app, name, rest) = picked(&mounted(points), "", path);
        assert_eq!((app, name.as_str(), rest.as_str()), expected);
    }

    #[test]
    fn the_longest_mount_point_of_the_path_answers() {
        let points = ["/a", "/a/b", "/c/"];
        assert_splits(&points, "/a/b/x", (Some(1), "/a/b", "/x"));
        assert_splits(&points, "/a/x", (Some(0), "/a", "/x"));
        assert_splits(&points, "/a", (Some(0), "/a", ""));
        assert_splits(&points, "/ab", (None, "", "/ab"));
        assert_splits(&points, "/c/x", (Some(2), "/c/", "/x"));
    }

    #[test]
    fn an_application_at_the_root_leaves_the_path_alone() {
        assert_splits(&["", "/a"], "/x", (Some(0), "", "/x"));
    }

    #[test]
    fn the_script_name_of_the_gateway_finds_the_application() {
        let mut points = mounted(&["", "/a"]);
        points.manage_script_name = false;
        assert_eq!(picked(&points, "/a", "/x").0, Some(1));
        assert_eq!(picked(&points, "", "/a/x").0, Some(0));
        assert_eq!(picked(&points, "/b", "/x").0, None);
        points.default = Some(1);
        assert_eq!(picked(&points, "/b", "/x").0, Some(1));
        points.ignore_script_name = true;
        assert_eq!(picked(&points, "/a", "/x").0, Some(0));
    }

    #[test]
    fn a_place_is_taken_once() {
        assert!(!mounted(&["", "/a"]).add("/a"));
    }
}
