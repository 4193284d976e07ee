//! What a run that a signal ends leaves: the results up to then.

use std::path::PathBuf;

use crate::{
    launch::leftovers::{AtTheEnd, at_the_end},
    report::{files::Outputs, html},
    requirement::Requirements,
    results::{Environment, FORMAT, Results, Subject, Summary},
    run::told,
};

/// All that results hold besides the cases, which are in the journal.
pub(super) struct Partial {
    /// Where they go.
    pub(super) files: Outputs,
    /// The folder that transcripts are named from.
    pub(super) folder: PathBuf,
    /// Where it runs.
    pub(super) environment: Environment,
    /// What is run.
    pub(super) subjects: Vec<Subject>,
    /// Every rule.
    pub(super) requirements: Requirements,
    /// The cases that are finished.
    pub(super) journal: PathBuf,
    /// How many cases there would have been.
    pub(super) planned: usize,
}

impl Partial {
    /// Writes the results where a signal ends the run before the guard is dropped.
    pub(super) fn keep(self) -> AtTheEnd {
        at_the_end(move || match self.write() {
            Ok(sentence) => eprintln!("gatebench: {sentence}"),
            Err(error) => eprintln!("gatebench: the results so far are lost: {error:#}"),
        })
    }

    fn write(mut self) -> anyhow::Result<String> {
        let cases = told(&self.journal)?;
        let far = format!(
            "interrupted after {} of {} cases",
            cases.len(),
            self.planned
        );
        self.environment.notes.insert(0, format!("partial: {far}"));
        self.environment.partial = Some(far.clone());
        let results = Results {
            format: FORMAT,
            environment: self.environment,
            subjects: self.subjects,
            summary: Summary::of(&cases, 0),
            requirements: self.requirements.cited(&cases),
            results: cases,
            throughput: Vec::new(),
            idle: Vec::new(),
        };
        let old = None;
        self.files
            .write(&results, &self.folder, html::Beside { old })?;
        let names = self.files.paths().map(|path| path.display().to_string());
        let names = names.collect::<Vec<_>>().join(", ");
        Ok(format!(
            "{far}; written: {names}; --resume goes on from here"
        ))
    }
}
