//! What a run writes while it goes on: transcripts, and finished cases to resume from.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{outcome::Outcome, pairing::Pairing, results::CaseResult};

/// The folder of a run's outputs.
#[derive(Debug, Default)]
pub struct Store {
    folder: Option<PathBuf>,
    journal: Option<fs::File>,
    resumed: Vec<CaseResult>,
}

/// Finished cases, one JSON object a line.
const JOURNAL: &str = "journal.jsonl";
const TRANSCRIPTS: &str = "transcripts";

impl Store {
    /// Writes below `folder`; with `resume`, cases that an earlier run finished there are kept.
    ///
    /// # Errors
    /// When the folder cannot be made or written.
    pub fn open(folder: &Path, resume: bool) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(JOURNAL);
        let resumed = if resume { finished(&path) } else { Vec::new() };
        if !resume {
            fs::remove_dir_all(folder.join(TRANSCRIPTS)).or_else(absent_is_fine)?;
            fs::remove_file(&path).or_else(absent_is_fine)?;
        }
        let journal = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?;
        Ok(Self {
            folder: Some(folder.to_owned()),
            journal: Some(journal),
            resumed,
        })
    }

    /// Takes the result of a case that an earlier run finished; the bench's own errors run again.
    pub(super) fn resumed(&mut self, scenario: &str, pairing: Pairing) -> Option<CaseResult> {
        let (gateway, backend) = (Some(pairing.gateway_id()), Some(pairing.backend_id()));
        let index = self.resumed.iter().position(|case| {
            case.scenario == scenario
                && (&case.gateway, case.model, &case.backend)
                    == (&gateway, Some(pairing.model), &backend)
                && case.outcome != Outcome::BenchError
        })?;
        Some(self.resumed.swap_remove(index))
    }

    /// Notes a finished case. A full disk costs the chance to resume, not the run.
    pub(super) fn keep(&mut self, result: &CaseResult) {
        if let (Some(journal), Ok(line)) = (&mut self.journal, serde_json::to_string(result)) {
            writeln!(journal, "{line}").ok();
        }
    }

    /// Writes a transcript; its path relative to the folder.
    pub(super) fn transcript(
        &self,
        pairing: Pairing,
        scenario: &str,
        text: &str,
    ) -> Option<String> {
        let folder = self.folder.as_ref()?;
        let name = format!(
            "{}-{}-{}",
            pairing.gateway_id(),
            pairing.model,
            pairing.backend_id()
        );
        let path = format!("{TRANSCRIPTS}/{}/{scenario}.txt", name.replace(':', "-"));
        let file = folder.join(&path);
        fs::create_dir_all(file.parent()?).ok()?;
        fs::write(file, text).ok()?;
        Some(path)
    }

    /// The run is complete: nothing to resume any more.
    ///
    /// # Errors
    /// When the journal cannot be removed.
    pub fn complete(self) -> io::Result<()> {
        match self.folder {
            Some(folder) => fs::remove_file(folder.join(JOURNAL)).or_else(absent_is_fine),
            None => Ok(()),
        }
    }
}

/// The lines that can be read; a line cut short by a crash is run again.
fn finished(path: &Path) -> Vec<CaseResult> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}
