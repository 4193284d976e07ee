//! Which of CGI, FastCGI and uwsgi is faster, and why: by one run, with one configuration.

use serde_json::Value;

use super::{
    kit::{Room, gatebench, program},
    support,
};

/// What a run measured of a model.
fn of<'a>(measured: &'a Value, model: &str) -> &'a Value {
    let mut all = measured["throughput"].as_array().unwrap().iter();
    all.find(|one| one["model"] == model).expect(model)
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("no number: {of}"))
}

#[test]
fn one_run_tells_which_is_faster_and_that_the_process_is_what_costs() {
    if program(&["nginx"]).is_none() {
        return;
    }
    support::build_programs();
    let room = Room::new();
    let file = room.text("speed.json");
    let size = [
        "--connections",
        "4",
        "--duration",
        "300ms",
        "--warm-up",
        "100ms",
    ];
    let what = [
        "bench",
        "--gateway",
        "nginx",
        "--via",
        "process",
        "--json",
        &file,
    ];
    let (code, told) = gatebench(&[&what[..], &size, &["--rounds", "5"]].concat());
    assert_eq!(code, 0, "{told}");
    let measured = std::fs::read_to_string(&file).unwrap();
    let measured: Value = serde_json::from_str(&measured).unwrap();
    let [cgi, fastcgi, uwsgi] = ["cgi", "fastcgi", "uwsgi"].map(|model| of(&measured, model));
    // The same gateway, load and connection to the server: published figures differ by those.
    for key in [
        "gateway",
        "connections",
        "workload",
        "socket",
        "backend_keepalive",
    ] {
        assert_eq!(cgi[key], fastcgi[key], "{key}");
        assert_eq!(fastcgi[key], uwsgi[key], "{key}");
    }
    for kept in [fastcgi, uwsgi] {
        assert!(number(&kept["rps"]) > 2.0 * number(&cgi["rps"]), "{told}");
        assert_eq!(kept["rounds"].as_array().unwrap().len(), 5);
        let backend = |of: &Value| number(&of["cpu_us_per_request"]["backend"]);
        assert!(backend(cgi) > 2.0 * backend(kept), "{told}");
    }
    // One for each request, but for those at the ends of the measured time.
    let forks = |of: &Value| number(&of["forks"]) / number(&of["requests"]);
    assert!(forks(cgi) > 0.5 && forks(fastcgi) < 0.5, "{told}");
    // Why: the steps of a CGI request, with the execution of the program among them.
    let steps = cgi["cgi_steps"]["steps"].as_array().unwrap();
    assert!(
        steps.iter().any(|step| step["step"] == "executed"),
        "{told}"
    );
    assert!(told.contains("CGI STEP BY STEP"), "{told}");
}
