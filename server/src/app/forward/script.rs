//! Which script a FastCGI server runs: it reads that from `SCRIPT_FILENAME`, a path in its own file
//! system (FCGI-DF-SCRIPT-FILENAME; php-fpm answers nothing but "Primary script unknown" without).

use bytes::Bytes;
use wire::environ::Environ;

use crate::app::router::full_path;
use crate::options::Scripts;

/// Adds what the upstream needs to find its script, where the client's side has not said it.
pub(super) fn name(environ: &mut Environ, scripts: &Scripts) {
    if let Some(root) = &scripts.root {
        split(environ, root, &scripts.index);
        environ.set("DOCUMENT_ROOT", root.clone());
    }
    if environ.get("SCRIPT_FILENAME").is_none() {
        let part = |name| environ.get(name).cloned().unwrap_or_default();
        let mut file = [part("DOCUMENT_ROOT"), part("SCRIPT_NAME")].concat();
        if !file.starts_with(b"/") {
            file.insert(0, b'/');
        }
        environ.set("SCRIPT_FILENAME", file);
    }
}

/// Splits the path as a site of PHP files means it: behind the first name that ends in `.php`; a
/// folder is its index, if that can be seen from here; everything else is the index at the root,
/// which most applications route by `REQUEST_URI`.
fn split(environ: &mut Environ, root: &str, index: &str) {
    let path = full_path(environ);
    let (script, info) = match behind_php(&path) {
        Some(end) => (path.slice(..end), path.slice(end..)),
        None => {
            let own = [path.as_ref(), index.as_bytes()].concat();
            let is_there = path.ends_with(b"/") && is_file(root, &own);
            match is_there {
                true => (own.into(), Bytes::new()),
                false => (format!("/{index}").into(), path),
            }
        }
    };
    environ.set("SCRIPT_NAME", script);
    environ.set("PATH_INFO", info);
}

/// Where the first name that ends in `.php` ends.
fn behind_php(path: &[u8]) -> Option<usize> {
    const PHP: &[u8] = b".php";
    let ends = path.windows(PHP.len()).enumerate();
    let ends = ends.filter(|(_, window)| *window == PHP);
    let mut ends = ends.map(|(at, _)| at + PHP.len());
    ends.find(|&end| matches!(path.get(end), None | Some(b'/')))
}

/// Whether there is such a file below the root; a path that climbs has none (the target was
/// refused before, see [`wire::request::Target::decoded_path`]).
fn is_file(root: &str, path: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(path) else {
        return false;
    };
    std::fs::metadata(format!("{root}{path}")).is_ok_and(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(root: Option<&str>, script_name: &str, path_info: &str) -> [String; 3] {
        let scripts = Scripts {
            root: root.map(str::to_owned),
            index: "index.php".to_owned(),
        };
        let mut environ = Environ::new();
        environ.push("SCRIPT_NAME", script_name.to_owned());
        environ.push("PATH_INFO", path_info.to_owned());
        name(&mut environ, &scripts);
        ["SCRIPT_FILENAME", "SCRIPT_NAME", "PATH_INFO"]
            .map(|name| environ.text(name).unwrap().to_owned())
    }

    #[test]
    fn a_path_ends_behind_its_php_file() {
        for (path, script, info) in [
            ("/a.php", "/a.php", ""),
            ("/x/a.php/more/b.php", "/x/a.php", "/more/b.php"),
            ("/a.phpx/b.php", "/a.phpx/b.php", ""),
            ("/blog/post", "/index.php", "/blog/post"),
            ("/", "/index.php", "/"),
        ] {
            let file = format!("/var/www{script}");
            assert_eq!(named(Some("/var/www"), "", path), [&file, script, info]);
        }
    }

    #[test]
    fn a_folder_is_its_index_where_there_is_one() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("admin")).unwrap();
        std::fs::write(root.path().join("admin/index.php"), "").unwrap();
        let root = root.path().to_str().unwrap();
        let [_, script, info] = named(Some(root), "", "/admin/");
        assert_eq!([script.as_str(), &info], ["/admin/index.php", ""]);
    }

    #[test]
    fn without_a_root_the_mount_is_the_script() {
        assert_eq!(named(None, "/app", "/x.php"), ["/app", "/app", "/x.php"]);
    }
}
