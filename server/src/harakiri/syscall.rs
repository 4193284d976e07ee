//! A system call of another thread, from the line that the kernel shows of it, with its arguments
//! by name.

use syscalls::Sysno;

/// What a thread is doing, as `/proc/PID/task/TID/syscall` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Syscall {
    number: usize,
    arguments: Vec<u64>,
}

/// The calls in which a thread may wait for long, with the names of their parameters.
const KNOWN: &[(&str, &str)] = &[
    ("read", "fd buf count"),
    ("write", "fd buf count"),
    ("readv", "fd iov iovcnt"),
    ("writev", "fd iov iovcnt"),
    ("pread64", "fd buf count offset"),
    ("pwrite64", "fd buf count offset"),
    ("recvfrom", "fd buf len flags addr addrlen"),
    ("sendto", "fd buf len flags addr addrlen"),
    ("recvmsg", "fd msg flags"),
    ("sendmsg", "fd msg flags"),
    ("sendfile", "fd in_fd offset count"),
    ("connect", "fd addr addrlen"),
    ("accept", "fd addr addrlen"),
    ("accept4", "fd addr addrlen flags"),
    ("poll", "fds nfds timeout_ms"),
    ("ppoll", "fds nfds timeout sigmask size"),
    ("select", "nfds readfds writefds exceptfds timeout"),
    (
        "pselect6",
        "nfds readfds writefds exceptfds timeout sigmask",
    ),
    ("epoll_wait", "fd events maxevents timeout_ms"),
    ("epoll_pwait", "fd events maxevents timeout_ms sigmask size"),
    ("futex", "uaddr op val timeout uaddr2 val3"),
    ("nanosleep", "request remain"),
    ("clock_nanosleep", "clockid flags request remain"),
    ("wait4", "pid status options usage"),
    ("waitid", "which pid info options usage"),
    ("flock", "fd operation"),
    ("fcntl", "fd cmd arg"),
    ("ioctl", "fd request arg"),
    ("fsync", "fd"),
    ("fdatasync", "fd"),
    ("openat", "dirfd path flags mode"),
    ("open", "path flags mode"),
];

/// The parameters that are descriptors.
const DESCRIPTORS: [&str; 2] = ["fd", "in_fd"];

/// The parameters that are numbers; the rest are bits and addresses.
const NUMBERS: [&str; 14] = [
    "count",
    "iovcnt",
    "len",
    "nfds",
    "maxevents",
    "timeout_ms",
    "val",
    "clockid",
    "pid",
    "which",
    "cmd",
    "dirfd",
    "size",
    "offset",
];

impl Syscall {
    /// Reads the kernel's line; `None` where the thread runs, or waits outside of any call.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let number = words.next()?.parse().ok()?;
        let hexadecimal = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
        let arguments: Vec<u64> = words.map_while(hexadecimal).take(6).collect();
        Some(Self { number, arguments })
    }

    /// The call in the way `strace` writes it; `target` tells where a descriptor leads.
    pub(super) fn decoded(&self, target: impl Fn(u64) -> Option<String>) -> String {
        let name = match Sysno::new(self.number) {
            Some(known) => known.name().to_owned(),
            None => format!("syscall_{}", self.number),
        };
        let signature = KNOWN.iter().find(|(known, _)| *known == name);
        let arguments: Vec<String> = match signature {
            Some((_, parameters)) => {
                let pairs = parameters.split(' ').zip(&self.arguments);
                pairs
                    .map(|(name, &value)| named(name, value, &target))
                    .collect()
            }
            None => self.arguments.iter().map(|it| format!("{it:#x}")).collect(),
        };
        format!("{name}({})", arguments.join(", "))
    }
}

fn named(name: &str, value: u64, target: &impl Fn(u64) -> Option<String>) -> String {
    if DESCRIPTORS.contains(&name) {
        let target = target(value).map_or_else(String::new, |target| format!("<{target}>"));
        format!("{name}={value}{target}")
    } else if NUMBERS.contains(&name) {
        format!("{name}={}", signed(value))
    } else {
        format!("{name}={value:#x}")
    }
}

/// The kernel shows a negative `int` as its 32 or its 64 bits.
fn signed(value: u64) -> i64 {
    match u32::try_from(value) {
        Ok(low) if low > i32::MAX as u32 => i64::from(low.cast_signed()),
        _ => value.cast_signed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(line: &str) -> String {
        Syscall::parse(line)
            .unwrap()
            .decoded(|fd| (fd == 5).then(|| "socket to 10.0.0.7:5432".into()))
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_sleep_is_told_with_its_arguments() {
        let line = "230 0x1 0x1 0x7ffcaaf32970 0x0 0x0 0x0 0x7ffcaaf32958 0x7f36372ed503";
        assert_eq!(
            decoded(line),
            "clock_nanosleep(clockid=1, flags=0x1, request=0x7ffcaaf32970, remain=0x0)"
        );
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_descriptor_is_told_with_what_it_leads_to() {
        assert_eq!(
            decoded("0 0x5 0x7f0000001000 0x1000 0x0 0x0 0x0 0x7ffc 0x7f36"),
            "read(fd=5<socket to 10.0.0.7:5432>, buf=0x7f0000001000, count=4096)"
        );
        assert_eq!(
            decoded("7 0x7f10 0x1 0xffffffff 0x0 0x0 0x0 0x7ffc 0x7f36"),
            "poll(fds=0x7f10, nfds=1, timeout_ms=-1)"
        );
    }

    #[test]
    fn an_unknown_call_is_told_by_its_number() {
        assert_eq!(decoded("99999 0x1 0x2"), "syscall_99999(0x1, 0x2)");
    }

    #[test]
    fn a_thread_that_runs_is_in_no_call() {
        assert_eq!(Syscall::parse("running"), None);
        assert_eq!(Syscall::parse("-1 0x7ffc 0x7f36"), None);
        assert_eq!(Syscall::parse(""), None);
    }
}
