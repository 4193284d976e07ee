//! Loading applications: where they are, which requests are theirs, and what happens where there
//! is none.

mod support;

use std::fs;

use support::python::Site;
use support::uwsgi::ask;
use support::{Ended, Response, Responses, Server};

/// Answers with its module's name, `SCRIPT_NAME` and `PATH_INFO`.
const SHOWS: &str = "
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    seen = __name__, environ.get('SCRIPT_NAME', ''), environ.get('PATH_INFO', '')
    return [' '.join(seen).encode()]

class Shop:
    web = application

def make(name='made'):
    def made(environ, start_response):
        start_response('200 OK', [])
        return [name.encode()]
    return made
";

const HTTP: [&str; 2] = ["--http-socket", "127.0.0.1:0"];

fn get(server: &Server, path: &str) -> Response {
    let mut responses = Responses::on(server.connect());
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    responses.peer.send(request);
    responses.next("GET")
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).expect("these applications answer text")
}

/// Starts in the site's folder with these arguments alone.
fn serve(site: &Site, args: &[&str]) -> Server {
    let folder = site.folder.path().to_str().unwrap();
    Server::start(&[&["--chdir", folder], &HTTP[..], args].concat())
}

/// What the log says of a server that does not start, and its exit code.
fn refused(site: &Site, args: &[&str]) -> Ended {
    let folder = site.folder.path().to_str().unwrap();
    Ended::of(&[&["--chdir", folder], &HTTP[..], args].concat())
}

#[test]
fn an_application_is_named_by_module_file_or_expression() {
    needs_python!();
    let site = Site::new(SHOWS);
    let expected: [(&[&str], &str); 8] = [
        (&["--module", "app"], "app  /"),
        (&["--wsgi", "app:application"], "app  /"),
        (&["--module", "app:Shop.web"], "app  /"),
        (&["--module", "app:make()"], "made"),
        (&["--module", "app:make('called')"], "called"),
        (&["--wsgi-file", "app.py"], "uwsgi_file_app  /"),
        (&["--module", "app", "--callable", "make()"], "made"),
        (&["--file", "app.py", "--callable", "make()"], "made"),
    ];
    for (args, body) in expected {
        assert_eq!(text(&get(&serve(&site, args), "/")), body, "{args:?}");
    }
}

#[test]
fn the_log_tells_what_was_loaded_in_uwsgis_words() {
    needs_python!();
    let site = Site::new(SHOWS);
    let server = serve(&site, &["--module", "app"]);
    let log = server.told();
    assert!(log.contains("Python version: 3."), "{log}");
    let ready = "WSGI app 0 (mountpoint='') ready in 0 seconds on interpreter 0x";
    assert!(log.contains(ready), "{log}");
    let end = format!("pid: {} (default app)", server.pid());
    assert!(log.contains(&end), "{log}");
}

#[test]
fn a_mount_answers_what_the_gateway_names_it_for() {
    needs_python!();
    let site = Site::new(SHOWS);
    let args = ["--module", "app", "--mount", "/shop=app:make()"];
    let server = Server::start(
        &[
            &["--chdir", site.folder.path().to_str().unwrap()],
            &["--uwsgi-socket", "127.0.0.1:0"][..],
            &args,
        ]
        .concat(),
    );
    let body = |name, path| ask(&server, &[("SCRIPT_NAME", name), ("PATH_INFO", path)]);
    assert_eq!(body("/shop", "/cart"), "made");
    assert_eq!(body("", "/shop/cart"), "app  /shop/cart");
    assert_eq!(body("/other", "/cart"), "app /other /cart");
}

#[test]
fn manage_script_name_finds_the_mount_by_the_path_and_splits_it() {
    needs_python!();
    let site = Site::new(SHOWS);
    fs::write(site.folder.path().join("shop.py"), SHOWS).unwrap();
    let args = [
        "--manage-script-name",
        "--mount",
        "/shop=shop.py",
        "--mount",
        "/shop/admin=app:make()",
        "--mount",
        "/app=app",
    ];
    let server = serve(&site, &args);
    assert_eq!(
        text(&get(&server, "/shop/cart")),
        "uwsgi_file_shop /shop /cart"
    );
    assert_eq!(text(&get(&server, "/shop/admin/x")), "made");
    assert_eq!(text(&get(&server, "/app")), "app /app ");
    // The first is the default application, and the path is left alone.
    assert_eq!(
        text(&get(&server, "/shopping")),
        "uwsgi_file_shop  /shopping"
    );
}

#[test]
fn no_default_app_answers_500_to_what_belongs_to_no_mount() {
    needs_python!();
    let site = Site::new(SHOWS);
    let args = [
        "--manage-script-name",
        "--mount",
        "/app=app",
        "--no-default-app",
    ];
    let mut server = serve(&site, &args);
    let response = get(&server, "/other");
    assert_eq!(
        (response.head.status, text(&response)),
        (500, "Internal Server Error")
    );
    server.line("--- no python application found, check your startup logs for errors ---");
    assert_eq!(get(&server, "/app/x").head.status, 200);
}

#[test]
fn a_dictionary_of_applications_is_mounted_as_it_says() {
    needs_python!();
    let site = Site::new(&format!(
        "{SHOWS}\napplications = {{'': make('root'), '/a': make('a')}}\n"
    ));
    let server = serve(&site, &["--module", "app", "--manage-script-name"]);
    assert_eq!(text(&get(&server, "/a/b")), "a");
    assert_eq!(text(&get(&server, "/b")), "root");
}

#[test]
fn without_an_application_the_server_ends_with_22() {
    needs_python!();
    let site = Site::new("import no_such_module\n");
    for args in [
        &["--module", "app"][..],
        &["--module", "app", "--lazy-apps"],
    ] {
        let ended = refused(&site, args);
        assert_eq!(ended.code, Some(22), "{}", ended.log);
        for line in [
            "ModuleNotFoundError: No module named 'no_such_module'",
            "unable to load app 0 (mountpoint='') (callable not found or import error)",
            "*** no app loaded. GAME OVER ***",
        ] {
            assert!(ended.log.contains(line), "no {line} in\n{}", ended.log);
        }
    }
}

#[test]
fn a_callable_that_is_not_there_is_told_by_name() {
    needs_python!();
    let site = Site::new(SHOWS);
    let ended = refused(&site, &["--module", "app:missing"]);
    assert_eq!(ended.code, Some(22));
    assert!(
        ended.log.contains("module app has no `missing`"),
        "{}",
        ended.log
    );
    let ended = refused(&site, &["--module", "app:__name__"]);
    assert!(
        ended
            .log
            .contains("`__name__` of app is str, not a callable"),
        "{}",
        ended.log
    );
}

#[test]
fn without_need_app_requests_are_answered_500() {
    needs_python!();
    let site = Site::new("import no_such_module\n");
    for args in [&["--module", "app"][..], &[]] {
        let mut server = serve(&site, &[args, &["--need-app=false"]].concat());
        if !args.is_empty() {
            let dynamic = "*** no app loaded. going in full dynamic mode ***";
            assert!(server.told().contains(dynamic), "{}", server.told());
        }
        let response = get(&server, "/");
        assert_eq!(
            (response.head.status, text(&response)),
            (500, "Internal Server Error")
        );
        server.line("--- no python application found, check your startup logs for errors ---");
    }
}

#[test]
fn imports_run_before_the_application_in_the_process_that_uwsgi_runs_them_in() {
    needs_python!();
    let source = "
import builtins, os
imported = builtins.seen
def application(environ, start_response):
    start_response('200 OK', [])
    return [' '.join('%s:%s' % (name, pid == os.getppid()) for name, pid in imported).encode()]
";
    let site = Site::new(source);
    let early = "import builtins, os\nbuiltins.seen = getattr(builtins, 'seen', [])\n";
    let note = |name: &str| format!("{early}builtins.seen.append(('{name}', os.getpid()))\n");
    fs::write(site.folder.path().join("one.py"), note("one")).unwrap();
    fs::write(site.folder.path().join("two.py"), note("two")).unwrap();
    let imports = [
        "--module",
        "app",
        "--import",
        "two.py",
        "--shared-import",
        "one",
    ];
    assert_eq!(
        text(&get(&serve(&site, &imports), "/")),
        "one:True two:True"
    );
    let lazy = [&imports[..], &["--lazy-apps"]].concat();
    assert_eq!(text(&get(&serve(&site, &lazy), "/")), "one:True two:False");
}

#[test]
fn a_paste_file_names_the_application_and_may_set_up_logging() {
    needs_python!();
    let site = Site::new(SHOWS);
    // As much of Paste as is asked for here.
    let deploy = "import app\ndef loadapp(address):\n    return app.make(address)\n";
    fs::create_dir(site.folder.path().join("paste")).unwrap();
    fs::write(site.folder.path().join("paste/__init__.py"), "").unwrap();
    fs::write(site.folder.path().join("paste/deploy.py"), deploy).unwrap();
    let file = site.folder.path().canonicalize().unwrap().join("shop.ini");
    let logging = "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n\
                   [logger_root]\nlevel=DEBUG\nhandlers=\n";
    fs::write(&file, logging).unwrap();
    let address = format!("config:{}", file.display());
    for args in [
        &["--paste", "config:shop.ini"][..],
        &["--ini-paste", "shop.ini"],
        &["--ini-paste-logged", "shop.ini"],
        &["--mount", "/=shop.ini"],
    ] {
        let server = serve(&site, args);
        assert_eq!(text(&get(&server, "/")), address, "{args:?}");
    }
}

#[test]
fn later_folders_of_pythonpath_go_first_and_may_be_patterns() {
    needs_python!();
    let site = Site::new("from which import application\n");
    for folder in ["a", "b", "c1", "c2"] {
        let folder = site.folder.path().join(folder);
        fs::create_dir(&folder).unwrap();
        let name = folder.file_name().unwrap().to_string_lossy();
        let source = format!("import app_of\napplication = app_of.make('{name}')\n");
        fs::write(folder.join("which.py"), source).unwrap();
    }
    fs::write(site.folder.path().join("app_of.py"), SHOWS).unwrap();
    let body = |args: &[&str]| {
        let server = serve(&site, &[&["--module", "app"], args].concat());
        text(&get(&server, "/")).to_owned()
    };
    assert_eq!(body(&["--pythonpath", "a", "--pp", "b"]), "b");
    assert_eq!(body(&["--python-path", "c?"]), "c2");
}

#[test]
fn an_application_finds_the_interpreter_as_uwsgi_leaves_it() {
    needs_python!();
    let source = "
import json, signal, sys, __main__
def application(environ, start_response):
    start_response('200 OK', [])
    seen = [sys.argv, sys.flags.optimize, sorted(n for n in vars(__main__) if n[0] != '_'),
            getattr(sys, 'orig_argv', ['', '--chdir'])[1]]
    return [json.dumps(seen).encode()]
";
    let site = Site::new(source);
    let args = ["--module", "app", "--pyargv", "one two", "--optimize", "1"];
    let seen = get(&serve(&site, &args), "/");
    assert_eq!(
        text(&seen),
        r#"[["uwsgi", "one", "two"], 1, [], "--chdir"]"#
    );
}
