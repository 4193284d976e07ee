//! Configurations as people have them: each starts unchanged and answers.

mod support;

use std::fs;
use std::path::Path;

use support::python::get;
use support::{Server, uwsgi};
use tempfile::TempDir;

const APPLICATION: &str = "
import os, sys, uwsgi
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [('%s in %s' % (environ['PATH_INFO'], os.getcwd())).encode()]
";

/// A folder with a project and this configuration, and the server that it makes.
fn deploy(configuration: &str) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    fs::create_dir(place.join("project")).unwrap();
    fs::create_dir(place.join("deployment")).unwrap();
    fs::write(place.join("project/__init__.py"), "").unwrap();
    fs::write(place.join("project/wsgi.py"), APPLICATION).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deployments");
    let file = place.join(configuration);
    fs::copy(source.join(configuration), &file).unwrap();
    let server = Server::start_by(&["env", "PORT=0"], &[file.to_str().unwrap()]);
    (folder, server)
}

/// What the application says, whatever the first socket speaks.
#[track_caller]
fn assert_answers(configuration: &str) -> Server {
    let (folder, server) = deploy(configuration);
    let body = match server.addresses[0].contains('/') {
        true => uwsgi::ask(&server, &[("PATH_INFO", "/page")]),
        false => String::from_utf8(get(&server, "/page").body).unwrap(),
    };
    assert!(body.starts_with("/page in "), "{configuration}: {body}");
    if configuration != "flask-vhost.ini" {
        let place = folder.path().canonicalize().unwrap();
        assert!(
            body.ends_with(place.to_str().unwrap()),
            "{configuration}: {body}"
        );
    }
    server
}

#[test]
fn a_django_template_with_sections_starts_and_answers() {
    needs_python!();
    let server = assert_answers("django-template.ini");
    assert_eq!(server.workers().len(), 4);
}

#[test]
fn a_flask_application_with_own_variables_starts_and_answers() {
    needs_python!();
    let server = assert_answers("flask-vhost.ini");
    let processors = std::thread::available_parallelism().unwrap().get();
    assert_eq!(server.workers().len(), processors + 1);
}

#[test]
fn a_configuration_of_bare_keys_starts_and_answers() {
    needs_python!();
    assert_eq!(assert_answers("monitoring.ini").workers().len(), 2);
}

#[test]
fn a_container_configuration_with_arithmetic_starts_and_answers() {
    needs_python!();
    assert_answers("labelling.ini");
}

#[test]
fn a_configuration_with_fifo_hooks_and_stats_starts_and_answers() {
    needs_python!();
    assert_eq!(assert_answers("chat.ini").workers().len(), 2);
}
