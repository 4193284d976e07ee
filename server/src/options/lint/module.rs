//! Whether a Python module is likely to be found, without asking Python.

use std::path::{Path, PathBuf};

use super::super::finding::Finding;
use super::super::given::Gathered;

pub(super) fn look(gathered: &Gathered) -> Option<Finding> {
    let given = gathered.last("module")?;
    let name = given.value.split(':').next().unwrap_or_default();
    let top = name.split('.').next().unwrap_or_default();
    let folders = folders(gathered);
    if folders.iter().any(|folder| holds(folder, top)) {
        return None;
    }
    let says = format!(
        "there is no {top}.py and no folder {top} in chdir or pythonpath, so `{top}` must be \
         installed for the interpreter"
    );
    Some(Finding::remark(&given.origin, "module", says))
}

/// Where modules are imported from, apart from what the interpreter has.
fn folders(gathered: &Gathered) -> Vec<PathBuf> {
    let base = gathered.path("chdir").unwrap_or_else(|| ".".into());
    let more = gathered.paths("pythonpath");
    let mut folders: Vec<_> = more.iter().map(|folder| base.join(folder)).collect();
    folders.push(base);
    folders
}

fn holds(folder: &Path, module: &str) -> bool {
    folder.join(module).is_dir() || folder.join(format!("{module}.py")).is_file()
}
