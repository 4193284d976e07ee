//! What a run that a signal ends leaves: the results up to then.

use std::{path::PathBuf, sync::Arc};

use crate::{
    bench::Bench,
    launch::leftovers::{AtTheEnd, at_the_end},
    report::{files::Outputs, html},
    requirement::Requirements,
    results::{Environment, FORMAT, Results, Subject, Summary, Throughput},
    run::{SoFar, told},
};

/// All that results hold besides the cases, which are in the journal, and the figures.
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
    /// The cases that are finished; `None` where none are played.
    pub(super) journal: Option<PathBuf>,
    /// How many cases there would have been.
    pub(super) cases: usize,
    /// What is measured.
    pub(super) measured: Vec<Under>,
    /// How many figures there would have been.
    pub(super) measurements: usize,
}

/// Figures, and the bench that tells how their subjects are called; `None` for a URL.
pub(super) struct Under {
    pub(super) so_far: SoFar,
    pub(super) bench: Option<Arc<Bench>>,
}

impl Under {
    fn figures(&self) -> Vec<Throughput> {
        let mut figures = self.so_far.figures();
        if let Some(bench) = &self.bench {
            for figure in &mut figures {
                figure.gateway = figure.gateway.take().map(|id| bench.id(id));
                figure.backend = figure.backend.take().map(|id| bench.id(id));
            }
        }
        figures
    }
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
        let cases = match &self.journal {
            Some(journal) => told(journal)?,
            None => Vec::new(),
        };
        let throughput: Vec<_> = self.measured.iter().flat_map(Under::figures).collect();
        let far = far([
            (cases.len(), self.cases, "cases"),
            (throughput.len(), self.measurements, "measurements"),
        ]);
        self.environment.notes.insert(0, format!("partial: {far}"));
        self.environment.partial = Some(far.clone());
        let results = Results {
            format: FORMAT,
            environment: self.environment,
            subjects: self.subjects,
            summary: Summary::of(&cases, 0),
            requirements: self.requirements.cited(&cases),
            results: cases,
            throughput,
            idle: Vec::new(),
        };
        let old = None;
        self.files
            .write(&results, &self.folder, html::Beside { old })?;
        let mut sentence = far;
        if !self.files.is_empty() {
            let names = self.files.paths().map(|path| path.display().to_string());
            sentence += &format!("; written: {}", names.collect::<Vec<_>>().join(", "));
        }
        if self.journal.is_some() {
            sentence += "; --resume goes on from here";
        }
        Ok(sentence)
    }
}

/// How far it came, of what was planned.
fn far(parts: [(usize, usize, &str); 2]) -> String {
    let planned = parts.into_iter().filter(|(_, planned, _)| *planned > 0);
    let told = planned.map(|(done, planned, what)| format!("{done} of {planned} {what}"));
    let told: Vec<_> = told.collect();
    format!("interrupted after {}", told.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_planned_is_told() {
        let told = |cases, measurements| far([(1, cases, "cases"), (2, measurements, "figures")]);
        assert_eq!(told(3, 0), "interrupted after 1 of 3 cases");
        assert_eq!(told(0, 4), "interrupted after 2 of 4 figures");
        assert_eq!(
            told(3, 4),
            "interrupted after 1 of 3 cases and 2 of 4 figures"
        );
    }
}
