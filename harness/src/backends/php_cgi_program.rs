//! php-cgi as a CGI program: gateserve executes it for each request, as it does with every helper.

use super::{Seat, gateserve, php};
use crate::launch::{FileSpec, Launch};

/// Folder of the script, within the run folder.
const FOLDER: &str = "php-cgi";

/// gateserve with php-cgi as what runs files in `.php`.
pub(super) fn launch(seat: &Seat<'_>) -> Launch {
    let folder = seat.run.join(FOLDER).display().to_string();
    // Gateways that execute CGI themselves forward by FastCGI, and so from another path.
    let mounts = [
        format!("/cgi-bin={folder}"),
        format!("/cgi-bin/probe={folder}/probe.php"),
        format!("/probe={folder}/probe.php"),
    ];
    let mounts = mounts.into_iter().flat_map(|at| ["--cgi".to_owned(), at]);
    let more = [
        ("--cgi-helper", format!(".php={}", seat.program)),
        // Without it php-cgi takes itself for called by a client directly, and refuses.
        ("--cgi-env", "REDIRECT_STATUS=200".to_owned()),
        ("--cgi-env", format!("PHPRC={folder}")),
    ];
    let more = more.map(|(option, value)| [option.to_owned(), value]);
    let application = mounts.chain(more.into_iter().flatten()).collect();
    gateserve::start(seat, application, files())
}

/// The script, PHP's settings, and what cannot be started.
fn files() -> Vec<FileSpec> {
    let settings = php::SETTINGS.map(|(name, value)| format!("{name} = {value}\n"));
    let file = |name: &str, text: &str, mode| FileSpec {
        mode,
        ..FileSpec::text(format!("{FOLDER}/{name}"), text)
    };
    vec![
        file("probe.php", php::PROBE, 0o755),
        file("php.ini", &settings.concat(), 0o644),
        file("not-executable", "#!/bin/sh\necho gatebench\n", 0o644),
        file(
            "bad-interpreter",
            "#!/nonexistent/gatebench-interpreter\n",
            0o755,
        ),
    ]
}
