//! What a pairing is asked under load: each workload in the probe's own commands.

use std::{fmt, str::FromStr};

use crate::{
    load::{Ask, LoadSpec},
    scenario::Place,
};

/// What is asked over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// 13 bytes of text.
    Hello,
    /// 1 KiB that is called JSON.
    Json,
    /// 1 MiB from the application.
    Download,
    /// 1 MiB to the application, which reads all of it.
    Upload,
    /// A hundred field lines in the request, and a short reply.
    Headers,
    /// An application that waits for 50 ms.
    Slow,
    /// An application that computes for 2 ms.
    Cpu,
    /// Of twenty requests 14 hello, 3 json, one each of download, upload and cpu.
    Mixed,
    /// Hello, while as many clients again send their requests byte by byte.
    SlowClients,
    /// Hello, each on a connection of its own.
    Storm,
}

/// No workload has this name.
#[derive(Debug, thiserror::Error)]
#[error("no workload is called `{0}`; there are {all}", all = names())]
pub struct UnknownWorkload(String);

const HELLO: &str = "Hello, world!";
const KIB: u64 = 1024;
const MIB: u64 = 1024 * 1024;
/// Apache takes no more than a hundred field lines; Host and the probe's commands are among them.
const SMALL_HEADERS: u32 = 98;

fn names() -> String {
    Workload::ALL.map(Workload::word).join(", ")
}

impl Workload {
    /// Every workload.
    pub const ALL: [Self; 10] = [
        Self::Hello,
        Self::Json,
        Self::Download,
        Self::Upload,
        Self::Headers,
        Self::Slow,
        Self::Cpu,
        Self::Mixed,
        Self::SlowClients,
        Self::Storm,
    ];

    /// Its name on command lines and in results.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Json => "json",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Headers => "headers",
            Self::Slow => "slow",
            Self::Cpu => "cpu",
            Self::Mixed => "mixed",
            Self::SlowClients => "slow-clients",
            Self::Storm => "storm",
        }
    }

    /// What is sent to an application at `place`.
    pub(super) fn asks(self, place: &Place, close: bool) -> Vec<Ask> {
        let close = close || self == Self::Storm;
        match self {
            Self::Mixed => mixed().map(|one| one.ask(place, close)).collect(),
            one => vec![one.ask(place, close)],
        }
    }

    /// What else it changes of a load.
    pub(super) fn shape(self, spec: &mut LoadSpec) {
        match self {
            Self::SlowClients => spec.slow = spec.connections,
            Self::Storm => spec.keep_alive = false,
            _ => {}
        }
    }

    fn ask(self, place: &Place, close: bool) -> Ask {
        let (commands, body_len) = self.reply();
        let (method, body) = match self {
            Self::Upload => ("POST", vec![b'u'; MIB as usize]),
            _ => ("GET", Vec::new()),
        };
        let path = match place.app.as_str() {
            "" => "/",
            app => app,
        };
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nX-Probe: {commands}\r\n",
            place.host
        );
        if self == Self::Headers {
            head.extend((1..=SMALL_HEADERS).map(|at| format!("X-Small-{at:02}: value {at}\r\n")));
        }
        if self == Self::Upload {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        if close {
            head += "Connection: close\r\n";
        }
        Ask {
            body_len: Some(body_len),
            ..Ask::new([head.as_bytes(), b"\r\n", &body].concat())
        }
    }

    /// The probe's commands, and the length of its reply's body.
    fn reply(self) -> (String, u64) {
        let hello = HELLO.len() as u64;
        let sized = |size: u64, kind: &str| format!("size={size}; header=Content-Type: {kind}");
        match self {
            Self::Json => (sized(KIB, "application/json"), KIB),
            Self::Download => (sized(MIB, "application/octet-stream"), MIB),
            Self::Slow => (format!("delay=50ms; body={HELLO}"), hello),
            Self::Cpu => (format!("burn=2ms; body={HELLO}"), hello),
            _ => (format!("body={HELLO}"), hello),
        }
    }
}

/// Twenty requests in an order that spreads the large ones.
fn mixed() -> impl Iterator<Item = Workload> {
    use Workload::{Cpu, Download, Hello, Json, Upload};
    let five = |fourth, fifth| [Hello, Hello, Hello, fourth, fifth];
    [
        five(Hello, Download),
        five(Json, Hello),
        five(Json, Upload),
        five(Json, Cpu),
    ]
    .into_iter()
    .flatten()
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Workload {
    type Err = UnknownWorkload;

    fn from_str(word: &str) -> Result<Self, UnknownWorkload> {
        let known = Self::ALL.into_iter().find(|one| one.word() == word);
        known.ok_or_else(|| UnknownWorkload(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(workload: Workload) -> Vec<String> {
        let place = Place::new("/app".to_owned(), "h:1".to_owned());
        let asks = workload.asks(&place, false).into_iter();
        asks.map(|ask| String::from_utf8(ask.request).unwrap())
            .collect()
    }

    #[test]
    fn hello_is_a_plain_get() {
        assert_eq!(
            text(Workload::Hello),
            ["GET /app HTTP/1.1\r\nHost: h:1\r\nX-Probe: body=Hello, world!\r\n\r\n"]
        );
    }

    #[test]
    fn headers_are_a_hundred_lines_in_all() {
        let request = &text(Workload::Headers)[0];
        assert_eq!(request.matches("\r\n").count(), 1 + 100 + 1);
    }

    #[test]
    fn an_upload_announces_its_length() {
        let request = &text(Workload::Upload)[0];
        assert!(request.contains("Content-Length: 1048576\r\n\r\nuuu"));
    }

    #[test]
    fn of_twenty_mixed_requests_fourteen_are_hello() {
        let all = text(Workload::Mixed);
        let plain = &text(Workload::Hello)[0];
        let hello = all.iter().filter(|one| *one == plain);
        assert_eq!((all.len(), hello.count()), (20, 14));
    }

    #[test]
    fn a_storm_closes_every_connection() {
        assert!(text(Workload::Storm)[0].contains("Connection: close\r\n"));
    }

    #[test]
    fn every_name_leads_back() {
        for workload in Workload::ALL {
            assert_eq!(workload.word().parse::<Workload>().unwrap(), workload);
        }
        let error = "wind".parse::<Workload>().unwrap_err().to_string();
        assert!(error.starts_with("no workload is called `wind`; there are hello, json"));
    }
}
