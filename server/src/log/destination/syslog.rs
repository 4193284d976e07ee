//! Messages for syslog (RFC 3164): the machine's own, or one elsewhere.

use std::io;

use super::datagram::Sender;
use crate::clock;

/// Where the machine's syslog listens.
const LOCAL: &str = "/dev/log";

/// The severity "informational" (RFC 3164 section 4.1.1).
const INFORMATIONAL: u8 = 6;

/// The port of syslog.
const PORT: u16 = 514;

/// A syslog and how it is spoken to.
#[derive(Debug)]
pub(in super::super) struct Syslog {
    sender: Sender,
    /// Facility and severity.
    priority: u8,
    tag: String,
    packets: Packets,
}

/// How large a packet may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packets {
    /// Bytes; RFC 3164 section 4.1 allows 1024.
    pub(super) size: usize,
    /// Whether the rest of a larger message goes into further ones; else it is cut off.
    pub(super) split: bool,
}

impl Syslog {
    /// The machine's own.
    pub(super) fn local(tag: &str, facility: u8) -> io::Result<Self> {
        Ok(Self {
            sender: Sender::new(LOCAL, None)?,
            priority: facility * 8 + INFORMATIONAL,
            tag: tag.to_owned(),
            packets: Packets {
                size: 8192,
                split: false,
            },
        })
    }

    /// One at `HOST[:PORT]`, or at a Unix socket.
    pub(super) fn remote(
        address: &str,
        tag: Option<&str>,
        priority: u8,
        packets: Packets,
    ) -> io::Result<Self> {
        let host = || nix::unistd::gethostname().unwrap_or_default();
        let named = || format!("{} uwsgi", host().to_string_lossy());
        Ok(Self {
            sender: Sender::new(address, Some(PORT))?,
            priority,
            tag: tag.map_or_else(named, str::to_owned),
            packets,
        })
    }

    /// Sends a message, as said at a time in seconds since 1970.
    pub(super) fn send(&self, message: &[u8], now: i64) -> io::Result<()> {
        for packet in self.split(message, now) {
            self.sender.send(&packet)?;
        }
        Ok(())
    }

    /// The packets that a message takes.
    fn split(&self, message: &[u8], now: i64) -> Vec<Vec<u8>> {
        let message = message.strip_suffix(b"\n").unwrap_or(message);
        let date = clock::ctime_of(now);
        // Without the day of the week and the year.
        let date = date.get(4..19).unwrap_or(&date);
        let head = format!("<{}>{date} {}: ", self.priority, self.tag);
        let room = self.packets.size.saturating_sub(head.len()).max(1);
        let limit = if self.packets.split { usize::MAX } else { 1 };
        let pieces = message.chunks(room).take(limit);
        pieces
            .map(|piece| [head.as_bytes(), piece].concat())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(message: &str, packets: Packets) -> Vec<String> {
        let syslog = Syslog::remote("/nowhere", Some("shop"), 29, packets).unwrap();
        let text = |packet| String::from_utf8(packet).unwrap();
        let split = syslog.split(message.as_bytes(), 784_111_777);
        split.into_iter().map(text).collect()
    }

    #[test]
    fn a_packet_tells_who_spoke_and_when() {
        let whole = Packets {
            size: 1024,
            split: false,
        };
        let [packet] = &packets("hello\n", whole)[..] else {
            panic!("one packet");
        };
        let (date, rest) = packet.split_at("<29>Nov  6 08:49:37".len());
        assert!(date.starts_with("<29>Nov  "), "{date}");
        assert_eq!(rest, " shop: hello");
    }

    #[test]
    fn a_long_message_is_cut_off_or_split() {
        let head = "<29>Nov  6 08:49:37 shop: ".len();
        let room = |split| Packets {
            size: head + 4,
            split,
        };
        let ends = |split| {
            let packets = packets("0123456789", room(split));
            packets
                .into_iter()
                .map(|packet| packet[head..].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(ends(false), ["0123"]);
        assert_eq!(ends(true), ["0123", "4567", "89"]);
    }
}
