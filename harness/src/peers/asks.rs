//! What the clients of a heat ask for.

use crate::load::Ask;

/// Length of the file and of the upload in bytes.
pub(super) const MIB: usize = 1024 * 1024;

/// Name of the file below the document root.
pub(super) const FILE: &str = "one-mebibyte.bin";

/// What is asked, below where the application is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Thirteen bytes.
    Hello,
    /// Thirteen bytes after 50 ms.
    Sleep,
    /// Of fifty requests 49 hello and one that takes half a second.
    OneInFiftySlow,
    /// A body of 1 MiB, read by the application.
    Upload,
    /// A file of 1 MiB.
    File,
}

impl Asks {
    /// The requests, for a server whose application is mounted at `app`.
    pub(super) fn of(self, app: &str) -> Vec<Ask> {
        match self {
            Self::Hello => vec![get(&format!("{app}/"), 13)],
            Self::Sleep => vec![get(&format!("{app}/sleep/50"), 13)],
            Self::OneInFiftySlow => {
                let mut asks = vec![get(&format!("{app}/"), 13); 49];
                asks.push(get(&format!("{app}/sleep/500"), 13));
                asks
            }
            Self::Upload => vec![upload(&format!("{app}/upload"))],
            Self::File => vec![get(&format!("/{FILE}"), MIB as u64)],
        }
    }
}

/// Servers of the bench's own probes are told what to answer; WSGI applications do not look.
const HEAD: &str = "Host: localhost\r\nX-Probe: body=Hello, world!\r\n";

fn get(path: &str, len: u64) -> Ask {
    Ask {
        body_len: Some(len),
        ..Ask::new(format!("GET {path} HTTP/1.1\r\n{HEAD}\r\n").into_bytes())
    }
}

fn upload(path: &str) -> Ask {
    let head = format!("POST {path} HTTP/1.1\r\n{HEAD}Content-Length: {MIB}\r\n\r\n");
    Ask {
        body_len: Some(13),
        ..Ask::new([head.as_bytes(), &vec![b'u'; MIB]].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_of_fifty_is_slow() {
        let asks = Asks::OneInFiftySlow.of("/probe");
        let slow = |ask: &&Ask| ask.request.starts_with(b"GET /probe/sleep/500 ");
        assert_eq!((asks.len(), asks.iter().filter(slow).count()), (50, 1));
    }

    #[test]
    fn an_upload_has_the_length_that_it_tells() {
        let ask = &Asks::Upload.of("")[0];
        let end = ask.request.windows(4).position(|four| four == b"\r\n\r\n");
        assert_eq!(ask.request.len() - end.unwrap() - 4, MIB);
    }
}
