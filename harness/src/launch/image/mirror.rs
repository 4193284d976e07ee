//! Which Debian mirror this machine uses: images are built from the same one.

use std::{fs, path::Path};

/// The mirror in this machine's apt sources that has `suite`, if any.
pub(super) fn of_host(suite: &str) -> Option<String> {
    let mut files = vec![Path::new("/etc/apt/sources.list").to_owned()];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    files.into_iter().find_map(|path| {
        let text = fs::read_to_string(&path).ok()?;
        match path.extension()?.to_str()? {
            "list" => in_lines(&text, suite),
            "sources" => in_stanzas(&text, suite),
            _ => None,
        }
    })
}

/// One-line style: `deb [options] URI SUITE COMPONENT…`.
fn in_lines(text: &str, suite: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim().strip_prefix("deb ")?;
        let line = match line.split_once(']') {
            Some((options, rest)) if options.trim_start().starts_with('[') => rest,
            _ => line,
        };
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            [uri, of, components @ ..] if *of == suite && components.contains(&"main") => {
                Some((*uri).to_owned())
            }
            _ => None,
        }
    })
}

/// Stanzas of `Key: values`, separated by empty lines.
fn in_stanzas(text: &str, suite: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut stanzas = lines.split(|line| line.trim().is_empty());
    stanzas.find_map(|stanza| {
        let values = |key: &str| -> Vec<&str> {
            let fields = stanza.iter().filter_map(|line| line.split_once(':'));
            let mut of_key = fields.filter(|(name, _)| *name == key);
            let value = of_key.next().map_or("", |(_, value)| value);
            value.split_whitespace().collect()
        };
        let wanted = values("Types").contains(&"deb")
            && values("Suites").contains(&suite)
            && values("Components").contains(&"main");
        let uri = values("URIs").first().copied()?;
        wanted.then(|| uri.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_options_names_its_mirror() {
        let text = "# deb http://old/debian bookworm main\n\
                    deb-src http://source/debian bookworm main\n\
                    deb http://other/tools bookworm tools\n\
                    deb [arch=amd64 signed-by=/k.gpg] http://mirror/debian bookworm main contrib\n";
        assert_eq!(in_lines(text, "bookworm").unwrap(), "http://mirror/debian");
        assert_eq!(in_lines(text, "trixie"), None);
    }

    #[test]
    fn a_stanza_names_its_mirror() {
        let text = "Types: deb\nURIs: http://security/debian\nSuites: bookworm-security\n\
                    Components: main\n\n# a comment: with colon\nTypes: deb deb-src\n\
                    # between\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\n\
                    Components: main\n";
        let mirror = in_stanzas(text, "bookworm");
        assert_eq!(mirror.unwrap(), "http://mirror/debian");
        assert_eq!(in_stanzas(text, "trixie"), None);
    }
}
