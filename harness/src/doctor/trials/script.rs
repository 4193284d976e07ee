//! Where the script is, if the server does not find it.

use super::{
    super::{Report, files, finding},
    Patient, words,
};
use crate::tap::Exchange;

impl Patient<'_> {
    /// Where the script is, if not where SCRIPT_FILENAME says.
    pub(super) fn script(&self, plain: &Exchange, report: &mut Report) {
        let unknown = plain.stderr.contains("Primary script unknown")
            || plain.stderr.contains("Unable to open primary script")
            || plain
                .reply
                .raw
                .windows(23)
                .any(|it| it == b"No input file specified");
        if !unknown {
            return;
        }
        let Some(file) = plain.param("SCRIPT_FILENAME") else {
            return report.problem(finding(
                "script-filename-missing",
                "DF-VAR-SCRIPT-FILENAME",
                "The server runs nothing without SCRIPT_FILENAME, and none was sent.",
                "Ask again with --root DIR --path /index.php; in nginx: fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;",
            ));
        };
        let why = files::closed_door(std::path::Path::new(file));
        let parts: Vec<&str> = file.split('/').filter(|part| !part.is_empty()).collect();
        for skip in 1..parts.len().min(8) {
            let shorter = format!("/{}", parts[skip..].join("/"));
            let ask = self.wishes.ask.with("SCRIPT_FILENAME", &shorter);
            let Ok(came) = self.send(&ask, None, self.wishes.timeout) else {
                return;
            };
            let found = came.exchange().status.is_some_and(|it| it < 400);
            report.trial(format!("SCRIPT_FILENAME {shorter}"), words(&came), found);
            if found {
                let cut = parts[..skip].join("/");
                report.problem(finding(
                    "script-elsewhere",
                    "DF-VAR-SCRIPT-FILENAME",
                    format!("The script is found at `{shorter}`: the server sees no `/{cut}` (a chroot, or a container with another mount)."),
                    format!("nginx: fastcgi_param SCRIPT_FILENAME with the path as the server sees it, without `/{cut}` in front; or mount the folder at the same place."),
                ));
                return;
            }
        }
        if let Some(why) = why {
            report.problem(finding(
                "script-unreadable",
                "DF-VAR-SCRIPT-FILENAME",
                format!("On this machine: {why}"),
                "Correct nginx's root (or alias), or chmod o+rx every folder on the way and o+r the script.",
            ));
        }
    }
}
