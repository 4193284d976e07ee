//! Writes the reports of a run to their files.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{csv, html, junit, markdown};
use crate::results::Results;

/// Wire transcripts are cut at this many bytes on the page; the file has all of it.
const TRANSCRIPT_LIMIT: usize = 64 * 1024;

/// Which reports to write, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// `results.json`.
    pub json: Option<PathBuf>,
    /// `junit.xml`.
    pub junit: Option<PathBuf>,
    /// `report.html`.
    pub html: Option<PathBuf>,
    /// `summary.md`.
    pub markdown: Option<PathBuf>,
    /// The throughput figures alone, for spreadsheets.
    pub csv: Option<PathBuf>,
}

/// A report that could not be made or written: the bench's fault or the user's disk, never a
/// subject's.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file system refused.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A renderer failed.
    #[error("cannot render {}: {source}", path.display())]
    Render {
        /// The file that it was for.
        path: PathBuf,
        /// What the renderer said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Outputs {
    /// The first four under their usual names in one folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            json: Some(folder.join("results.json")),
            junit: Some(folder.join("junit.xml")),
            html: Some(folder.join("report.html")),
            markdown: Some(folder.join("summary.md")),
            csv: None,
        }
    }

    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The files, in the order in which they are written.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let paths = [
            &self.json,
            &self.junit,
            &self.html,
            &self.markdown,
            &self.csv,
        ];
        paths.into_iter().flatten().map(PathBuf::as_path)
    }

    /// Renders and writes. Transcripts are looked for from the folder `transcripts`. A file that
    /// cannot be written keeps what it held, and keeps no other from being written.
    ///
    /// # Errors
    /// When a file cannot be written, with its path: the first of them.
    pub fn write(
        &self,
        results: &Results,
        transcripts: &Path,
        beside: html::Beside<'_>,
    ) -> Result<(), WriteError> {
        let transcript = |name: &str| read_transcript(&transcripts.join(name));
        let written = [
            write(&self.json, |path| {
                let json = serde_json::to_string_pretty(results).map_err(unrendered(path))?;
                Ok(json + "\n")
            }),
            write(&self.junit, |path| {
                junit::render(results, beside.old).map_err(unrendered(path))
            }),
            write(&self.html, |path| {
                html::render(results, &transcript, beside).map_err(unrendered(path))
            }),
            write(&self.markdown, |_| Ok(markdown::render(results))),
            write(&self.csv, |path| {
                csv::render(results).map_err(unrendered(path))
            }),
        ];
        written.into_iter().collect()
    }
}

fn write(
    path: &Option<PathBuf>,
    render: impl FnOnce(&Path) -> Result<String, WriteError>,
) -> Result<(), WriteError> {
    match path {
        Some(path) => save(path, &render(path)?),
        None => Ok(()),
    }
}

fn unrendered<E>(path: &Path) -> impl FnOnce(E) -> WriteError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let path = path.to_owned();
    move |source| WriteError::Render {
        path,
        source: Box::new(source),
    }
}

fn save(path: &Path, text: &str) -> Result<(), WriteError> {
    replace(path, text.as_bytes()).map_err(|source| WriteError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file as a whole or not at all: on a full disk what was there stays. A pipe or a device
/// is written to as it is.
///
/// # Errors
/// What the system says.
pub(crate) fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    let is_device = path.starts_with("/dev") || (path.exists() && !path.is_file());
    if is_device {
        return fs::write(path, octets);
    }
    // A link leads to the file that is meant.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".gatebench-")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    if let Ok(there) = fs::metadata(path) {
        file.as_file().set_permissions(there.permissions())?;
    }
    file.write_all(octets)?;
    file.as_file().sync_data()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// The text of a transcript, or `None` where it was not kept.
fn read_transcript(path: &Path) -> Option<String> {
    let octets = fs::read(path).ok()?;
    let shown = &octets[..octets.len().min(TRANSCRIPT_LIMIT)];
    let mut text = String::from_utf8_lossy(shown).into_owned();
    if shown.len() < octets.len() {
        let left = octets.len() - shown.len();
        text += &format!("\n… {left} more bytes in {}", path.display());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/results.json");
        replace(&file, b"one").unwrap();
        assert_eq!(mode(&file) & 0o600, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&file, b"another").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"another");
        assert_eq!(mode(&file), 0o640);
        let left = fs::read_dir(file.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "nothing else stays in the folder");
    }

    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn one_file_that_cannot_be_written_costs_no_other() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("no-folder"), "").unwrap();
        let none = folder.path().join("no-folder/results.json");
        let outputs = Outputs {
            json: Some(none.clone()),
            markdown: Some(folder.path().join("summary.md")),
            ..Outputs::default()
        };
        let run: Results = serde_json::from_str(EMPTY).unwrap();
        let old = None;
        let error = outputs.write(&run, folder.path(), html::Beside { old });
        assert!(matches!(error, Err(WriteError::Write { path, .. }) if path == none));
        assert!(folder.path().join("summary.md").is_file());
    }

    /// A run of nothing.
    const EMPTY: &str = r#"{"format": 1, "subjects": [], "results": [], "throughput": [],
        "environment": {"kernel": "", "cpus": 1, "memory_bytes": 1, "engine": null,
            "gatebench": "0", "started": "", "notes": []},
        "summary": {"pass": 0, "fail": 0, "crash": 0, "hang": 0, "known": 0, "stale": 0,
            "unsupported": 0, "blocked": 0, "bench_error": 0}}"#;
}
