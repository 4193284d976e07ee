//! Files and folders without which the server would not start, as far as they can be looked for
//! without starting it.

use std::path::{Path, PathBuf};

use super::super::finding::Finding;
use super::super::given::{Gathered, Given};

pub(super) fn look(gathered: &Gathered) -> Vec<Finding> {
    let base = gathered
        .last("chdir")
        .map(|given| PathBuf::from(&given.value))
        .unwrap_or_default();
    let mut missing = Vec::new();
    let mut look = |name: &str, what: &str, is_there: &dyn Fn(&Path) -> bool| {
        for given in counting(gathered, name) {
            if !is_there(&base.join(&given.value)) {
                let says = format!("{what} {}", given.value);
                missing.push(Finding::warning(&given.origin, given.opt.name, says));
            }
        }
    };
    look("chdir", "there is no folder", &|path| path.is_dir());
    look("wsgi-file", "there is no file", &|path| path.is_file());
    look(
        "virtualenv",
        "there is no virtual environment (bin/python3) in",
        &|path| path.join("bin/python3").exists(),
    );
    look("python-bin", "there is no program", &|path| {
        path.components().count() == 1 || path.is_file()
    });
    look("pidfile", "there is no folder for", &has_folder);
    for name in [
        "socket",
        "uwsgi-socket",
        "http-socket",
        "fastcgi-socket",
        "scgi-socket",
    ] {
        look(name, "there is no folder for", &|path| {
            let is_path = path.to_string_lossy().contains('/');
            !is_path || path.to_string_lossy().contains(':') || has_folder(path)
        });
    }
    missing
}

fn counting<'g>(gathered: &'g Gathered, name: &str) -> Vec<&'g Given> {
    if name.ends_with("socket") {
        gathered.all(name).collect()
    } else {
        gathered.last(name).into_iter().collect()
    }
}

fn has_folder(path: &Path) -> bool {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.is_dir(),
        _ => true,
    }
}
