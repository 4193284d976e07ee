//! The name of the process, as `ps` and `top` show it.
//!
//! `ps` shows what lies in the memory that the kernel gave the arguments at the start; only root
//! may have it look elsewhere. So a name is written over the arguments, and over the environment,
//! which lies right behind them, if it is longer. What is there is copied away first. This holds
//! for any program whose process this is: it looks at the process and not at `main`'s arguments.

#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::ops::Range;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use nix::libc;

/// The memory of arguments and environment. The arguments come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    start: usize,
    /// Where the environment begins.
    environment: usize,
    end: usize,
}

/// Where the kernel put arguments and environment: fields 48 to 51 of `/proc/self/stat`, which
/// stay true whatever is written there.
static AREA: OnceLock<Option<Area>> = OnceLock::new();

/// Names the process. Too long a name is cut; where the memory cannot be found, only the short
/// name of the thread changes (15 bytes, as `top` shows it).
///
/// The caller must be the only thread of its process. Programs that want the arguments that the
/// process was started with must have taken them before.
pub(crate) fn set(name: &str) {
    show(name, name.as_bytes());
}

/// Names the process as the command line that the user gave; an interpreter whose process this is
/// has one of its own. The same holds as for [`set`].
pub(crate) fn set_command_line(words: &[String]) {
    let Some(program) = words.first().map(Path::new) else {
        return;
    };
    let short = program.file_name().unwrap_or(program.as_os_str());
    // A zero byte is what ends each word.
    show(&short.to_string_lossy(), words.join("\0").as_bytes());
}

fn show(short: &str, long: &[u8]) {
    let Ok(short) = CString::new(short) else {
        return;
    };
    // Cut to what the kernel keeps; it cannot fail otherwise.
    let _ = nix::sys::prctl::set_name(&short);
    let find = || area(&std::fs::read_to_string("/proc/self/stat").ok()?);
    if let Some(area) = AREA.get_or_init(find) {
        write(*area, long);
    }
}

/// The area that a line of `/proc/PID/stat` tells; `None` if it is not in one piece.
fn area(stat: &str) -> Option<Area> {
    // The name in brackets may hold anything; field 3 follows it.
    let fields = stat.rsplit_once(')')?.1;
    let mut numbers = fields.split_ascii_whitespace().skip(48 - 3);
    let mut next = || numbers.next()?.parse::<usize>().ok();
    let (start, arguments_end, environment, end) = (next()?, next()?, next()?, next()?);
    let in_order = start > 0 && start < arguments_end && environment <= end;
    (in_order && arguments_end == environment).then_some(Area {
        start,
        environment,
        end,
    })
}

fn write(area: Area, name: &[u8]) {
    let room = area.environment - area.start;
    let (room, name) = if name.len() < room {
        (room, name)
    } else {
        keep_environment(area.environment..area.end);
        let room = area.end - area.start;
        // One byte ends the name.
        (room, &name[..name.len().min(room - 1)])
    };
    let start = area.start as *mut u8;
    // SAFETY: the kernel mapped the area readable and writable at the start of the process, and
    // nothing takes it away. It is not Rust's: only C strings lie in it that others read as bytes.
    // `name` lies elsewhere, is shorter than `room`, and `room` does not pass the area's end.
    unsafe {
        ptr::copy_nonoverlapping(name.as_ptr(), start, name.len());
        ptr::write_bytes(start.add(name.len()), 0, room - name.len());
    }
}

unsafe extern "C" {
    static mut environ: *mut *mut c_char;
}

/// Moves the variables that lie within the area to the heap, where they stay.
fn keep_environment(area: Range<usize>) {
    // SAFETY: the caller is the only thread, so nobody changes the environment meanwhile. `environ`
    // is null or an array of C strings that a null ends; each entry may be replaced by another C
    // string that lives for ever, which is what `strdup` gives unless memory is out.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            if area.contains(&(*entry as usize)) {
                let copy = libc::strdup(*entry);
                if !copy.is_null() {
                    *entry = copy;
                }
            }
            entry = entry.add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn stat(numbers: &str) -> String {
        let skipped = "0 ".repeat(48 - 3);
        format!("7 (a) b) {skipped}{numbers} 0")
    }

    #[test]
    fn the_area_is_told_by_fields_48_to_51() {
        let expected = Area {
            start: 100,
            environment: 110,
            end: 150,
        };
        assert_eq!(area(&stat("100 110 110 150")), Some(expected));
    }

    #[test]
    fn an_area_in_pieces_is_not_used() {
        assert_eq!(area(&stat("100 110 120 150")), None);
        assert_eq!(area(&stat("0 0 0 0")), None);
        assert_eq!(area("7 (a)"), None);
    }

    #[test]
    fn a_name_is_written_and_the_rest_cleared() {
        let mut memory = *b"gateserve\0--probe\0PATH=/bin\0";
        let start = memory.as_mut_ptr() as usize;
        let area = Area {
            start,
            environment: start + 18,
            end: start + memory.len(),
        };
        write(area, b"short");
        assert_eq!(&memory, b"short\0\0\0\0\0\0\0\0\0\0\0\0\0PATH=/bin\0");
        write(area, b"longer than the arguments");
        assert_eq!(&memory, b"longer than the arguments\0\0\0");
        write(area, &[b'x'; 99]);
        let name = CStr::from_bytes_until_nul(&memory).unwrap();
        assert_eq!(name.to_bytes().len(), memory.len() - 1);
    }
}
