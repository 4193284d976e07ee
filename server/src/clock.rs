//! Dates as HTTP and the log write them.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use nix::libc;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A text that holds for one second.
#[derive(Default)]
struct PerSecond {
    second: i64,
    text: Bytes,
}

impl PerSecond {
    fn at(&mut self, second: i64, write: impl FnOnce(i64) -> String) -> Bytes {
        if self.second != second || self.text.is_empty() {
            *self = Self {
                second,
                text: write(second).into(),
            };
        }
        self.text.clone()
    }
}

thread_local! {
    static HTTP: RefCell<PerSecond> = RefCell::default();
    static LOCAL: RefCell<PerSecond> = RefCell::default();
}

/// A time of the day and the year, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalTime {
    /// Of the hour, from 0.
    pub(crate) minute: i32,
    /// Of the day, from 0.
    pub(crate) hour: i32,
    /// Of the month, from 1.
    pub(crate) day: i32,
    /// Of the year, from 1.
    pub(crate) month: i32,
    /// Of the week, from 0: Sunday.
    pub(crate) weekday: i32,
}

/// Now in local time.
pub(crate) fn local_time() -> LocalTime {
    let t = local(now());
    LocalTime {
        minute: t.tm_min,
        hour: t.tm_hour,
        day: t.tm_mday,
        month: t.tm_mon + 1,
        weekday: t.tm_wday,
    }
}

/// Now, as in `Date` (RFC 9110 section 5.6.7).
pub(crate) fn http_date() -> Bytes {
    HTTP.with_borrow_mut(|cached| cached.at(now(), http_date_at))
}

/// Now in local time, as `ctime` writes it.
pub(crate) fn local_date() -> Bytes {
    LOCAL.with_borrow_mut(|cached| cached.at(now(), local_date_at))
}

/// A time in seconds since 1970 as `ctime` writes it, in local time.
pub(crate) fn ctime_of(second: i64) -> String {
    local_date_at(second)
}

/// A time in seconds since 1970 as `strftime` writes it, in local time. Empty if the format makes
/// no text, or more than 255 bytes of it.
pub(crate) fn strftime(format: &CStr, second: i64) -> Vec<u8> {
    let t = local(second);
    let mut text = [0_u8; 256];
    // SAFETY: `format` ends with a NUL, `t` is initialized (its zone name points into the C
    // library's memory or is null, and both are allowed), and at most `text.len()` bytes are written.
    let length =
        unsafe { libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &t) };
    text[..length].to_vec()
}

/// Now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

/// Unix time in seconds.
pub(crate) fn unix() -> u64 {
    u64::try_from(now()).unwrap_or_default()
}

/// Microseconds of the clock that never goes back; the same in all processes.
pub(crate) fn monotonic_us() -> u64 {
    // It fails for an unknown clock only.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap_or(TimeSpec::new(0, 0));
    let (seconds, nanoseconds) = (now.tv_sec().unsigned_abs(), now.tv_nsec().unsigned_abs());
    seconds * 1_000_000 + nanoseconds / 1000
}

fn http_date_at(second: i64) -> String {
    let t = utc(second);
    format!(
        "{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
        day(&t),
        t.tm_mday,
        month(&t),
        t.tm_year + 1900,
        t.tm_hour,
        t.tm_min,
        t.tm_sec
    )
}

pub(crate) fn local_date_at(second: i64) -> String {
    ctime(&local(second))
}

fn ctime(t: &libc::tm) -> String {
    format!(
        "{} {} {:>2} {:02}:{:02}:{:02} {}",
        day(t),
        month(t),
        t.tm_mday,
        t.tm_hour,
        t.tm_min,
        t.tm_sec,
        t.tm_year + 1900
    )
}

fn day(t: &libc::tm) -> &'static str {
    DAYS[usize::try_from(t.tm_wday).unwrap_or_default() % 7]
}

fn month(t: &libc::tm) -> &'static str {
    MONTHS[usize::try_from(t.tm_mon).unwrap_or_default() % 12]
}

fn utc(second: i64) -> libc::tm {
    let mut t = MaybeUninit::zeroed();
    // SAFETY: both pointers are valid for the call; a zeroed `tm` is a valid one, so `t` is
    // initialized even if the conversion fails.
    unsafe {
        libc::gmtime_r(&second, t.as_mut_ptr());
        t.assume_init()
    }
}

fn local(second: i64) -> libc::tm {
    let mut t = MaybeUninit::zeroed();
    // SAFETY: as in `utc`.
    unsafe {
        libc::localtime_r(&second, t.as_mut_ptr());
        t.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_imf_fixdates() {
        assert_eq!(http_date_at(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn log_dates_are_ctimes() {
        assert_eq!(ctime(&utc(784_111_777)), "Sun Nov  6 08:49:37 1994");
    }

    #[test]
    fn strftime_knows_its_signs_and_keeps_what_is_none() {
        assert_eq!(strftime(c"%%Y:%Y", 784_111_777), b"%Y:1994");
        assert_eq!(strftime(c"", 0), b"");
        let long = std::ffi::CString::new("x".repeat(256)).unwrap();
        assert_eq!(strftime(&long, 0), b"");
    }

    #[test]
    fn a_text_is_kept_for_its_second_only() {
        let mut cached = PerSecond::default();
        assert_eq!(cached.at(1, |s| format!("at {s}")), "at 1");
        assert_eq!(cached.at(1, |_| "again".into()), "at 1");
        assert_eq!(cached.at(2, |s| format!("at {s}")), "at 2");
    }
}
