//! The doctor's own examinations: which protocol speaks, how much it takes, what a configuration lacks.

use std::io::{Read, Write};

use super::kit::{Room, answers, doctor, finding, gatebench, program, serve};

fn words(report: &serde_json::Value, of: &str) -> String {
    let mut trials = report["trials"].as_array().unwrap().iter();
    let found = trials.find(|one| one["sent"].as_str().unwrap().contains(of));
    let found = found.unwrap_or_else(|| panic!("no {of} in {report:#}"));
    found["came"].as_str().unwrap().to_owned()
}

#[test]
fn every_protocol_is_told_by_its_own_answer() {
    let mut room = Room::new();
    let sockets = ["fastcgi", "uwsgi", "scgi", "http"].map(|name| (name, room.text(name)));
    let mut options = vec!["--probe"];
    let names = sockets.clone().map(|(name, _)| format!("--{name}-socket"));
    for ((_, socket), option) in sockets.iter().zip(&names) {
        options.extend([option.as_str(), socket.as_str()]);
    }
    room.gateserve("http", &options);
    for (protocol, socket) in &sockets {
        let (code, report) = doctor(&[socket]);
        assert_eq!(report["protocol"], *protocol, "{report:#}");
        assert_eq!(code, 0, "{report:#}");
        assert!(words(&report, "GET /").starts_with("200"), "{report:#}");
        assert!(
            words(&report, "three pieces").starts_with("200"),
            "{report:#}"
        );
    }
    // Whoever says another protocol is told.
    let (code, report) = doctor(&[&format!("uwsgi://{}", sockets[0].1)]);
    assert_eq!((code, &report["protocol"]), (1, &"fastcgi".into()));
    assert!(
        finding(&report, "wrong-protocol")
            .1
            .contains("fastcgi_pass")
    );
}

#[test]
fn the_limit_of_a_head_is_found_to_the_octet() {
    let mut room = Room::new();
    let socket = room.text("app.sock");
    room.gateserve(
        "app.sock",
        &["--probe", "--socket", &socket, "--buffer-size", "5000"],
    );
    let (code, report) = doctor(&[&socket]);
    assert_eq!(code, 0);
    // The block of a uwsgi packet, and four octets in front of it.
    assert!(
        words(&report, "largest head").starts_with("5004 octets"),
        "{report:#}"
    );
    assert!(
        finding(&report, "request-limit")
            .1
            .contains("buffer-size = 32768")
    );
}

#[test]
fn a_body_that_needs_its_length_is_found_where_a_post_is_allowed() {
    let mut room = Room::new();
    if room.php().is_none() {
        return;
    }
    room.write(
        "www/a.php",
        "<?php echo strlen(file_get_contents('php://input'));",
    );
    let root = room.text("www");
    let socket = room.text("php.sock");
    let all = [socket.as_str(), "--root", &root, "--path", "/a.php"];
    let (code, report) = doctor(&[&all[..], &["--post"]].concat());
    assert_eq!(code, 0, "{report:#}");
    assert!(
        finding(&report, "body-needs-length")
            .1
            .contains("fastcgi_request_buffering on")
    );
    let (_, report) = doctor(&all);
    let sent = report["trials"].to_string();
    assert!(
        !sent.contains("POST"),
        "only where it was asked for: {sent}"
    );
}

#[test]
fn a_script_that_the_server_sees_elsewhere_is_found() {
    let mut room = Room::new();
    if room.php().is_none() {
        return;
    }
    room.write("www/a.php", "<?php echo 'hello';");
    let root = format!("/mnt/host{}", room.text("www"));
    let (code, report) = doctor(&[&room.text("php.sock"), "--root", &root, "--path", "/a.php"]);
    assert_eq!(code, 1);
    let (cause, cure) = finding(&report, "script-elsewhere");
    assert!(cause.contains(&room.text("www/a.php")), "{cause}");
    assert!(cure.contains("without `/mnt/host`"), "{cure}");
}

#[test]
fn who_is_none_of_the_family_is_told_by_what_it_says() {
    let room = Room::new();
    serve(&room.path("ssh"), |mut stream| {
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").ok();
        stream.read_to_end(&mut Vec::new()).ok();
    });
    serve(&room.path("mute"), |_| {});
    for (name, word) in [
        ("ssh", "SSH-2.0"),
        ("mute", "closed whatever is said"),
        ("none", "no socket at that path"),
    ] {
        let (code, report) = doctor(&[&room.text(name), "--timeout", "5s"]);
        assert_eq!((code, &report["protocol"]), (1, &serde_json::Value::Null));
        assert!(
            report["findings"].to_string().contains(word),
            "{name}: {report:#}"
        );
    }
}

#[test]
fn a_variable_that_the_application_does_not_take_is_named() {
    let room = Room::new();
    // As frameworks do that know their hosts.
    serve(&room.path("app.sock"), |mut stream| {
        let mut octets = vec![0; 4096];
        let size = stream.read(&mut octets).unwrap_or(0);
        let text = String::from_utf8_lossy(&octets[..size]);
        let status = match text.contains("HTTP_HOST") {
            true => "HTTP/1.1 403 Forbidden",
            false => "HTTP/1.1 200 OK",
        };
        if text.contains("REQUEST_METHOD") && octets[0] == 0 {
            write!(stream, "{status}\r\nContent-Type: text/plain\r\n\r\n").ok();
        }
    });
    let (code, report) = doctor(&[&room.text("app.sock"), "--host", "shop.example"]);
    assert_eq!(code, 1, "{report:#}");
    assert!(
        finding(&report, "variable-at-fault")
            .0
            .contains("HTTP_HOST (`shop.example`)")
    );
}

const FAULTY: &str = r"
    location ~ \.php$ {
        fastcgi_split_path_info ^(.+?\.php)(/.*)$;
        try_files $fastcgi_script_name =404;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param PATH_INFO $fastcgi_path_info;
        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
        fastcgi_pass unix:ROOM/fastcgi;
    }
    location /bare/ { uwsgi_pass unix:ROOM/fastcgi; }
    location /gone/ { include params; proxy_pass http://unix:ROOM/gone:/; }
    location /large/ { fastcgi_param REQUEST_METHOD GET; fastcgi_pass kept; fastcgi_read_timeout 1ms; }
";

#[test]
fn a_configuration_is_examined_line_by_line_and_each_server_asked() {
    let room = Room::new();
    answers(
        &room.path("fastcgi"),
        &format!(
            "Content-Type: text/plain\r\nX-Big: {}\r\n\r\nhello",
            "a".repeat(5000)
        ),
    );
    room.write("params", "proxy_set_header Host $host;\n");
    let conf = room.configuration(
        "upstream kept { server unix:ROOM/fastcgi; keepalive 2; }",
        FAULTY,
    );
    let (code, report) = doctor(&[&conf.display().to_string()]);
    assert_eq!(code, 1);
    let parts = report["parts"].as_array().unwrap();
    let places = |part: &serde_json::Value| -> Vec<String> {
        let all = part["findings"].as_array().unwrap().iter();
        let line = |place: &str| place.rsplit(':').next().unwrap().to_owned();
        all.map(|one| {
            format!(
                "{} {}",
                line(one["place"].as_str().unwrap()),
                one["problem"].as_str().unwrap()
            )
        })
        .collect()
    };
    let told: Vec<String> = parts.iter().map(|part| places(part).join("\n")).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn what_nginx_accepts_is_read_and_well() {
    if program(&["nginx"]).is_none() {
        return;
    }
    let mut room = Room::new();
    let sockets = ["fastcgi", "uwsgi", "scgi", "http"].map(|name| (name, room.text(name)));
    let mut options = vec!["--probe"];
    let names = sockets.clone().map(|(name, _)| format!("--{name}-socket"));
    for ((_, socket), option) in sockets.iter().zip(&names) {
        options.extend([option.as_str(), socket.as_str()]);
    }
    room.gateserve("http", &options);
    let conf = room.configuration(
        "",
        r"location ~ ^(?<script>/f)(?<rest>/.*)?$ { include /etc/nginx/fastcgi_params;
              fastcgi_param HTTP_PROXY ''; fastcgi_param PATH_INFO $rest;
              fastcgi_param SCRIPT_FILENAME $document_root$script; fastcgi_pass unix:ROOM/fastcgi; }
          location /u { include /etc/nginx/uwsgi_params; uwsgi_param HTTP_PROXY ''; uwsgi_pass unix:ROOM/uwsgi; }
          location /h { proxy_pass http://unix:ROOM/http:/; }",
    );
    let (code, told) = gatebench(&["doctor", &conf.display().to_string()]);
    assert_eq!(code, 0, "{told}");
    assert!(
        told.ends_with("nothing is wrong as far as this can see\n"),
        "{told}"
    );
}

#[test]
fn a_configuration_that_cannot_be_read_is_bad_input() {
    let room = Room::new();
    let conf = room.write("nginx.conf", "http {\n  server {\n");
    for (target, told) in [
        (
            conf.display().to_string(),
            "nginx.conf:2: a block is not closed",
        ),
        (room.text("none.conf"), "cannot read"),
        ("https://shop/".to_owned(), "plain HTTP only"),
        ("shop".to_owned(), "has no port"),
    ] {
        let (code, said) = gatebench(&["doctor", &target]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(told), "{target}: {said}");
    }
}
