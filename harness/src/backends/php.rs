//! What the servers of PHP have in common: the probe in PHP, and how PHP is set.

use super::Seat;
use crate::launch::FileSpec;

/// The probe in PHP, as the run folder gets it.
pub(super) const PROBE: &str = include_str!("../../../scenarios/apps/probe.php");

/// What the application is, in a report of its speed.
pub(super) const APP: &str = "probe.php";

/// Settings of PHP beside its own: bodies reach the probe as they were sent, also those of forms,
/// and PHP adds no field of its own.
pub(super) const SETTINGS: [(&str, &str); 2] =
    [("enable_post_data_reading", "0"), ("expose_php", "0")];

/// The script within the run folder: where a gateway's document root has the application.
fn script(seat: &Seat<'_>) -> String {
    match seat.app {
        "" => "htdocs/probe.php".to_owned(),
        app => format!("htdocs{app}"),
    }
}

/// The files that a server of PHP needs.
pub(super) fn files(seat: &Seat<'_>) -> Vec<FileSpec> {
    vec![FileSpec::text(script(seat), PROBE)]
}

/// Where the server finds the script.
pub(super) fn params(seat: &Seat<'_>) -> Vec<(String, String)> {
    let file = seat.run.join(script(seat)).display().to_string();
    vec![("SCRIPT_FILENAME".to_owned(), file)]
}

/// The version in `PHP 8.2.36 (fpm-fcgi) (built: …`.
pub(super) fn version(about: &str) -> Option<String> {
    let (_, rest) = about.split_once("PHP ")?;
    let version = rest.split_whitespace().next()?;
    version
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| version.to_owned())
}
