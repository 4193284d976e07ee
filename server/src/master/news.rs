//! What workers tell their master, through a pipe that all of them write to.

use std::io::{self, Read, Write};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::Pid;

/// A worker's word on itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// The worker's process: its place may have gone to another one by the time this is read.
    pub(crate) from: Pid,
    pub(crate) event: Event,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It accepts connections.
    Ready,
    /// It accepts no more of them and finishes what it has.
    Leaving,
}

/// A pipe for news; reading from it does not wait.
pub(super) fn pipe() -> io::Result<(io::PipeReader, io::PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((reader, writer))
}

impl News {
    /// Tells it; in one write of a few bytes, which no other can cut in two.
    pub(crate) fn send(self, mut pipe: &io::PipeWriter) -> io::Result<()> {
        let [a, b, c, d] = self.from.as_raw().to_ne_bytes();
        pipe.write_all(&[a, b, c, d, u8::from(self.event == Event::Leaving)])
    }

    /// The next news, if there is any.
    pub(super) fn receive(pipe: &mut io::PipeReader) -> Option<Self> {
        let mut bytes = [0; 5];
        pipe.read_exact(&mut bytes).ok()?;
        let [pid @ .., leaving] = bytes;
        Some(Self {
            from: Pid::from_raw(i32::from_ne_bytes(pid)),
            event: if leaving == 0 {
                Event::Ready
            } else {
                Event::Leaving
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_arrive_in_order_and_reading_never_waits() {
        let (mut reader, writer) = pipe().unwrap();
        let sent = [(7, Event::Ready), (70_000, Event::Leaving)];
        let news = sent.map(|(pid, event)| News {
            from: Pid::from_raw(pid),
            event,
        });
        assert!(news.iter().all(|news| news.send(&writer).is_ok()));
        assert_eq!(News::receive(&mut reader), Some(news[0]));
        assert_eq!(News::receive(&mut reader), Some(news[1]));
        assert_eq!(News::receive(&mut reader), None);
    }
}
