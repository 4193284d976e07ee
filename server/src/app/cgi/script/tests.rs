//! Which path leads to which script, and which to none.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// A mounted folder: `run` and `sub/run` are scripts, `plain` is not, `link` leads outside.
fn folder() -> (tempfile::TempDir, Mounted) {
    let dir = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(dir.path()).unwrap().join("cgi");
    fs::create_dir_all(root.join("sub")).unwrap();
    for (name, mode) in [
        ("run", 0o755),
        ("sub/run", 0o755),
        ("plain.py", 0o644),
        ("../other", 0o755),
    ] {
        fs::write(root.join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink(root.join("run"), root.join("alias")).unwrap();
    symlink(root.join("../other"), root.join("link")).unwrap();
    let mounted = Mounted {
        root,
        rules: Rc::default(),
    };
    (dir, mounted)
}

fn split(mounted: &Mounted, path: &'static str) -> Result<(String, String, String), NoScript> {
    let script = mounted.find(&"/p".into(), &path.into())?;
    let file = script
        .file
        .strip_prefix(&mounted.root)
        .unwrap()
        .display()
        .to_string();
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    Ok((file, text(&script.script_name), text(&script.path_info)))
}

#[track_caller]
fn assert_split(path: &'static str, file: &str, script_name: &str, path_info: &str) {
    let (_dir, mounted) = folder();
    let expected = (file.into(), script_name.into(), path_info.into());
    assert_eq!(split(&mounted, path), Ok(expected), "{path}");
}

#[test]
fn the_first_file_on_the_way_is_the_script() {
    assert_split("/run", "run", "/p/run", "");
    assert_split("/run/", "run", "/p/run", "/");
    assert_split("/run/a//b", "run", "/p/run", "/a//b");
    assert_split("/sub/run/x", "sub/run", "/p/sub/run", "/x");
    assert_split("//sub//run", "sub/run", "/p//sub//run", "");
    assert_split("/run/../x", "run", "/p/run", "/../x");
}

#[test]
fn a_link_inside_is_followed() {
    assert_split("/alias/x", "run", "/p/alias", "/x");
}

#[test]
fn what_cannot_run_says_why() {
    let (_dir, mounted) = folder();
    let refused = |path| {
        let error = split(&mounted, path).unwrap_err();
        let text = error
            .to_string()
            .replace(mounted.root.to_str().unwrap(), "ROOT");
        (error.status(), text)
    };
    for (path, status, text) in [
        ("/none", 404, "no CGI program at ROOT/none"),
        ("", 403, "ROOT is a folder and holds no cgi-index"),
        ("/sub/", 403, "ROOT/sub is a folder and holds no cgi-index"),
        (
            "/plain.py",
            403,
            "ROOT/plain.py may not be run: it is not executable",
        ),
        ("/link", 403, "ROOT/link is outside of what --cgi mounts"),
        ("/../other", 403, "ROOT/.. is outside of what --cgi mounts"),
        (
            "/sub/../run",
            403,
            "ROOT/sub/.. is outside of what --cgi mounts",
        ),
    ] {
        assert_eq!(refused(path), (status, text.into()), "{path}");
    }
}

#[test]
fn a_mounted_file_takes_the_whole_rest() {
    let (_dir, mut mounted) = folder();
    mounted.root.push("run");
    let script = mounted.find(&"/p".into(), &"/a/b".into()).unwrap();
    assert_eq!(
        (&script.script_name[..], &script.path_info[..]),
        (&b"/p"[..], &b"/a/b"[..])
    );
    assert_eq!(script.root_bytes(), script.folder().as_os_str().as_bytes());
}

#[test]
fn an_index_stands_in_for_its_folder() {
    let (_dir, mut mounted) = folder();
    Rc::make_mut(&mut mounted.rules).index = vec!["none".into(), "run".into()];
    for path in ["/sub", "/sub/"] {
        let (file, script_name, _) = split(&mounted, path).unwrap();
        assert_eq!(
            (file.as_str(), script_name.as_str()),
            ("sub/run", "/p/sub/run")
        );
    }
}

#[test]
fn extensions_may_be_limited_or_have_an_interpreter() {
    let (_dir, mut mounted) = folder();
    Rc::make_mut(&mut mounted.rules).helped_ext = vec![".py".into()];
    assert!(split(&mounted, "/plain.py").is_ok());
    Rc::make_mut(&mut mounted.rules).allowed_ext = vec![".py".into()];
    assert!(split(&mounted, "/plain.py").is_ok());
    assert_eq!(split(&mounted, "/run").unwrap_err().status(), 403);
}

#[test]
fn a_named_file_must_lie_below_the_mount() {
    let (_dir, mounted) = folder();
    let named = |file: &Path| mounted.named(file, "/x".into(), "/y".into());
    let inside = named(&mounted.root.join("sub/../run")).unwrap();
    assert_eq!(inside.file, mounted.root.join("run"));
    assert_eq!(
        named(&mounted.root.join("../other")).unwrap_err().status(),
        403
    );
    assert_eq!(named(&mounted.root.join("link")).unwrap_err().status(), 403);
    assert_eq!(named(Path::new("/nonexistent")).unwrap_err().status(), 404);
}

#[test]
fn only_the_name_makes_a_script_nph() {
    let script = |file: &str| Script {
        file: file.into(),
        root: "/".into(),
        script_name: Bytes::new(),
        path_info: Bytes::new(),
    };
    assert!(script("/cgi/nph-raw").is_nph());
    assert!(!script("/nph-dir/raw").is_nph());
}

#[test]
fn a_named_folder_is_no_script() {
    let (_dir, mounted) = folder();
    let named = mounted.named(&mounted.root.join("sub"), "/x".into(), "/y".into());
    assert_eq!(named.unwrap_err().status(), 403);
}
