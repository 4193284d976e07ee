//! A headless Chromium, spoken to over its debugging pipe.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use serde_json::{Value, json};

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How long the page may take for anything that a test waits for.
const WITHIN: Duration = Duration::from_secs(60);

/// A page in a browser; both end on drop.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: Value,
    last: u64,
    /// What came while an answer was waited for.
    events: VecDeque<Value>,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Starts it with a window of this size; `None` where there is none on this machine.
    pub(crate) fn start(width: u32, height: u32) -> Option<Self> {
        let there = |name: &&&str| {
            let mut about = Command::new(name);
            about
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            about.status().is_ok_and(|status| status.success())
        };
        let program = NAMES.iter().find(there)?;
        Some(Self::with(program, width, height))
    }

    fn with(program: &str, width: u32, height: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [to, from] = ["to", "from"].map(|name| folder.path().join(name));
        for pipe in [&to, &from] {
            mkfifo(pipe, Mode::from_bits_truncate(0o600)).unwrap();
        }
        // The pipe has the numbers 3 and 4 in the browser, which a shell can give them.
        let script = "exec \"$0\" \"$@\" 3<\"$TO\" 4>\"$FROM\"";
        let child = Command::new("sh")
            .args([
                "-c",
                script,
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--remote-debugging-pipe",
                "--force-color-profile=srgb",
            ])
            .arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .arg(format!("--window-size={width},{height}"))
            .env("TO", &to)
            .env("FROM", &from)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Self {
            child,
            to: File::options().write(true).open(&to).unwrap(),
            from: BufReader::new(File::open(&from).unwrap()),
            session: Value::Null,
            last: 0,
            events: VecDeque::new(),
            _folder: folder,
        };
        browser.open_page(width, height);
        browser
    }

    fn open_page(&mut self, width: u32, height: u32) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let asked = json!({ "targetId": target["targetId"], "flatten": true });
        self.session = self.call("Target.attachToTarget", asked)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .unwrap();
        loop {
            let message = self.read();
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    fn read(&mut self) -> Value {
        let mut octets = Vec::new();
        self.from.read_until(0, &mut octets).unwrap();
        assert_eq!(octets.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&octets).unwrap()
    }

    /// Goes to a page.
    pub(crate) fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url }));
    }

    /// The value of an expression.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while self.value(&format!("Boolean({expression})")) != true {
            assert!(began.elapsed() < WITHIN, "still not so: {expression}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses what a selector finds.
    pub(crate) fn press(&mut self, selector: &str) {
        self.until(&format!(
            "document.querySelector('{selector}:not(:disabled)')"
        ));
        self.value(&format!("document.querySelector('{selector}').click()"));
    }

    /// Writes a picture of the whole page.
    pub(crate) fn picture(&mut self, file: &Path) {
        let asked = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.call("Page.captureScreenshot", asked);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, decode(picture["data"].as_str().unwrap())).unwrap();
    }

    /// What the page complained of so far.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.call("Runtime.evaluate", json!({ "expression": "1" }));
        let is_complaint = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => event["params"]["type"] == "error",
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            _ => false,
        };
        let complaints = self.events.iter().filter(is_complaint);
        complaints
            .map(|event| event["params"].to_string())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Base64 as the browser writes it.
fn decode(text: &str) -> Vec<u8> {
    let value = |octet: u8| match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut octets = Vec::new();
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = four
            .iter()
            .fold(0u32, |bits, &octet| bits << 6 | u32::from(value(octet)));
        let bits = bits << (6 * (4 - four.len()));
        octets.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    octets
}
