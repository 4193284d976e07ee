//! `py-autoreload`: a changed module reloads the server.

mod support;

use std::fs;
use std::time::{Duration, SystemTime};

use support::python::{HTTP, Site, get};

const SOURCE: &str = "
import part
def application(environ, start_response):
    start_response('200 OK', [])
    return [part.text]
";

/// Writes the module and gives it a time of its own, however coarse the file system's are.
fn write(site: &Site, name: &str, source: &str, age: u64) {
    let path = site.folder.path().join(name);
    fs::write(&path, source).unwrap();
    let then = SystemTime::now() - Duration::from_secs(age);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(then).unwrap();
}

#[test]
fn a_changed_module_reloads_the_server() {
    needs_python!();
    let site = Site::new(SOURCE);
    write(&site, "part.py", "text = b'old'", 300);
    let mut server = site.serve(&[&HTTP[..], &["--py-autoreload", "1"]].concat());
    assert_eq!(get(&server, "/").body, b"old");
    write(&site, "part.py", "text = b'new'", 200);
    server.line("[uwsgi-python-reloader] module/file ");
    server.line("gateserve is ready");
    assert_eq!(get(&server, "/").body, b"new");
}

#[test]
fn a_module_that_does_not_compile_is_waited_for() {
    needs_python!();
    let site = Site::new(SOURCE);
    write(&site, "part.py", "text = b'old'", 300);
    let mut server = site.serve(&[&HTTP[..], &["--python-auto-reload", "1"]].concat());
    write(&site, "part.py", "text = b'", 200);
    let line = server.line("[uwsgi-python-reloader] not reloaded: ");
    assert!(line.contains("part.py, line 1"), "{line}");
    assert_eq!(get(&server, "/").body, b"old");
    write(&site, "part.py", "text = b'new'", 100);
    server.line("gateserve is ready");
    assert_eq!(get(&server, "/").body, b"new");
}

#[test]
fn an_ignored_module_may_change() {
    needs_python!();
    let site = Site::new(&SOURCE.replace("import part", "import part, other"));
    write(&site, "part.py", "text = b'old'", 300);
    write(&site, "other.py", "", 300);
    let options = ["--py-autoreload", "1", "--py-auto-reload-ignore", "part"];
    let mut server = site.serve(&[&HTTP[..], &options].concat());
    write(&site, "part.py", "text = b'new'", 200);
    write(&site, "other.py", "# changed", 200);
    let line = server.line("[uwsgi-python-reloader] module/file ");
    assert!(line.contains("other.py"), "{line}");
    let told = server.told();
    assert!(!told.contains("part.py"), "{told}");
}
