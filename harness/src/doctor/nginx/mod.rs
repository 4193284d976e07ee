//! An nginx.conf: what its locations pass on, the usual mistakes, and how each upstream answers.
//!
//! The syntax is small (words, `;`, `{}`), so it is read here and not by a crate: what matters is
//! which file and line a directive stands in, and what a location inherits.

mod checks;
mod location;
mod syntax;
mod upstreams;
mod values;

use std::path::Path;

pub use location::{Location, Pass};
pub use syntax::{Block, Directive, Unread};

use super::{Report, Wishes};

/// Reads a configuration and examines each location that passes requests on.
///
/// # Errors
/// The file, or one that it includes, cannot be read or understood.
pub fn examine(file: &Path, wishes: &Wishes, paths: &[String]) -> Result<Report, Unread> {
    let block = syntax::read(file)?;
    let mut report = Report::new(file.display().to_string());
    let locations = location::all(&block);
    if locations.is_empty() {
        report.note(super::finding(
            "nothing-passed-on",
            "",
            "No location has fastcgi_pass, uwsgi_pass, scgi_pass or proxy_pass.",
            "Name the file that nginx is started with (nginx -t tells it), so that its includes are read as well.",
        ));
    }
    for location in &locations {
        let mut part = upstreams::ask(location, wishes, paths);
        checks::all(location, &mut part);
        part.findings
            .sort_by_key(|one| std::cmp::Reverse(one.weight));
        report.parts.push(part);
    }
    Ok(report)
}
