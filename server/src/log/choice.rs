//! Which requests get a line.

use std::time::Duration;

use crate::exchange::{Notes, Sent, Via};
use crate::options::Unusual;

/// Whether a request is told of although `disable-logging` is given: it is unusual in one of the
/// ways that were asked for.
pub(super) fn is_unusual(asked: &Unusual, sent: Sent, notes: &Notes, took: Duration) -> bool {
    let slow = asked
        .slow
        .is_some_and(|msecs| took.as_millis() >= u128::from(msecs));
    let big = asked.big.is_some_and(|bytes| sent.body_bytes >= bytes);
    slow || big
        || asked.empty && sent.body_bytes == 0
        || asked.client_errors && (400..500).contains(&sent.status)
        || asked.server_errors && (500..600).contains(&sent.status)
        || asked.sendfile && notes.via == Via::Sendfile
        || asked.io_errors && notes.read_errors + notes.write_errors > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_unusual() {
        let ask = |change: fn(&mut Unusual)| {
            let mut asked = Unusual::default();
            change(&mut asked);
            asked
        };
        let sent = |status, body_bytes| Sent {
            status,
            body_bytes,
            ..Sent::default()
        };
        let plain = Notes::default();
        let noted = |change: fn(&mut Notes)| {
            let mut notes = Notes::default();
            change(&mut notes);
            notes
        };
        let ms = Duration::from_millis;
        let (kernel, broken) = (
            noted(|notes| notes.via = Via::Sendfile),
            noted(|notes| notes.write_errors = 1),
        );
        for (asked, yes, no) in [
            (
                ask(|it| it.client_errors = true),
                (sent(404, 1), &plain, ms(0)),
                (sent(500, 1), &plain, ms(0)),
            ),
            (
                ask(|it| it.server_errors = true),
                (sent(500, 1), &plain, ms(0)),
                (sent(499, 1), &plain, ms(0)),
            ),
            (
                ask(|it| it.empty = true),
                (sent(200, 0), &plain, ms(0)),
                (sent(200, 1), &plain, ms(0)),
            ),
            (
                ask(|it| it.slow = Some(100)),
                (sent(200, 1), &plain, ms(100)),
                (sent(200, 1), &plain, ms(99)),
            ),
            (
                ask(|it| it.big = Some(10)),
                (sent(200, 10), &plain, ms(0)),
                (sent(200, 9), &plain, ms(0)),
            ),
            (
                ask(|it| it.sendfile = true),
                (sent(200, 1), &kernel, ms(0)),
                (sent(200, 1), &plain, ms(0)),
            ),
            (
                ask(|it| it.io_errors = true),
                (sent(200, 1), &broken, ms(0)),
                (sent(200, 1), &plain, ms(0)),
            ),
        ] {
            assert!(is_unusual(&asked, yes.0, yes.1, yes.2), "{asked:?}");
            assert!(!is_unusual(&asked, no.0, no.1, no.2), "{asked:?}");
            assert!(!is_unusual(&Unusual::default(), yes.0, yes.1, yes.2));
        }
    }
}
