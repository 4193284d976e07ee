//! Descriptors that the bench inherited: they are no subject's, and none shall get them.
#![allow(
    unsafe_code,
    reason = "the standard library sets no flag of a descriptor"
)]

use std::fs;

/// The first descriptor that is no standard stream.
const FIRST: i32 = 3;

/// Keeps what the bench has open from the programs that it starts. A shell or a test runner may
/// have left descriptors open, and a gateway that passes on what it was given would be blamed.
pub fn keep_from_subjects() {
    let Ok(open) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    for number in numbers.filter(|number| *number >= FIRST) {
        // SAFETY: only the flag that matters at exec is set; the descriptor stays open and usable
        // for whoever owns it, and one that was closed meanwhile is an error without effect.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
