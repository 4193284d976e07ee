//! Who owns a container or a run folder: the gatebench that made it, told apart from every other
//! process on this machine, so that what a dead one left behind can be swept.

use std::{fmt, fs, process, str::FromStr};

use super::procfs;

/// One run of gatebench.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Boot of the machine: `/proc/sys/kernel/random/boot_id`.
    boot: String,
    /// Process id namespace, since ids mean nothing outside their own.
    namespace: String,
    pid: i32,
    /// Start time in clock ticks since boot, since process ids come round again.
    started: u64,
}

/// What became of an owner, as seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    Dead,
    /// It lives in another process id namespace, where nobody here can look.
    Unknown,
}

impl Owner {
    /// This process.
    pub(crate) fn current() -> Self {
        let pid = process::id().cast_signed();
        Self {
            boot: boot_id(),
            namespace: namespace(),
            pid,
            started: procfs::stat(pid).map_or(0, |stat| stat.started),
        }
    }

    /// What became of it.
    pub(crate) fn fate(&self) -> Fate {
        self.judge(&boot_id(), &namespace(), |pid| {
            procfs::stat(pid).map(|stat| stat.started)
        })
    }

    fn judge(&self, boot: &str, namespace: &str, started: impl Fn(i32) -> Option<u64>) -> Fate {
        if self.boot != boot {
            return Fate::Dead;
        }
        if self.namespace != namespace {
            return Fate::Unknown;
        }
        match started(self.pid) {
            Some(started) if started == self.started => Fate::Lives,
            _ => Fate::Dead,
        }
    }
}

fn boot_id() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

/// The number in `pid:[4026531836]`.
fn namespace() -> String {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let text = link.to_string_lossy();
    text.chars().filter(char::is_ascii_digit).collect()
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            boot,
            namespace,
            pid,
            started,
        } = self;
        write!(f, "{boot}/{namespace}/{pid}/{started}")
    }
}

/// A label that this version did not write.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` names no owner")]
pub(crate) struct NoOwner(String);

impl FromStr for Owner {
    type Err = NoOwner;

    fn from_str(text: &str) -> Result<Self, NoOwner> {
        let no_owner = || NoOwner(text.to_owned());
        let mut parts = text.trim().split('/');
        let mut next = || parts.next().ok_or_else(no_owner);
        Ok(Self {
            boot: next()?.to_owned(),
            namespace: next()?.to_owned(),
            pid: next()?.parse().map_err(|_| no_owner())?,
            started: next()?.parse().map_err(|_| no_owner())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        "boot/4026531836/77/1234".parse().unwrap()
    }

    #[test]
    fn an_owner_is_read_back_from_its_label() {
        assert_eq!(owner().to_string(), "boot/4026531836/77/1234");
        let current = Owner::current();
        assert_eq!(current.to_string().parse(), Ok(current));
    }

    #[test]
    fn a_foreign_label_is_refused() {
        assert!("boot/4026531836/77".parse::<Owner>().is_err());
        assert!("".parse::<Owner>().is_err());
    }

    #[test]
    fn this_process_lives() {
        assert_eq!(Owner::current().fate(), Fate::Lives);
    }

    #[test]
    fn an_owner_whose_process_is_gone_is_dead() {
        assert_eq!(owner().judge("boot", "4026531836", |_| None), Fate::Dead);
    }

    #[test]
    fn a_reused_process_id_is_not_the_owner() {
        let started = |_| Some(99_999);
        assert_eq!(owner().judge("boot", "4026531836", started), Fate::Dead);
    }

    #[test]
    fn an_owner_from_before_the_last_boot_is_dead() {
        let started = |_| Some(1234);
        assert_eq!(owner().judge("later", "4026531836", started), Fate::Dead);
    }

    #[test]
    fn an_owner_in_another_namespace_cannot_be_judged() {
        assert_eq!(owner().judge("boot", "1", |_| None), Fate::Unknown);
    }
}
