//! What the master can be asked to do, and by which signal or byte of the fifo.

use nix::sys::signal::Signal;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Let the workers finish what they have, then end; asked again, end at once.
    Stop,
    /// End at once.
    StopNow,
    /// Let the workers finish what they have, then start anew.
    Reload,
    /// Start anew at once.
    BrutalReload,
    /// Let the workers finish what they have and replace them; the master goes on.
    ReloadWorkers,
    /// Replace the workers at once.
    BrutalReloadWorkers,
    /// Replace the workers one after the other.
    ChainReload,
    /// End all workers until a connection waits.
    GoCheap,
    /// One worker more.
    More,
    /// One worker less.
    Fewer,
    /// Open the log file anew.
    ReopenLog,
    /// Put the log file aside and begin a new one.
    RotateLog,
    /// Rest, or go on after a rest.
    Pause,
    /// Tell the configuration and how many requests were served.
    Statistics,
    /// Tell which requests run.
    Doing,
    /// Write the pidfiles again.
    Pidfiles,
    /// Listen to another one of the fifos, counted from 0.
    Slot(usize),
}

impl Command {
    /// What a signal asks for. `term_reloads` gives TERM the meaning that it has in uWSGI 2.0.
    pub(super) fn of_signal(signal: Signal, term_reloads: bool) -> Option<Self> {
        Some(match signal {
            Signal::SIGTERM if term_reloads => Self::BrutalReload,
            Signal::SIGTERM => Self::Stop,
            Signal::SIGINT | Signal::SIGQUIT => Self::StopNow,
            Signal::SIGHUP => Self::Reload,
            Signal::SIGUSR1 => Self::Statistics,
            Signal::SIGUSR2 => Self::Doing,
            Signal::SIGTTIN => Self::More,
            Signal::SIGTTOU => Self::Fewer,
            Signal::SIGTSTP => Self::Pause,
            _ => return None,
        })
    }

    /// What a byte that was written to the fifo asks for.
    pub(super) fn of_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'q' => Self::Stop,
            b'Q' => Self::StopNow,
            b'r' => Self::Reload,
            b'R' => Self::BrutalReload,
            b'w' => Self::ReloadWorkers,
            b'W' => Self::BrutalReloadWorkers,
            // Forking the master anew keeps no state that a reload loses.
            b'f' => Self::Reload,
            b'c' => Self::ChainReload,
            b'C' => Self::GoCheap,
            b'+' => Self::More,
            b'-' => Self::Fewer,
            b'l' => Self::ReopenLog,
            b'L' => Self::RotateLog,
            b'p' => Self::Pause,
            b'P' => Self::Pidfiles,
            b's' => Self::Statistics,
            b'0'..=b'9' => Self::Slot((byte - b'0').into()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn term_stops_unless_it_is_to_reload() {
        let of = |term_reloads| Command::of_signal(Signal::SIGTERM, term_reloads);
        assert_eq!(of(false), Some(Command::Stop));
        assert_eq!(of(true), Some(Command::BrutalReload));
        assert_eq!(Command::of_signal(Signal::SIGCHLD, false), None);
    }

    #[test]
    fn a_byte_without_a_meaning_asks_for_nothing() {
        assert_eq!(Command::of_byte(b'\n'), None);
        assert_eq!(Command::of_byte(b'7'), Some(Command::Slot(7)));
        assert_eq!(Command::of_byte(b'q'), Some(Command::Stop));
    }
}
