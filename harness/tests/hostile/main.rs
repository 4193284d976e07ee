//! Peers that mean ill: replies without end, compressed bombs, words that a terminal or a browser
//! would obey. The bench ends in time, does not grow, and lets nothing of it act in what it writes.

mod conduct;
mod outputs;
mod program;
mod server;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use conduct::{fastcgi, http};
use outputs::assert_tame;
use program::{Ended, run};
use server::{Conduct, Hostile};

/// Every output there is.
const OUTPUTS: &[&str] = &[
    "--json",
    "r.json",
    "--junit",
    "j.xml",
    "--html",
    "h.html",
    "--markdown",
    "m.md",
    "--csv",
    "c.csv",
];

/// Judges a server that behaves so by a few scenarios.
fn checked(conduct: Conduct, protocol: &str, more: &[&str]) -> Ended {
    let server = Hostile::start(conduct);
    let at = format!("{protocol}://{}", server.at);
    let arguments = [&["check", "--backend-at", &at], more, OUTPUTS].concat();
    let ended = run(&arguments);
    assert!(
        server.attacks() > 0,
        "no case met it: {}",
        ended.text("stderr")
    );
    // The cases fail, or the server is lost before they are judged.
    assert!(matches!(ended.code, 1 | 2), "exit code {}", ended.code);
    assert_tame(&ended);
    ended
}

fn checked_by_http(conduct: Conduct) -> Ended {
    let posing = Conduct {
        poses: true,
        ..conduct
    };
    checked(posing, "http", &["--scenario", "http/reply"])
}

fn checked_by_fastcgi(conduct: Conduct) -> Ended {
    checked(
        conduct,
        "fastcgi",
        &["--app", "none", "--scenario", "fastcgi/"],
    )
}

#[test]
fn http_replies_without_end_are_judged_and_left() {
    for conduct in http::endless() {
        checked_by_http(conduct);
    }
}

#[test]
fn fastcgi_replies_without_end_are_judged_and_left() {
    for conduct in fastcgi::endless() {
        checked_by_fastcgi(conduct);
    }
}

#[test]
fn what_a_backend_says_acts_in_no_report() {
    let by_http = checked_by_http(http::evil());
    let by_fastcgi = checked_by_fastcgi(fastcgi::evil());
    for ended in [by_http, by_fastcgi] {
        for output in ["j.xml", "h.html"] {
            let text = ended.text(output);
            assert!(text.contains("own"), "{output} tells what came");
        }
    }
}

/// Judges a gateway that behaves so, to its clients and to what it forwards to.
fn fronted(conduct: Conduct) -> Ended {
    let recorder = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let conduct = Conduct {
        poses: true,
        ..conduct
    };
    let gateway = Hostile::gateway(recorder, conduct);
    let (at, recorder) = (
        format!("http://{}/app", gateway.at),
        format!("http://{recorder}"),
    );
    let check = ["check", "--gateway-at", &at, "--recorder", &recorder];
    let some = ["--scenario", "http/gw-reply/nothing,http/gw-reply/chunked"];
    let ended = run(&[&check[..], &some, OUTPUTS].concat());
    assert!(
        gateway.attacks() > 0,
        "no case met it: {}",
        ended.text("stderr")
    );
    assert!(matches!(ended.code, 1 | 2), "exit code {}", ended.code);
    assert_tame(&ended);
    ended
}

#[test]
fn gateways_that_never_end_are_judged_and_left() {
    for conduct in http::endless() {
        fronted(conduct);
    }
}

#[test]
fn a_gateway_that_never_ends_a_request_does_not_fill_the_recorder() {
    for conduct in http::endless_requests() {
        fronted(conduct);
    }
}

#[test]
fn what_a_gateway_says_acts_in_no_report() {
    let ended = fronted(http::evil());
    for output in ["j.xml", "h.html"] {
        assert!(
            ended.text(output).contains("own"),
            "{output} tells what came"
        );
    }
    fronted(http::evil_request());
    if let Some(bomb) = http::bomb() {
        fronted(bomb);
    }
}

#[test]
fn a_compressed_bomb_is_a_body_like_any_other() {
    let Some(bomb) = http::bomb() else {
        eprintln!("skipped: no gzip here");
        return;
    };
    checked_by_http(bomb.clone());
    loaded(bomb);
}

/// Loads a server that behaves so.
fn loaded(conduct: Conduct) -> Ended {
    let server = Hostile::start(conduct);
    let url = format!("http://{}/", server.at);
    let load = [
        "bench",
        "--url",
        &url,
        "--connections",
        "2",
        "--duration",
        "1s",
    ];
    let ended = run(&[&load, OUTPUTS].concat());
    assert!(server.attacks() > 0, "{}", ended.text("stderr"));
    assert_tame(&ended);
    ended
}

#[test]
fn a_load_on_a_hostile_server_ends() {
    for conduct in http::endless() {
        loaded(conduct);
    }
    loaded(http::evil());
}

/// Examines a server that behaves so.
fn examined(conduct: Conduct) {
    for format in ["text", "json"] {
        let server = Hostile::start(conduct.clone());
        let at = server.at.to_string();
        let ended = run(&["doctor", &at, "--timeout", "300ms", "--format", format]);
        // A hostile word in a good reply is nothing wrong.
        assert!(matches!(ended.code, 0 | 1), "{}", ended.text("stderr"));
        assert!(server.attacks() > 0);
        assert_tame(&ended);
    }
}

#[test]
fn the_doctor_is_not_infected() {
    let endless = http::endless().into_iter().chain(fastcgi::endless());
    endless.for_each(examined);
    examined(http::evil());
    examined(fastcgi::evil());
}

/// Passes one request through a tap to a server that behaves so, and some of its reply back.
fn tapped(conduct: Conduct, request: &[u8], more: &[&str]) {
    let server = Hostile::start(conduct);
    let listen = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (listen, to) = (listen.to_string(), server.at.to_string());
    let tap = ["tap", "--listen", &listen, "--to", &to, "--count", "1"];
    let (child, folder) = program::start(&[&tap, more].concat());
    let mut client = (0..2000)
        .find_map(|_| {
            std::thread::sleep(Duration::from_millis(5));
            TcpStream::connect(&listen).ok()
        })
        .expect("the tap listens");
    client
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    client.write_all(request).unwrap();
    // 64 MiB are many times of what may be kept.
    let mut some = (&client).take(64 << 20);
    std::io::copy(&mut some, &mut std::io::sink()).ok();
    drop(client);
    assert_tame(&program::watch(child, folder));
}

#[test]
fn the_tap_shows_a_hostile_reply_and_does_not_obey_it() {
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let record = include_bytes!("../../../wire/testdata/nginx-fastcgi-get.bin");
    let both = [(http::evil(), &get[..]), (fastcgi::evil(), &record[..])];
    for (conduct, request) in both {
        for more in [&[][..], &["-vv"], &["--json"], &["--record", "r.toml"]] {
            tapped(conduct.clone(), request, more);
        }
    }
}

#[test]
fn the_tap_keeps_little_of_a_reply_without_end() {
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let record = include_bytes!("../../../wire/testdata/nginx-fastcgi-get.bin");
    for conduct in http::endless() {
        tapped(conduct, get, &[]);
    }
    for conduct in fastcgi::endless() {
        tapped(conduct, record, &[]);
    }
}
