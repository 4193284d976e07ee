//! What each backend is told: its command and its files.

use std::path::Path;

use super::*;

fn launch(name: &str, model: Model, about: &str) -> String {
    let backend = named(name).unwrap();
    let launch = backend.launch(&Seat {
        model,
        socket: Path::new("/run/gb/s/backend.sock"),
        app: "/probe",
        about,
        program: name,
        run: Path::new("/run/gb"),
        workers: 2,
        threads: 1,
        wsgi: PROBE,
        programs: &Programs {
            gateserve: "/bin/gateserve".into(),
            probe: "/bin/gatebench-probe".into(),
        },
        apps: &[],
    });
    let mut told = String::new();
    for (name, value) in &launch.env {
        told += &format!("{name}={value} ");
    }
    told += &format!("{} {}\n", launch.program, launch.args.join(" "));
    for file in &launch.files {
        let text = String::from_utf8_lossy(&file.contents);
        let shown = match text.len() {
            0..2000 => format!("\n{text}"),
            _ => format!(" {}\n", text.lines().next().unwrap_or_default()),
        };
        told += &format!("--- {} {:o}{shown}", file.path.display(), file.mode);
    }
    told
}

#[test]
fn uwsgi_serves_the_python_probe_over_each_of_its_protocols() {
    let about =
        "*** uWSGI loaded request plugins ***\n0: python\n*** Starting uWSGI 2.0.31 (64bit)";
    insta::assert_snapshot!(launch("uwsgi", Model::Uwsgi, about));
    for (model, option) in [
        (Model::FastCgi, "--fastcgi-socket "),
        (Model::Scgi, "--scgi-socket "),
        (Model::Http, "--http-socket "),
    ] {
        let told = launch("uwsgi", model, about);
        assert!(told.contains(option), "{told}");
    }
}

#[test]
fn a_distributions_uwsgi_loads_python_as_a_plugin() {
    let told = launch("uwsgi", Model::Uwsgi, "*** Starting uWSGI 2.0.21-debian");
    assert!(told.starts_with("uwsgi --plugin python3 "), "{told}");
}

#[test]
fn php_fpm_finds_the_probe_where_the_document_root_has_the_application() {
    insta::assert_snapshot!(launch("php-fpm", Model::FastCgi, ""));
}

#[test]
fn fcgiwrap_tells_complaints_to_the_gateway() {
    insta::assert_snapshot!(launch("fcgiwrap", Model::Cgi, ""));
}

#[test]
fn gunicorn_serves_one_request_at_a_time_in_each_process() {
    insta::assert_snapshot!(launch("gunicorn", Model::Http, ""));
    let told = launch("gunicorn", Model::Uwsgi, "");
    assert!(told.contains("--protocol uwsgi "), "{told}");
}

#[test]
fn granian_serves_its_wsgi_interface() {
    insta::assert_snapshot!(launch("granian", Model::Http, ""));
}

#[test]
fn php_cgi_keeps_its_children() {
    insta::assert_snapshot!(launch("php-cgi", Model::FastCgi, ""));
}

#[test]
fn php_cgi_as_a_program_is_executed_by_gateserve_for_each_request() {
    insta::assert_snapshot!(launch("php-cgi", Model::Cgi, ""));
    let backend = named("php-cgi").unwrap();
    assert_eq!(id(backend, Model::Cgi), "php-cgi:program");
    assert_eq!(id(backend, Model::FastCgi), "php-cgi");
    assert_eq!(backend.driven(Model::Cgi), None);
}

#[test]
fn libfcgi_needs_no_file() {
    insta::assert_snapshot!(launch("libfcgi", Model::FastCgi, ""));
}

#[test]
fn flup_serves_by_a_program_of_the_bench() {
    insta::assert_snapshot!(launch("flup", Model::FastCgi, ""));
}

#[test]
fn versions_are_read_from_what_programs_say() {
    for (name, about, version) in [
        (
            "uwsgi",
            "*** Starting uWSGI 2.0.31 (64bit) on [Mon",
            "2.0.31",
        ),
        (
            "php-fpm",
            "PHP 8.2.36 (fpm-fcgi) (built: Nov\nZend",
            "8.2.36",
        ),
        (
            "fcgiwrap",
            "Usage: fcgiwrap\n\nfcgiwrap version 1.1.0\n",
            "1.1.0",
        ),
    ] {
        let told = named(name).unwrap().version(about);
        assert_eq!(told.as_deref(), Some(version), "{name}");
        assert_eq!(named(name).unwrap().version("not found"), None, "{name}");
    }
}
