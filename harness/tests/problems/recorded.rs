//! What the tap captured is played again by `gatebench check`.

use super::kit::{LIMIT, Room, gatebench};

#[test]
fn captured_requests_are_played_again_and_judged() {
    let mut room = Room::new();
    let socket = room.text("app.sock");
    room.gateserve("app.sock", &["--probe", "--socket", &socket]);
    let file = room.text("cases/recorded/shop.toml");
    let tap = room.tap("app.sock", &["--record", &file]);
    let location = "location / { include /etc/nginx/uwsgi_params; uwsgi_pass unix:ROOM/tap.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    room.get("/shop/cart?id=1");
    room.ask("GET / HTTP/1.1\r\nHost: shop\r\nX-Probe: status=404 Gone Fishing; body=no\r\nConnection: close\r\n\r\n");
    assert_eq!(
        (&tap.next()["status"], &tap.next()["status"]),
        (&200.into(), &404.into())
    );
    // nginx ended first, then the tap, which writes what it has.
    room.end_last();
    room.end_last();
    let said: Vec<String> = std::iter::from_fn(|| tap.told.recv_timeout(LIMIT).ok()).collect();
    assert!(
        said.concat().contains("gatebench check --scenarios"),
        "{said:?}"
    );
    let cases = room.text("cases");
    let at = format!("uwsgi://{socket}");
    let json = room.text("results.json");
    let play = [
        "check",
        "--scenarios",
        &cases,
        "--backend-at",
        &at,
        "--app",
        "none",
        "--json",
        &json,
    ];
    let (code, told) = gatebench(&play);
    assert_eq!(code, 0, "{told}");
    let results: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(results["summary"]["pass"], 2, "{results:#}");
    // What is expected is what was captured: another answer fails.
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("status = 404"), "{text}");
    std::fs::write(&file, text.replace("status = 404", "status = 403")).unwrap();
    let (code, told) = gatebench(&play);
    assert_eq!(code, 1, "{told}");
}
