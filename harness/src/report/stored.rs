//! Stored results back from their files: read, checked, merged.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::key;
use crate::results::{FORMAT, Results, Summary};

/// A file that holds no results that this program can read. It is the caller's choice of file
/// that is at fault, never a subject.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No file was named.
    #[error("no results given; name the results.json of a run, or its folder")]
    Nothing,
    /// The file could not be read.
    #[error("cannot read results from {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no JSON.
    #[error("{} is not JSON: {source}; give the results.json of a run", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where it breaks off.
        source: serde_json::Error,
    },
    /// The file is JSON, but of another program or version.
    #[error("{} has results of format {found}, this gatebench reads format {FORMAT}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its `format`.
        found: u64,
    },
    /// The file is JSON without a `format`, or a field is not what the schema says.
    #[error("{} does not hold results: {source}; give the results.json of a run", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The first field that does not fit.
        source: serde_json::Error,
    },
}

/// Reads one stored run; for a folder, the `results.json` in it.
///
/// # Errors
/// When the file cannot be read, is no JSON, or is not of the format of this version.
pub fn load(path: &Path) -> Result<Results, LoadError> {
    let path = match path.is_dir() {
        true => path.join("results.json"),
        false => path.to_owned(),
    };
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(LoadError::Read { path, source }),
    };
    parse(&path, &text)
}

fn parse(path: &Path, text: &[u8]) -> Result<Results, LoadError> {
    let owned = || path.to_owned();
    let value: serde_json::Value = serde_json::from_slice(text).map_err(|source| {
        let path = owned();
        LoadError::Syntax { path, source }
    })?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(FORMAT) => {
            let path = owned();
            return Err(LoadError::Format { path, found });
        }
        _ => {}
    }
    // Read from the text again and not from the value: so the error tells line and column.
    serde_json::from_slice(text).map_err(|source| {
        let path = owned();
        LoadError::Shape { path, source }
    })
}

/// Reads one or more stored runs and puts them together.
///
/// # Errors
/// As [`load`], at the first file that is none; also when no file is given.
pub fn read(paths: &[PathBuf]) -> Result<Results, LoadError> {
    let runs = paths.iter().map(|path| Ok(rooted(path, load(path)?)));
    merge(runs.collect::<Result<_, _>>()?).ok_or(LoadError::Nothing)
}

/// Puts runs together: shards of one run, or runs of several gateways. Where two hold the same
/// case, the later one counts. `None` if there is nothing to merge.
pub fn merge(runs: Vec<Results>) -> Option<Results> {
    let mut runs = runs.into_iter();
    let mut merged = runs.next()?;
    for run in runs {
        let stale = merged.summary.stale + run.summary.stale;
        let missing = merged.missing_figures() + run.missing_figures();
        join_environment(&mut merged, &run);
        for subject in run.subjects {
            if !merged.subjects.contains(&subject) {
                merged.subjects.push(subject);
            }
        }
        merged.requirements.extend(run.requirements);
        join(&mut merged.results, run.results, key::of_case);
        join(&mut merged.throughput, run.throughput, key::of_measurement);
        join(&mut merged.idle, run.idle, key::of_rest);
        merged.summary = Summary::of(&merged.results, stale).with_missing(missing);
    }
    Some(merged)
}

/// Spells transcripts so that they are found from anywhere, whichever file told of them.
fn rooted(path: &Path, mut run: Results) -> Results {
    let folder = match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or_else(|| Path::new("")),
    };
    // An empty path has no absolute form; the transcripts then stay as they are.
    let folder = std::path::absolute(folder.join(".")).unwrap_or_default();
    for case in &mut run.results {
        if let Some(transcript) = &mut case.transcript {
            *transcript = folder.join(&*transcript).display().to_string();
        }
    }
    run
}

fn join_environment(merged: &mut Results, run: &Results) {
    let (ours, theirs) = (&mut merged.environment, &run.environment);
    let machine = |e: &crate::results::Environment| (e.kernel.clone(), e.cpus, e.memory_bytes);
    if machine(ours) != machine(theirs) {
        let note = format!(
            "merged with a run on another machine: {}, {} CPUs, gatebench {}",
            theirs.kernel, theirs.cpus, theirs.gatebench
        );
        ours.notes.push(note);
    }
    let known: BTreeSet<_> = ours.notes.iter().cloned().collect();
    let new = theirs.notes.iter().filter(|note| !known.contains(*note));
    ours.notes.extend(new.cloned());
}

fn join<T, K: Ord>(into: &mut Vec<T>, more: Vec<T>, key: impl Fn(&T) -> K) {
    let replaced: BTreeSet<_> = more.iter().map(&key).collect();
    into.retain(|old| !replaced.contains(&key(old)));
    into.extend(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let parsed = parse(Path::new("old.json"), text.as_bytes());
        parsed.unwrap_err().to_string()
    }

    #[test]
    fn a_file_of_another_kind_is_named() {
        assert_eq!(
            error("not json"),
            "old.json is not JSON: expected ident at line 1 column 2; give the results.json of a run"
        );
        assert_eq!(
            error(r#"{"format": 9}"#),
            "old.json has results of format 9, this gatebench reads format 1"
        );
        assert!(
            error(r#"{"format": 1}"#).starts_with("old.json does not hold results: missing field")
        );
        assert!(error("[]").starts_with("old.json does not hold results: invalid"));
    }

    #[test]
    fn a_missing_file_is_named_with_the_folder_it_was_looked_for_in() {
        let error = load(Path::new("/nonexistent/results.json")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read results from /nonexistent/results.json: ")
        );
    }

    #[test]
    fn nothing_merges_to_nothing() {
        assert_eq!(merge(Vec::new()), None);
    }
}
