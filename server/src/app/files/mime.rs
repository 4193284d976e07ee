//! Media types by file extension.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::log;

/// Where the system keeps its list.
const SYSTEM: &str = "/etc/mime.types";

/// What a file is taken for that has no known extension.
pub(super) const UNKNOWN: &str = "application/octet-stream";

/// For systems without a list: what web pages are made of.
const COMMON: &str = "\
text/html html htm
text/css css
text/javascript js mjs
text/plain txt text log
text/csv csv
text/markdown md
text/xml xml
text/calendar ics
application/json json map
application/manifest+json webmanifest
application/pdf pdf
application/zip zip
application/gzip gz
application/wasm wasm
application/rss+xml rss
application/atom+xml atom
image/png png
image/jpeg jpg jpeg
image/gif gif
image/webp webp
image/avif avif
image/svg+xml svg svgz
image/vnd.microsoft.icon ico
image/bmp bmp
image/tiff tif tiff
font/woff woff
font/woff2 woff2
font/ttf ttf
font/otf otf
application/vnd.ms-fontobject eot
audio/mpeg mp3
audio/ogg ogg oga
audio/wav wav
video/mp4 mp4 m4v
video/webm webm
video/ogg ogv
";

/// Media types by file extension, in small letters.
#[derive(Debug, Default)]
pub(super) struct MimeTypes {
    by_extension: HashMap<String, String>,
}

impl MimeTypes {
    /// Reads the files named, or the system's, or takes the common ones. A file that cannot be read
    /// is told of, and costs no more than its types.
    pub(super) fn load(files: &[PathBuf]) -> Self {
        let mut types = Self::default();
        if files.is_empty() {
            match fs::read_to_string(SYSTEM) {
                Ok(list) => types.add(&list),
                Err(_) => types.add(COMMON),
            }
        }
        for file in files {
            match fs::read_to_string(file) {
                Ok(list) => types.add(&list),
                Err(error) => {
                    log::fault(&format!("cannot read mimefile {}: {error}", file.display()));
                }
            }
        }
        types
    }

    /// Of two types for an extension the first counts.
    fn add(&mut self, list: &str) {
        for line in list.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            let Some(media_type) = words.next() else {
                continue;
            };
            for extension in words {
                self.by_extension
                    .entry(extension.to_ascii_lowercase())
                    .or_insert_with(|| media_type.to_owned());
            }
        }
    }

    /// The media type of a file.
    pub(super) fn of(&self, file: &Path) -> &str {
        let extension = file.extension().and_then(|extension| extension.to_str());
        let found =
            extension.and_then(|extension| self.by_extension.get(&extension.to_ascii_lowercase()));
        found.map_or(UNKNOWN, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_types_with_their_extensions() {
        let mut types = MimeTypes::default();
        types.add("# list\ntext/html\thtml HTM # pages\nmodel/mesh\ntext/other html\n");
        assert_eq!(types.of(Path::new("/a/b.html")), "text/html");
        assert_eq!(types.of(Path::new("B.Htm")), "text/html");
        assert_eq!(types.of(Path::new("mesh")), UNKNOWN);
    }

    #[test]
    fn a_system_without_a_list_knows_the_common_types() {
        let mut types = MimeTypes::default();
        types.add(COMMON);
        assert_eq!(types.of(Path::new("a.woff2")), "font/woff2");
    }
}
