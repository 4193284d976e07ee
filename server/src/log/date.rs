//! What `log-date` puts before a message.

use std::ffi::CString;

use crate::clock;
use crate::options::DateStyle;

/// `log-date`, ready for use.
#[derive(Debug)]
pub(super) enum Date {
    Ctime,
    Strftime(CString),
}

impl Date {
    pub(super) fn new(style: &DateStyle) -> Self {
        match style {
            DateStyle::Ctime => Self::Ctime,
            // Neither a file nor an argument can hold a NUL.
            DateStyle::Strftime(format) => {
                Self::Strftime(CString::new(format.as_str()).unwrap_or_default())
            }
        }
    }

    /// Appends the date, and what divides it from the message.
    pub(super) fn put(&self, line: &mut String) {
        match self {
            Self::Ctime => line.push_str(&String::from_utf8_lossy(&clock::local_date())),
            Self::Strftime(format) => {
                let date = clock::strftime(format, clock::now());
                line.push_str(&String::from_utf8_lossy(&date));
            }
        }
        line.push_str(" - ");
    }
}
