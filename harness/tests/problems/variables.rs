//! Variables that are missing, wrong or a client's.

use super::kit::{Room, Tap, answers, doctor, explained, finding};

const HELLO: &str = "Content-Type: text/plain\r\n\r\nhello";
const PARAMS: &str = "include /etc/nginx/fastcgi_params;";

/// nginx with this location in front of a FastCGI server that says hello, and a tap between.
fn hello(location: &str) -> Option<(Room, Tap)> {
    let mut room = Room::new();
    answers(&room.path("app.sock"), HELLO);
    let tap = room.tap("app.sock", &[]);
    room.nginx(location)?;
    Some((room, tap))
}

/// nginx in front of php-cgi with this location, and a tap between.
fn php(location: &str) -> Option<(Room, Tap)> {
    let mut room = Room::new();
    room.php()?;
    room.write("www/index.php", "<?php echo 'hello';");
    let tap = room.tap("php.sock", &[]);
    room.nginx(location)?;
    Some((room, tap))
}

#[test]
fn without_script_filename_php_runs_nothing() {
    let Some((room, tap)) = php(&format!(
        "location / {{ {PARAMS} fastcgi_pass unix:ROOM/tap.sock; }}"
    )) else {
        return;
    };
    assert!(room.get("/index.php").contains("404"));
    assert!(
        tap.finds("script-filename-missing")
            .1
            .contains("fastcgi_param SCRIPT_FILENAME")
    );
    let (code, report) = doctor(&[&room.text("nginx.conf"), "--path", "/index.php"]);
    assert_eq!(code, 1);
    let found = finding(&report["parts"][0], "script-filename-missing");
    assert!(
        found.1.contains("$document_root$fastcgi_script_name"),
        "{found:?}"
    );
}

#[test]
fn a_script_that_is_not_there_is_told_with_the_path_that_was_sent() {
    let location = format!(
        "location / {{ {PARAMS} fastcgi_param SCRIPT_FILENAME /srv/elsewhere$fastcgi_script_name; fastcgi_pass unix:ROOM/tap.sock; }}"
    );
    let Some((room, tap)) = php(&location) else {
        return;
    };
    assert!(room.get("/index.php").contains("404"));
    let (cause, cure) = tap.finds("script-unknown");
    assert!(cause.contains("/srv/elsewhere/index.php"), "{cause}");
    assert!(cure.contains("root"), "{cure}");
    let (_, report) = doctor(&[&room.text("nginx.conf"), "--path", "/index.php"]);
    let (cause, _) = finding(&report["parts"][0], "script-unreadable");
    assert!(cause.contains("/srv/elsewhere"), "{cause}");
}

#[test]
fn php_fpm_says_so_on_its_error_stream() {
    let Some(fpm) = super::kit::program(&["php-fpm", "php-fpm8.2", "php-fpm8.4"]) else {
        return;
    };
    let mut room = Room::new();
    room.php_fpm(&fpm);
    let tap = room.tap("fpm.sock", &[]);
    let started = room.nginx(&format!(
        "location / {{ {PARAMS} fastcgi_param SCRIPT_FILENAME $document_root/none.php; fastcgi_pass unix:ROOM/tap.sock; }}"
    ));
    if started.is_none() {
        return;
    }
    assert!(room.get("/none.php").contains("File not found."));
    assert!(tap.finds("script-unknown").0.contains("/none.php"));
    let told = explained(
        &room.error_log("Primary script unknown"),
        "Primary script unknown",
    );
    assert!(told.contains("SCRIPT_FILENAME"), "{told}");
}

#[test]
fn what_follows_the_script_is_lost_without_path_info() {
    let location = format!(
        "location ~ \\.php(/|$) {{ {PARAMS} fastcgi_param SCRIPT_FILENAME $document_root/index.php; fastcgi_pass unix:ROOM/tap.sock; }}"
    );
    let Some((room, tap)) = php(&location) else {
        return;
    };
    room.get("/index.php/shop/cart");
    let (cause, cure) = tap.finds("path-info-missing");
    assert!(cause.contains("`/shop/cart`"), "{cause}");
    assert!(cure.contains("fastcgi_split_path_info"), "{cure}");
}

#[test]
fn a_prefix_that_both_sides_send_is_there_twice() {
    let mut room = Room::new();
    let socket = room.text("app.sock");
    room.gateserve("app.sock", &["--probe", "--socket", &socket]);
    let tap = room.tap("app.sock", &[]);
    let started = room.nginx(
        "location /shop { include /etc/nginx/uwsgi_params; uwsgi_param SCRIPT_NAME /shop; uwsgi_pass unix:ROOM/tap.sock; }",
    );
    if started.is_none() {
        return;
    }
    room.get("/shop/cart");
    let (cause, cure) = tap.finds("prefix-twice");
    assert!(cause.contains("`/shop/shop/cart`"), "{cause}");
    assert!(cure.contains("manage-script-name"), "{cure}");
}

#[test]
fn modifier_30_is_of_another_time() {
    let mut room = Room::new();
    let socket = room.text("app.sock");
    room.gateserve("app.sock", &["--probe", "--socket", &socket]);
    let tap = room.tap("app.sock", &[]);
    let location = "location / { include /etc/nginx/uwsgi_params; uwsgi_modifier1 30; uwsgi_pass unix:ROOM/tap.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    room.get("/");
    assert!(tap.finds("modifier-30").1.contains("uwsgi_modifier1 30"));
    let (_, report) = doctor(&[&room.text("nginx.conf")]);
    finding(&report["parts"][0], "modifier-30");
}

#[test]
fn a_login_that_is_kept_back_is_told_at_the_401() {
    let mut room = Room::new();
    answers(
        &room.path("app.sock"),
        "Status: 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"shop\"\r\nContent-Type: text/plain\r\n\r\n",
    );
    let tap = room.tap("app.sock", &[]);
    let location = format!(
        "location / {{ {PARAMS} fastcgi_param HTTP_AUTHORIZATION \"\"; fastcgi_pass unix:ROOM/tap.sock; }}"
    );
    if room.nginx(&location).is_none() {
        return;
    }
    room.ask(
        "GET / HTTP/1.1\r\nHost: shop\r\nAuthorization: Basic eA==\r\nConnection: close\r\n\r\n",
    );
    assert!(
        tap.finds("authorization-missing")
            .1
            .contains("CGIPassAuth On")
    );
}

#[test]
fn an_encoded_slash_becomes_a_plain_one() {
    let Some((room, tap)) = hello(&format!(
        "location / {{ {PARAMS} fastcgi_pass unix:ROOM/tap.sock; }}"
    )) else {
        return;
    };
    room.get("/files/a%2Fb");
    let (cause, cure) = tap.finds("encoded-slash");
    assert!(cause.contains("`/files/a/b`"), "{cause}");
    assert!(cure.contains("REQUEST_URI"), "{cure}");
}

#[test]
fn a_path_that_is_decoded_twice_is_told() {
    let Some((room, tap)) = hello(&format!(
        "location / {{ if ($request_uri ~ ^/(.*)) {{ rewrite ^ /a%41 break; }} {PARAMS} fastcgi_param SCRIPT_NAME /aA; fastcgi_pass unix:ROOM/tap.sock; }}"
    )) else {
        return;
    };
    room.get("/a%2541");
    // SCRIPT_NAME is sent twice as well; the last counts.
    assert!(tap.finds("decoded-twice").0.contains("/aA"));
}

#[test]
fn a_scheme_that_is_lost_behind_another_proxy_is_told() {
    let Some((room, tap)) = hello(&format!(
        "location / {{ {PARAMS} fastcgi_pass unix:ROOM/tap.sock; }}"
    )) else {
        return;
    };
    room.ask(
        "GET / HTTP/1.1\r\nHost: shop\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n",
    );
    assert!(
        tap.finds("scheme-lost")
            .1
            .contains("fastcgi_param HTTPS on")
    );
    room.ask("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(
        tap.next()["findings"].as_array().unwrap().len(),
        0,
        "HTTP/1.0 has no Host"
    );
}

#[test]
fn a_host_that_is_hidden_is_told() {
    let Some((room, tap)) = hello(
        "location / { fastcgi_param REQUEST_METHOD $request_method; fastcgi_param SERVER_PROTOCOL $server_protocol; \
         fastcgi_pass_request_headers off; fastcgi_pass unix:ROOM/tap.sock; }",
    ) else {
        return;
    };
    room.get("/");
    assert!(tap.finds("host-missing").1.contains("HTTP_HOST $http_host"));
}

#[test]
fn what_a_client_must_not_set_is_told() {
    let Some((room, tap)) = hello(&format!(
        "underscores_in_headers on; location / {{ {PARAMS} fastcgi_param PHP_VALUE auto_prepend_file=/etc/hostname; fastcgi_pass unix:ROOM/tap.sock; }}"
    )) else {
        return;
    };
    room.ask("GET / HTTP/1.1\r\nHost: shop\r\nProxy: http://evil\r\nX_User: a\r\nX-User: b\r\nConnection: close\r\n\r\n");
    let exchange = tap.next();
    assert!(
        finding(&exchange, "httpoxy")
            .1
            .contains("fastcgi_param HTTP_PROXY \"\"")
    );
    assert!(
        finding(&exchange, "settings-by-request")
            .0
            .contains("PHP_VALUE")
    );
    let (_, report) = doctor(&[&room.text("nginx.conf")]);
    finding(&report["parts"][0], "httpoxy");
}
