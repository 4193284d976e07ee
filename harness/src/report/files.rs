//! Writes the reports of a run to their files.

use std::{
    fs, io,
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

    /// Renders and writes. Transcripts are looked for from the folder `transcripts`.
    ///
    /// # Errors
    /// When a file cannot be written, with its path.
    pub fn write(
        &self,
        results: &Results,
        transcripts: &Path,
        beside: html::Beside<'_>,
    ) -> Result<(), WriteError> {
        if let Some(path) = &self.json {
            let json = serde_json::to_string_pretty(results).map_err(unrendered(path))?;
            save(path, &(json + "\n"))?;
        }
        if let Some(path) = &self.junit {
            save(
                path,
                &junit::render(results, beside.old).map_err(unrendered(path))?,
            )?;
        }
        if let Some(path) = &self.html {
            let transcript = |name: &str| read_transcript(&transcripts.join(name));
            save(
                path,
                &html::render(results, &transcript, beside).map_err(unrendered(path))?,
            )?;
        }
        if let Some(path) = &self.markdown {
            save(path, &markdown::render(results))?;
        }
        if let Some(path) = &self.csv {
            save(path, &csv::render(results).map_err(unrendered(path))?)?;
        }
        Ok(())
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
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text))
        .map_err(|source| WriteError::Write {
            path: path.to_owned(),
            source,
        })
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
