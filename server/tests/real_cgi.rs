//! CGI programs that people run, each skipped by name where the machine lacks it.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::nginx::Nginx;
use support::site::{Site, Way};
use support::{Responses, Server, payload};

/// The file of a program on the path, or one of the other places.
fn program(name: &str, others: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let named = folders.iter().map(|folder| folder.join(name));
    let mut files = named.chain(others.iter().map(PathBuf::from));
    files.find(|file| file.is_file())
}

/// Runs a command to its end; what it prints.
#[track_caller]
fn run<A: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = A>) -> String {
    let mut command = Command::new(name);
    command.args(args).envs([
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ]);
    let output = command.output().expect("the program runs");
    let (stdout, stderr) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8_lossy(stdout).trim().to_owned()
}

/// `git` in a repository.
#[track_caller]
fn git(repository: &Path, args: &[&str]) -> String {
    let own = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "gc.auto=0",
    ];
    let place = ["-C", repository.to_str().unwrap()];
    run("git", [&place[..], &own, args].concat())
}

/// `git http-backend`, unless git or that is missing.
fn http_backend() -> Option<PathBuf> {
    program("git", &[])?;
    let folder = run("git", ["--exec-path"]);
    Some(Path::new(&folder).join("git-http-backend")).filter(|file| file.is_file())
}

/// A folder with a bare repository of some MiB that nothing makes smaller.
fn repository(folder: &Path) {
    let (bare, work) = (folder.join("big.git"), folder.join("work"));
    run("git", ["init", "-q", "--bare", bare.to_str().unwrap()]);
    git(&bare, &["config", "http.receivepack", "true"]);
    git(&bare, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    run("git", ["init", "-q", work.to_str().unwrap()]);
    let mut random = fs::File::open("/dev/urandom").unwrap();
    for name in ["one", "two"] {
        let mut file = fs::File::create(work.join(name)).unwrap();
        let mut part = std::io::Read::take(&mut random, 5 << 20);
        std::io::copy(&mut part, &mut file).unwrap();
    }
    git(&work, &["add", "."]);
    git(&work, &["commit", "-q", "-m", "big"]);
    git(&work, &["push", "-q", bare.to_str().unwrap(), "HEAD:main"]);
}

/// The options that serve the repositories of a folder at `/git`.
fn served(backend: &Path, folder: &Path) -> Vec<String> {
    let mount = format!("/git={}", backend.display());
    let root = format!("GIT_PROJECT_ROOT={}", folder.display());
    let options = ["--cgi", &mount, "--cgi-env", &root];
    let options = options
        .into_iter()
        .chain(["--cgi-env", "GIT_HTTP_EXPORT_ALL=1"]);
    options.map(str::to_owned).collect()
}

/// Clones, changes, pushes and looks whether it arrived.
fn clone_and_push(folder: &Path, address: &str, options: &[&str]) {
    let copy = folder.join("copy");
    let url = format!("http://{address}/git/big.git");
    run("git", ["clone", "-q", &url, copy.to_str().unwrap()]);
    let original = folder.join("work");
    let head = |repository: &Path| git(repository, &["rev-parse", "HEAD"]);
    assert_eq!(head(&copy), head(&original));
    assert!(fs::read(copy.join("one")).unwrap() == fs::read(original.join("one")).unwrap());
    // Larger than what git sends with a length, unless http.postBuffer says more.
    fs::write(copy.join("three"), payload(4 << 20)).unwrap();
    fs::copy("/proc/self/exe", copy.join("four")).unwrap();
    git(&copy, &["add", "."]);
    git(&copy, &["commit", "-q", "-m", "more"]);
    git(
        &copy,
        &[options, &["push", "-q", "origin", "HEAD:main"]].concat(),
    );
    assert_eq!(head(&folder.join("big.git")), head(&copy));
}

#[test]
fn git_clones_and_pushes_straight() {
    let Some(backend) = http_backend() else {
        return eprintln!("skipped: no git http-backend");
    };
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path());
    let options = served(&backend, folder.path());
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let server = Server::start(&[&["--http-socket", "127.0.0.1:0"], &options[..]].concat());
    clone_and_push(folder.path(), &server.addresses[0], &[]);
}

/// nginx gathers a push in chunks; and reads no more of it once the reply has begun.
#[test]
fn git_clones_and_pushes_in_chunks_behind_nginx() {
    clone_and_push_behind_nginx(&[]);
}

#[test]
fn git_clones_and_pushes_with_a_length_behind_nginx() {
    clone_and_push_behind_nginx(&["-c", "http.postBuffer=67108864"]);
}

fn clone_and_push_behind_nginx(options: &[&str]) {
    let Some(backend) = http_backend() else {
        return eprintln!("skipped: no git http-backend");
    };
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path());
    let socket = folder.path().join("socket").display().to_string();
    let serving = served(&backend, folder.path());
    let serving: Vec<_> = serving.iter().map(String::as_str).collect();
    let _server = Server::start(&[&["--fastcgi-socket", &socket], &serving[..]].concat());
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let front = folder.path().join("front");
    let http = format!(
        "server {{ listen {address}; listen unix:{}; client_max_body_size 0;\n\
         location / {{ fastcgi_pass unix:{socket};\n\
         fastcgi_param SCRIPT_NAME $uri; fastcgi_param REQUEST_URI $request_uri;\n\
         fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;\n\
         fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;\n\
         fastcgi_param SERVER_PROTOCOL $server_protocol; }} }}",
        front.display()
    );
    let Some(_nginx) = Nginx::start(folder.path(), &http, &front) else {
        return eprintln!("skipped: no nginx");
    };
    clone_and_push(folder.path(), &address, options);
}

#[test]
fn gitweb_shows_a_repository() {
    let cgi = [
        "/usr/share/gitweb/gitweb.cgi",
        "/usr/lib/cgi-bin/gitweb.cgi",
    ];
    let found = cgi.iter().map(Path::new).find(|file| file.is_file());
    let Some((cgi, _perl)) = found.zip(program("perl", &[])) else {
        return eprintln!("skipped: no gitweb or no perl");
    };
    if !Command::new("perl")
        .args(["-MCGI", "-e", "1"])
        .status()
        .is_ok_and(|it| it.success())
    {
        return eprintln!("skipped: perl has no CGI.pm, which gitweb needs");
    }
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path());
    let config = folder.path().join("gitweb.conf");
    fs::write(
        &config,
        format!("$projectroot = '{}';\n", folder.path().display()),
    )
    .unwrap();
    let mount = format!("/gitweb={}", cgi.display());
    let env = format!("GITWEB_CONFIG={}", config.display());
    let way = Way::start("http", &["--cgi", &mount, "--cgi-env", &env]);
    let list = String::from_utf8_lossy(&way.get("/gitweb").body).into_owned();
    assert!(list.contains("big.git"), "{list}");
    let log = way.get("/gitweb?p=big.git;a=shortlog");
    assert_eq!(log.head.status, 200);
    assert!(String::from_utf8_lossy(&log.body).contains("big"));
}

#[test]
fn php_takes_an_upload() {
    let Some(php) = program("php-cgi", &[]) else {
        return eprintln!("skipped: no php-cgi");
    };
    let site = Site::new();
    let text = "<?php $f = $_FILES['f']; echo $f['name'], ' ', md5_file($f['tmp_name']), ' ', \
                $f['size'], ' ', $_POST['a'];";
    site.program("upload.php", text.as_bytes());
    let (option, helper) = (site.option(), format!(".php={}", php.display()));
    let way = Way::start("http", &["--cgi", &option, "--cgi-helper", &helper]);
    let file = payload(900_000);
    let part = |head: &str, data: &[u8]| {
        [
            format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
            data,
            b"\r\n",
        ]
        .concat()
    };
    let fields = [
        part("name=\"a\"", b"1"),
        part("name=\"f\"; filename=\"x.bin\"", &file),
    ];
    let body = [&fields.concat()[..], b"--b--\r\n"].concat();
    let mut responses = Responses::on(way.connect());
    responses.peer.send(format!(
        "POST /cgi/upload.php HTTP/1.1\r\nHost: a\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    responses.peer.send(body);
    let text = String::from_utf8_lossy(&responses.next("POST").body).into_owned();
    let words: Vec<_> = text.split(' ').collect();
    assert_eq!(
        [words[0], words[2], words[3]],
        ["x.bin", "900000", "1"],
        "{text}"
    );
}

#[test]
fn bash_reads_its_body_line_by_line() {
    let Some(bash) = program("bash", &[]) else {
        return eprintln!("skipped: no bash");
    };
    let site = Site::new();
    let text = format!(
        "#!{}\nset -euo pipefail\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n\
         declare -A seen=()\nwhile IFS='=' read -r -d '&' key value; do seen[$key]=$value; done < <(cat; printf '&')\n\
         echo \"${{seen[b]}} ${{seen[a]}} $REQUEST_METHOD $CONTENT_LENGTH\"\n",
        bash.display()
    );
    site.program("form", text.as_bytes());
    let way = Way::start("http", &["--cgi", &site.option()]);
    let mut responses = Responses::on(way.connect());
    responses
        .peer
        .send("POST /cgi/form HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\na=1&b=2");
    assert_eq!(responses.next("POST").body, b"2 1 POST 7\n");
}

#[test]
fn a_c_program_serves_what_it_was_sent() {
    let Some(cc) = program("cc", &[]) else {
        return eprintln!("skipped: no cc");
    };
    let site = Site::new();
    let source = site.path("echo.c");
    let text = "#include <stdio.h>\n#include <stdlib.h>\nint main(void) {\n\
                long left = atol(getenv(\"CONTENT_LENGTH\"));\n\
                printf(\"Status: 201 Made\\nContent-Type: application/octet-stream\\n\\n\");\n\
                for (int c; left-- > 0 && (c = getchar()) != EOF;) putchar(c);\nreturn 0; }\n";
    fs::write(&source, text).unwrap();
    let made = site.path("echo");
    run(
        cc.to_str().unwrap(),
        [Path::new("-O1"), &source, Path::new("-o"), &made],
    );
    let way = Way::start("http", &["--cgi", &site.option()]);
    let body = payload(2_000_000);
    let mut responses = Responses::on(way.connect());
    let mut sender = responses.peer.another();
    let sent = body.clone();
    let sending = std::thread::spawn(move || {
        sender.send("POST /cgi/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
        sender.send(sent);
    });
    let response = responses.next("POST");
    assert_eq!(response.head.status, 201);
    assert!(response.body == body, "what came back differs");
    sending.join().unwrap();
}
