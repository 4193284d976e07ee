//! The teaching demo: what it tells is what happened, and its page works in a browser.

mod chromium;

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use assert_cmd::cargo::cargo_bin;
use chromium::Browser;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

/// A demo on a free port, told to end on drop.
struct Demo {
    child: Child,
    at: String,
}

impl Demo {
    fn start(gateway: &str) -> Self {
        let mut child = Command::new(cargo_bin!("gatebench"))
            .args(["demo", "--listen", "127.0.0.1:0", "--gateway", gateway])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let at = line.split(' ').find(|word| word.starts_with("http://"));
        let at = at
            .unwrap_or_else(|| panic!("no address in {line:?}"))
            .to_owned();
        Self { child, at }
    }

    /// Asks with JSON; status and answer.
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder()
                .timeout(Duration::from_secs(60))
                .build()
                .unwrap();
            let method = method.parse().unwrap();
            let mut request = client.request(method, format!("{}{path}", self.at));
            if let Some(body) = body {
                request = request.json(&body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, answer.json().await.unwrap_or_default())
        })
    }

    fn send(&self, way: &str) -> Value {
        let asked = json!({ "way": way, "app": "python", "rest": "?show=1" });
        let (status, sent) = self.ask("POST", "api/send", Some(asked));
        assert_eq!(status, 200, "{way}: {sent}");
        assert_eq!(sent["status"], 200, "{way}: {sent}");
        sent
    }

    fn play(&self, trouble: &str, way: &str, mended: bool) -> Value {
        let asked = json!({ "way": way, "mended": mended });
        let (status, played) = self.ask("POST", &format!("api/breaks/{trouble}"), Some(asked));
        assert_eq!(status, 200, "{trouble}: {played}");
        played
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        kill(
            Pid::from_raw(self.child.id().cast_signed()),
            Signal::SIGTERM,
        )
        .ok();
        self.child.wait().ok();
    }
}

#[test]
fn ctrl_c_is_the_ordinary_end() {
    let mut demo = Demo::start("builtin");
    let pid = Pid::from_raw(demo.child.id().cast_signed());
    kill(pid, Signal::SIGINT).unwrap();
    assert_eq!(demo.child.wait().unwrap().code(), Some(0));
}

fn names(steps: &Value) -> Vec<&str> {
    let steps = steps.as_array().unwrap();
    steps
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect()
}

fn python() -> bool {
    let there = ["/usr/bin/python3", "/usr/local/bin/python3"];
    let there = there
        .iter()
        .any(|file| std::path::Path::new(file).is_file());
    if !there {
        eprintln!("skipped: no python3");
    }
    there
}

#[test]
fn a_process_is_started_for_a_request_over_cgi_and_none_over_fastcgi() {
    if !python() {
        return;
    }
    let demo = Demo::start("builtin");
    let cgi = demo.send("cgi");
    for step in [
        "forwarded",
        "fork",
        "exec",
        "interpreter",
        "application",
        "reap",
        "received",
    ] {
        assert!(
            names(&cgi["steps"]).contains(&step),
            "{step}: {}",
            cgi["steps"]
        );
    }
    let first = demo.send("fastcgi");
    let second = demo.send("fastcgi");
    for sent in [&first, &second] {
        assert!(
            names(&sent["steps"]).contains(&"dispatch"),
            "{}",
            sent["steps"]
        );
        assert!(
            !names(&sent["steps"]).contains(&"interpreter"),
            "{}",
            sent["steps"]
        );
        let workers = sent["before"].as_array().unwrap().iter();
        assert!(
            workers
                .clone()
                .any(|worker| worker["pid"] == sent["told"]["pid"]),
            "{sent}"
        );
    }
    // The process of the CGI request was none of those that were there before, and is gone.
    let told = &cgi["told"]["pid"];
    for when in ["before", "after"] {
        let mut there = cgi[when].as_array().unwrap().iter();
        assert!(
            there.all(|process| process["pid"] != *told),
            "{when}: {cgi}"
        );
    }
    assert_eq!(demo.send("cgi")["told"]["served"], 1);
}

#[test]
fn what_passed_is_told_record_by_record() {
    if !python() {
        return;
    }
    let demo = Demo::start("builtin");
    let sent = demo.send("fastcgi");
    let wires = sent["wires"].as_array().unwrap();
    let burst = |direction: &str| {
        let mut octets = wires
            .iter()
            .filter(|burst| burst["leg"] == "server" && burst["event"] == "");
        octets
            .find(|burst| burst["direction"] == direction)
            .unwrap()
    };
    let records = |direction: &str| -> Vec<String> {
        let fields = burst(direction)["fields"].as_array().unwrap();
        fields
            .iter()
            .map(|field| field["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        records("request")[..2],
        ["FCGI_BEGIN_REQUEST", "FCGI_PARAMS"]
    );
    assert_eq!(records("reply").last().unwrap(), "FCGI_END_REQUEST");
}

#[test]
fn a_request_that_is_too_slow_fails_until_it_is_mended() {
    if !python() {
        return;
    }
    let demo = Demo::start("builtin");
    let broken = demo.play("slow", "fastcgi", false);
    assert_ne!(broken["clients"][0]["status"], 200, "{broken}");
    assert!(broken["logs"].to_string().contains("HARAKIRI"), "{broken}");
    assert_eq!(broken["clients"][1]["status"], 200, "{broken}");
    let mended = demo.play("slow", "fastcgi", true);
    assert_eq!(mended["clients"][0]["status"], 200, "{mended}");
}

#[test]
fn a_head_that_is_too_large_is_refused_over_every_protocol() {
    if !python() {
        return;
    }
    let demo = Demo::start("builtin");
    for way in ["fastcgi", "uwsgi", "http"] {
        let broken = demo.play("headers", way, false);
        assert_ne!(broken["clients"][0]["status"], 200, "{way}: {broken}");
        let mended = demo.play("headers", way, true);
        assert_eq!(mended["clients"][0]["status"], 200, "{way}: {mended}");
    }
}

#[test]
fn what_the_page_cannot_ask_for_is_refused_in_words() {
    let demo = Demo::start("builtin");
    for (path, body, word) in [
        (
            "api/send",
            json!({ "way": "cgi", "app": "python", "rest": "no slash" }),
            "begins with",
        ),
        (
            "api/send",
            json!({ "way": "cgi-warm", "app": "compiled" }),
            "only an interpreter",
        ),
        (
            "api/load",
            json!({ "lanes": ["cgi"], "work": "python", "connections": 0, "rate": 0, "workers": 2 }),
            "connections: 1 to 256",
        ),
        (
            "api/breaks/nothing",
            json!({ "way": "cgi" }),
            "no trouble called nothing",
        ),
    ] {
        let (status, told) = demo.ask("POST", path, Some(body));
        assert_eq!(status, 400, "{path}");
        assert!(
            told["error"].as_str().unwrap().contains(word),
            "{path}: {told}"
        );
    }
}

#[test]
fn a_page_of_another_site_starts_nothing() {
    let demo = Demo::start("builtin");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let status = runtime.block_on(async {
        let request = reqwest::Client::new().get(format!("{}api/about", demo.at));
        request
            .header("Host", "evil.example:7878")
            .send()
            .await
            .unwrap()
            .status()
    });
    assert_eq!(status.as_u16(), 403);
}

/// Where the pictures of the walk go, for people to look at.
fn pictures() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("demo")
}

#[test]
fn every_chapter_and_trouble_works_in_a_browser_without_a_complaint() {
    if !python() {
        return;
    }
    let Some(mut browser) = Browser::start(1200, 900) else {
        return eprintln!("skipped: no chromium");
    };
    let demo = Demo::start("auto");
    browser.go(&format!("{}?language=en", demo.at));
    browser.until("document.body && document.body.dataset.ready");
    for chapter in [
        "wsgi", "cgi", "warm", "fastcgi", "uwsgi", "load", "nginx", "options",
    ] {
        browser.press(&format!("[data-chapter={chapter}]"));
        browser.press("#act");
        browser.until(&format!(
            "document.getElementById('lesson').dataset.done === '{chapter}'"
        ));
        if chapter == "load" {
            browser.until("document.querySelectorAll('.lane').length === 3");
            browser.until("[...document.querySelectorAll('.lane .rps')].every((it) => parseInt(it.textContent) > 0)");
            // Only a request that starts no process of its own waits for a worker.
            let queued = "[...document.querySelectorAll('.lane')].map((it) => it.textContent.includes('wait for a worker')).join()";
            assert_eq!(browser.value(queued), "false,true,true");
        }
        assert_eq!(
            browser.value("document.querySelectorAll('[role=alert]').length"),
            0,
            "{chapter}"
        );
        browser.picture(&pictures().join(format!("{chapter}.png")));
    }
    browser.press("#tab-breaks");
    for trouble in ["crash", "leak", "pool", "pinned", "hang-up"] {
        browser.press(&format!("[data-trouble={trouble}]"));
        browser.until("document.querySelector('[data-how=mended]')");
        browser.picture(&pictures().join(format!("break-{trouble}.png")));
    }
    browser.press("[data-language=zh]");
    assert_eq!(browser.value("document.documentElement.lang"), "zh");
    browser.press("#tab-one");
    browser.picture(&pictures().join("chinese.png"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_page_fits_a_phone_and_the_keyboard_reaches_everything() {
    if !python() {
        return;
    }
    let Some(mut browser) = Browser::start(390, 844) else {
        return eprintln!("skipped: no chromium");
    };
    let demo = Demo::start("builtin");
    browser.go(&format!("{}?language=zh", demo.at));
    browser.until("document.body && document.body.dataset.ready");
    browser.press("#send");
    browser.until("document.querySelector('.steps')");
    let over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.value(over), 0, "it scrolls sideways");
    let unreachable = "[...document.querySelectorAll('[onclick]')].length";
    assert_eq!(browser.value(unreachable), 0);
    // Every word is there in both languages.
    let missing = "Promise.all([import('/words-en.js'), import('/words-zh.js')]).then(([en, zh]) => \
        Object.keys(en.english).filter((key) => !(key in zh.chinese)).join())";
    assert_eq!(browser.value(missing), "");
    browser.picture(&pictures().join("phone.png"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// What reaches beyond the window: nothing may, as nobody scrolls sideways to read.
#[track_caller]
fn assert_fits(browser: &mut Browser, what: &str) {
    // What scrolls in a box of its own, as a wide table may, moves nothing else.
    let wide = "[...document.body.querySelectorAll('*')].filter((it) => \
        it.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && \
        !it.closest('.scroll, pre, svg')).map((it) => `${it.tagName}.${it.className}: ${it.textContent.slice(0, 40)}`).join()";
    assert_eq!(browser.value(wide), "", "{what} is too wide");
    let over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.value(over), 0, "{what} scrolls sideways");
}

#[test]
fn no_part_of_the_page_is_wider_than_a_phone() {
    if !python() {
        return;
    }
    let Some(mut browser) = Browser::start(390, 844) else {
        return eprintln!("skipped: no chromium");
    };
    let demo = Demo::start("auto");
    for language in ["en", "zh"] {
        browser.go(&format!("{}?language={language}", demo.at));
        browser.until(&format!(
            "document.body && document.body.dataset.ready && document.documentElement.lang === '{language}'"
        ));
        for chapter in [
            "wsgi", "cgi", "warm", "fastcgi", "uwsgi", "load", "nginx", "options",
        ] {
            browser.press(&format!("[data-chapter={chapter}]"));
            assert_fits(&mut browser, chapter);
        }
        browser.press("#tab-one");
        browser.press("#send");
        browser.until("document.querySelector('.steps')");
        assert_fits(&mut browser, "one request");
        browser.picture(&pictures().join(format!("phone-one-{language}.png")));
        browser.press("#tab-many");
        browser.press("#load");
        browser.until("document.querySelectorAll('.lane').length === 3");
        browser.until("[...document.querySelectorAll('.lane .rps')].every((it) => parseInt(it.textContent) > 0)");
        assert_fits(&mut browser, "many requests");
        let shown = "(() => { const it = document.querySelector('svg.plot'); \
                     return it.getBoundingClientRect().width / it.viewBox.baseVal.width > 0.9; })()";
        assert_eq!(browser.value(shown), true, "the plot's words are shrunk");
        browser.picture(&pictures().join(format!("phone-many-{language}.png")));
        browser.press("#load");
        browser.press("#tab-breaks");
        browser.press("[data-trouble=crash]");
        browser.until("document.querySelector('[data-how=mended]')");
        assert_fits(&mut browser, "what breaks");
        browser.picture(&pictures().join(format!("phone-breaks-{language}.png")));
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
