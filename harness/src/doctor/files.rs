//! What the file system of this machine tells of a socket or a script.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

/// The first thing on the way to `path` that is not there or not open to others.
pub(super) fn closed_door(path: &Path) -> Option<String> {
    let folders: Vec<&Path> = path.ancestors().skip(1).collect();
    for folder in folders.into_iter().rev() {
        let about = match fs::metadata(folder) {
            Ok(about) => about,
            Err(error) => return Some(format!("{}: {error}.", folder.display())),
        };
        if about.mode() & 0o001 == 0 {
            return Some(format!(
                "{} is {:04o}, owner {}, group {}: others may not pass it.",
                folder.display(),
                about.mode() & 0o7777,
                about.uid(),
                about.gid()
            ));
        }
    }
    match fs::metadata(path) {
        Err(error) => Some(format!("{}: {error}.", path.display())),
        Ok(about) if about.file_type().is_socket() && about.mode() & 0o002 == 0 => Some(format!(
            "{} is {:04o}, owner {}, group {}: others may not connect.",
            path.display(),
            about.mode() & 0o7777,
            about.uid(),
            about.gid()
        )),
        Ok(about) if about.file_type().is_file() && about.mode() & 0o004 == 0 => Some(format!(
            "{} is {:04o}, owner {}: others may not read it.",
            path.display(),
            about.mode() & 0o7777,
            about.uid()
        )),
        Ok(about) if about.file_type().is_dir() => Some(format!("{} is a folder.", path.display())),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_closed_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(root.path(), open).unwrap();
        let inner = root.path().join("srv");
        fs::create_dir(&inner).unwrap();
        let file = inner.join("a.php");
        assert!(closed_door(&file).unwrap().contains("a.php: No such file"));
        fs::write(&file, "").unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(closed_door(&file).unwrap().contains("srv is 0750"));
    }
}
