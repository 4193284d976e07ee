//! A scenario from a few lines.

use std::fs;

use gatebench::scenario::{Scenario, load_dir};

/// A scenario of this level that asks for `{app}/case` and expects what `lines` say.
pub(crate) fn scenario(level: &str, lines: &str) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cgi")).unwrap();
    let text = format!(
        "spec = 's'\n[[scenario]]\nname = 'n'\nlevel = '{level}'\nsays = 'It holds.'\n\
         requirements = ['CGI-DF-HTTPOXY']\nfaults = ['gateway/httpoxy']\n\
         request.target = '{{app}}/case'\n{lines}"
    );
    fs::write(folder.path().join("cgi/t.toml"), text).unwrap();
    let catalogue = load_dir(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    catalogue.scenarios.into_iter().next().unwrap()
}
