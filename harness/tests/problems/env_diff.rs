//! The same request through two gateways or models: what an application would notice.

use serde_json::Value;

use super::{
    kit::{Room, gatebench, program},
    support::build_programs,
};

fn diff(args: &[&str]) -> (i32, Value) {
    build_programs();
    let (code, text) = gatebench(&[&["env-diff", "--format", "json"], args].concat());
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (code, value)
}

#[track_caller]
fn row<'a>(value: &'a Value, name: &str) -> &'a Value {
    let mut rows = value["variables"].as_array().unwrap().iter();
    let found = rows.find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {value:#}"))
}

#[test]
fn two_models_of_one_gateway_agree_on_the_request() {
    let (_, value) = diff(&[
        "builtin:fastcgi",
        "builtin:uwsgi",
        "/a%20b?c=d",
        "--via",
        "process",
    ]);
    for (name, expected) in [("PATH_INFO", "/a b"), ("QUERY_STRING", "c=d")] {
        let row = row(&value, name);
        assert_eq!(
            (&row["difference"], &row["a"][0]),
            (&"same".into(), &expected.into()),
            "{value:#}"
        );
    }
}

#[test]
fn stock_nginx_cuts_the_path_elsewhere_by_each_model() {
    if program(&["nginx"]).is_none() {
        return;
    }
    let (code, value) = diff(&[
        "nginx:stock:fastcgi",
        "nginx:stock:uwsgi",
        "/shop",
        "--via",
        "process",
        "--header",
        "X-Shop: 1",
    ]);
    assert_eq!(code, 1);
    let info = row(&value, "PATH_INFO");
    assert_eq!(
        (&info["difference"], &info["b"][0]),
        (&"only-b".into(), &"/probe/shop".into())
    );
    assert!(
        info["notice"]
            .as_str()
            .unwrap()
            .contains("cut at another place"),
        "{info}"
    );
    assert_eq!(row(&value, "HTTP_X_SHOP")["difference"], "same");
}

#[test]
fn a_running_probe_a_report_and_captured_octets_are_sides_too() {
    let room = Room::new();
    let report = room.write(
        "report.json",
        r#"{"probe":1,"environ":[["REQUEST_METHOD","GET"],["CONTENT_LENGTH","0"]],"body":{"size":0}}"#,
    );
    let line = room.write("tap.json", "{\"params\":[[\"REQUEST_METHOD\",\"GET\"],[\"CONTENT_LENGTH\",\"\"]],\"request\":{\"body\":0}}\n");
    let octets = room.write(
        "http.txt",
        "GET /a HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n",
    );
    let (report, line, octets) = (
        report.to_str().unwrap(),
        line.to_str().unwrap(),
        octets.to_str().unwrap(),
    );
    let (code, value) = diff(&[report, line]);
    assert_eq!(code, 1);
    assert!(
        row(&value, "CONTENT_LENGTH")["notice"]
            .as_str()
            .unwrap()
            .contains("int('')")
    );
    assert_eq!(diff(&[report, report]).0, 0);
    let (_, value) = diff(&[report, octets]);
    assert_eq!(row(&value, "HTTP_HOST")["b"][0], "shop");
    assert_eq!(row(&value, "CONTENT_LENGTH")["difference"], "same");
}

#[test]
fn a_side_that_cannot_be_had_is_told() {
    let room = Room::new();
    let empty = room.write("empty", "");
    for (args, told) in [
        (["nginz:fastcgi", "nginx:uwsgi"], "no gateway `nginz`"),
        (
            ["caddy:uwsgi", "caddy:fastcgi"],
            "caddy cannot reach an application by uwsgi",
        ),
        ([empty.to_str().unwrap(), "nginx:uwsgi"], "holds no request"),
    ] {
        build_programs();
        let (code, said) = gatebench(&[&["env-diff"], &args[..]].concat());
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(told), "{said}");
    }
}
