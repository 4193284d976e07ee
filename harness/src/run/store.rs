//! What a run writes while it goes on: transcripts, and finished cases to resume from.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    launch::leftovers,
    outcome::Outcome,
    results::{CaseResult, Subject},
    scenario::{Face, Scenario},
    seating::Seating,
};

/// The files of a run beside its reports.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Name of the folder of transcripts in `folder`.
    transcripts: String,
    journal: PathBuf,
    file: fs::File,
    resumed: Vec<Finished>,
    trouble: Option<String>,
}

/// A finished case: a line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    /// What was played on what: see [`key`].
    key: String,
    /// How it ended.
    pub(super) result: CaseResult,
    /// What is compared between the models.
    pub(super) face: Option<Face>,
}

/// Identifies a case by its scenario, its model and its subjects, versions and images included: a
/// result stands for nothing else.
pub(super) fn key(scenario: &Scenario, seating: &Seating, subjects: &[Subject]) -> String {
    let (model, carrier) = (seating.model(), seating.carrier());
    let said = format!(
        "{} {scenario:?} {model:?} {carrier:?} {subjects:?}",
        env!("CARGO_PKG_VERSION")
    );
    let digest = Sha256::digest(said);
    digest[..16]
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

impl Store {
    /// Writes into `folder`, under names that begin with `prefix`, so that several runs can share
    /// a folder. With `resume`, cases that an earlier run finished there are kept.
    ///
    /// # Errors
    /// When the folder cannot be made or written.
    pub fn open(folder: &Path, prefix: &str, resume: bool) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let transcripts = format!("{prefix}transcripts");
        let journal = folder.join(format!("{prefix}journal.jsonl"));
        let resumed = match resume {
            true => finished(&journal)?,
            false => {
                fs::remove_dir_all(folder.join(&transcripts)).or_else(absent_is_fine)?;
                Vec::new()
            }
        };
        // Written anew, for the last line may be cut short.
        let mut file = fs::File::create(&journal)?;
        for line in &resumed {
            writeln!(file, "{}", serde_json::to_string(line)?)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            transcripts,
            journal,
            file,
            resumed,
            trouble: None,
        })
    }

    /// How many cases an earlier run left to go on from.
    pub fn resumable(&self) -> usize {
        self.resumed.len()
    }

    /// What could not be written, if something could not.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The cases that an earlier run finished, by their keys; the bench's own errors run again.
    pub(super) fn finished(&self) -> HashMap<String, Finished> {
        // A case may be told of twice; what was said last holds.
        let told = self.resumed.iter().cloned();
        let mut cases: HashMap<_, _> = told.map(|case| (case.key.clone(), case)).collect();
        cases.retain(|_, case| case.result.outcome != Outcome::BenchError);
        cases
    }

    /// Notes a finished case. A full disk costs the chance to resume, not the run.
    /// What ends while the run is interrupted was not played to its end and is left out.
    pub(super) fn keep(&mut self, key: String, result: &CaseResult, face: Option<&Face>) {
        if leftovers::is_ending() {
            return;
        }
        let line = serde_json::to_string(&Finished {
            key,
            result: result.clone(),
            face: face.cloned(),
        });
        let line = line.map_err(io::Error::from);
        let kept = line.and_then(|line| writeln!(self.file, "{line}"));
        self.note("the journal", kept);
    }

    /// Writes a transcript; its path relative to the folder. A full disk costs no more than that.
    pub(super) fn transcript(&mut self, case: &CaseResult, text: &str) -> Option<String> {
        let (folder, scenario) = (slug(case), &case.scenario);
        let path = format!("{}/{folder}/{scenario}.txt", self.transcripts);
        let written = write(&self.folder.join(&path), text);
        let is_written = written.is_ok();
        self.note("a transcript", written);
        is_written.then_some(path)
    }

    fn note(&mut self, what: &str, written: io::Result<()>) {
        if let (Err(error), None) = (written, &self.trouble) {
            let folder = self.folder.display();
            self.trouble = Some(format!("{what} in {folder} could not be written: {error}"));
        }
    }

    /// Where finished cases are noted.
    pub fn journal(&self) -> &Path {
        &self.journal
    }

    /// The run is complete: nothing to resume any more.
    ///
    /// # Errors
    /// When the journal cannot be removed.
    pub fn complete(self) -> io::Result<()> {
        fs::remove_file(&self.journal).or_else(absent_is_fine)
    }
}

/// Front, model and back in words that fit a file name: `driver-fastcgi-gateserve-probe`.
fn slug(case: &CaseResult) -> String {
    let front = case.gateway.as_deref().unwrap_or("driver");
    let back = case.backend.as_deref().unwrap_or("recorder");
    let model = case.model.map_or("any", |model| model.word());
    format!("{front}-{model}-{back}").replace([':', '/'], "-")
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text)
}

/// The cases that a journal tells of, each as it was told of last.
///
/// # Errors
/// The journal cannot be read.
pub fn told(journal: &Path) -> io::Result<Vec<CaseResult>> {
    let mut places = HashMap::new();
    let mut cases: Vec<CaseResult> = Vec::new();
    for line in finished(journal)? {
        match places.get(&line.key) {
            Some(&at) => cases[at] = line.result,
            None => {
                places.insert(line.key, cases.len());
                cases.push(line.result);
            }
        }
    }
    Ok(cases)
}

/// The lines that can be read; one cut short by a crash is run again.
fn finished(journal: &Path) -> io::Result<Vec<Finished>> {
    let text = match fs::read(journal) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    let lines = text.split(|&octet| octet == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backends::BACKENDS,
        gateways,
        model::Model,
        pairing::Pairing,
        scenario::{Catalogue, load_embedded},
    };

    fn catalogue() -> Catalogue {
        load_embedded().unwrap()
    }

    fn seating() -> Seating {
        Seating::Pairing(Pairing {
            gateway: gateways::named("nginx").unwrap(),
            variant: "stock",
            model: Model::Uwsgi,
            backend: BACKENDS[0],
        })
    }

    fn result(outcome: Outcome) -> CaseResult {
        let scenario = &catalogue().scenarios[0];
        super::super::session::without_play(&seating(), &|id| id, scenario, outcome, "")
    }

    fn of(scenario: &str) -> CaseResult {
        CaseResult {
            scenario: scenario.to_owned(),
            ..result(Outcome::Pass)
        }
    }

    /// Opens the store of `folder` again, as `--resume` does.
    fn again(folder: &Path) -> Store {
        Store::open(folder, "", true).unwrap()
    }

    #[test]
    fn a_finished_case_is_kept_over_an_interruption() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), "", false).unwrap();
        store.keep("a".into(), &result(Outcome::Fail), Some(&Face::default()));
        drop(store);
        let store = again(folder.path());
        assert_eq!(store.resumable(), 1);
        let resumed = store.finished();
        assert_eq!(resumed["a"].result, result(Outcome::Fail));
        assert_eq!(resumed["a"].face, Some(Face::default()));
        assert_eq!(resumed.len(), 1);
    }

    #[test]
    fn the_benchs_own_errors_run_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), "", false).unwrap();
        store.keep("a".into(), &result(Outcome::BenchError), None);
        assert!(again(folder.path()).finished().is_empty());
    }

    #[test]
    fn what_was_said_last_of_a_case_holds() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), "", false).unwrap();
        for outcome in [Outcome::Pass, Outcome::Crash] {
            store.keep("a".into(), &result(outcome), None);
        }
        let resumed = again(folder.path()).finished();
        assert_eq!(resumed["a"].result.outcome, Outcome::Crash);
    }

    #[test]
    fn a_line_that_was_cut_short_costs_one_case_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), "", false).unwrap();
        store.keep("a".into(), &result(Outcome::Pass), None);
        write!(store.file, "{{\"key\":\"b\",\"res").unwrap();
        // The next run goes on in the same journal, and is interrupted as well.
        let mut store = again(folder.path());
        store.keep("c".into(), &result(Outcome::Pass), None);
        let resumed = again(folder.path()).finished();
        let kept = ["a", "b", "c"].map(|key| resumed.contains_key(key));
        assert_eq!(kept, [true, false, true]);
    }

    #[test]
    fn a_case_on_another_subject_is_another_case() {
        let catalogue = catalogue();
        let [one, other] = [&catalogue.scenarios[0], &catalogue.scenarios[1]];
        let nginx = |version: &str| {
            [Subject {
                id: "nginx".into(),
                name: "nginx".into(),
                variant: None,
                role: crate::results::Role::Gateway,
                version: Some(version.into()),
                via: "process".into(),
                image: None,
                options: Vec::new(),
            }]
        };
        let by = |model: Model| match seating() {
            Seating::Pairing(pairing) => Seating::Pairing(Pairing { model, ..pairing }),
            other => other,
        };
        let [uwsgi, fastcgi] = [by(Model::Uwsgi), by(Model::FastCgi)];
        let this = key(one, &uwsgi, &nginx("1.22"));
        assert_eq!(this, key(one, &uwsgi, &nginx("1.22")));
        assert_ne!(this, key(one, &uwsgi, &nginx("1.29")));
        assert_ne!(this, key(other, &uwsgi, &nginx("1.22")));
        assert_ne!(
            this,
            key(one, &fastcgi, &nginx("1.22")),
            "a model is its own"
        );
    }

    #[test]
    fn a_fresh_run_drops_what_another_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let there = |name: &str| folder.path().join(name).exists();
        for prefix in ["1-", "2-"] {
            let mut store = Store::open(folder.path(), prefix, false).unwrap();
            let path = store.transcript(&of("cgi/a/b"), "bytes").unwrap();
            assert!(there(&path), "{path}");
        }
        fs::create_dir(folder.path().join("transcripts")).unwrap();
        Store::open(folder.path(), "2-", false).unwrap();
        let names = ["1-transcripts", "2-transcripts", "transcripts"];
        assert_eq!(names.map(there), [true, false, true]);
    }

    #[test]
    fn a_complete_run_leaves_no_journal() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), "", false).unwrap();
        store.complete().unwrap();
        assert_eq!(again(folder.path()).resumable(), 0);
    }

    #[test]
    fn what_cannot_be_written_is_told_once_and_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), "", false).unwrap();
        fs::write(folder.path().join("transcripts"), "in the way").unwrap();
        assert_eq!(store.transcript(&of("cgi/a/b"), "bytes"), None);
        let told = store.trouble().unwrap().to_owned();
        assert!(told.starts_with("a transcript in "), "{told}");
        assert_eq!(store.transcript(&of("cgi/a/c"), "bytes"), None);
        assert_eq!(store.trouble(), Some(told.as_str()));
    }
}
