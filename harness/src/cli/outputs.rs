//! Where the reports of a run go, and what standard output shows.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{Verdict, args::OutputArgs};
use crate::{
    outcome::Level,
    report::{change, files::Outputs, html, lone, stored, terminal},
    results::Results,
    run::Store,
};

/// Where a run leaves its reports when it is not told.
const LATEST: &str = "reports/latest";

/// The reports that were asked for. Whether they can be written is found out before the work.
pub(super) struct Desk {
    files: Outputs,
    old: Option<Results>,
    counts: Level,
}

impl Desk {
    /// Reads the results to compare with, and makes sure that every file can be written.
    ///
    /// # Errors
    /// Names the file that cannot be read or written.
    pub(super) fn open(args: &OutputArgs, files: Outputs, counts: Level) -> anyhow::Result<Self> {
        let old = args.compare.as_deref().map(stored::load).transpose()?;
        for path in files.paths() {
            writable(path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(Self { files, old, counts })
    }

    /// Where transcripts and finished cases go: beside the first file, under its name.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub(super) fn store(&self, resume: bool) -> anyhow::Result<Store> {
        let (folder, prefix) = self.place();
        Store::open(&folder, &prefix, resume)
            .with_context(|| format!("the output folder {} cannot be written", folder.display()))
    }

    /// The folder that transcripts are named from.
    pub(super) fn folder(&self) -> PathBuf {
        self.place().0
    }

    fn place(&self) -> (PathBuf, String) {
        // A pipe or a device has no place beside it.
        let is_plain = |path: &&Path| !path.exists() || path.is_file();
        let first = self.files.paths().find(is_plain);
        match first.filter(|path| beside(path) != Path::new(LATEST)) {
            Some(file) => (beside(file), prefix(file)),
            None => (LATEST.into(), String::new()),
        }
    }

    /// Writes the files, then tells on standard output what they hold.
    ///
    /// # Errors
    /// When a file cannot be written. A reader of standard output may leave early.
    ///
    /// Gives what the comparison with old results comes to: [`Verdict::Failed`] where a subject
    /// got slower in comparison with the others.
    pub(super) fn hand_out(&self, results: &Results) -> anyhow::Result<Verdict> {
        // On a full disk standard output still tells what was found.
        let written = self.write(results);
        match self.tell(results, written.is_ok()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            told => told.context("cannot write to standard output")?,
        }
        written?;
        let old = self.old.as_ref();
        let is_slower = old.is_some_and(|old| change::compare(old, results).got_slower());
        Ok(match is_slower {
            true => Verdict::Failed,
            false => Verdict::Passed,
        })
    }

    /// Writes the files; standard output gets only what exactly one subject breaks.
    ///
    /// # Errors
    /// As [`hand_out`](Self::hand_out).
    pub(super) fn hand_out_lone(&self, results: &Results) -> anyhow::Result<()> {
        self.write(results)?;
        let mut out = anstream::stdout().lock();
        match write!(out, "{}", lone::render(&lone::lone(results))) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            told => told.context("cannot write to standard output"),
        }
    }

    fn write(&self, results: &Results) -> anyhow::Result<()> {
        let (folder, _) = self.place();
        let old = self.old.as_ref();
        Ok(self.files.write(results, &folder, html::Beside { old })?)
    }

    /// The results with transcripts named from the current folder: a terminal stands there, the
    /// files name them from their own.
    fn seen_from_here(&self, results: &Results) -> Results {
        let (folder, _) = self.place();
        let mut results = results.clone();
        for transcript in results
            .results
            .iter_mut()
            .flat_map(|case| &mut case.transcript)
        {
            *transcript = folder.join(&*transcript).display().to_string();
        }
        results
    }

    fn tell(&self, results: &Results, is_written: bool) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        let style = terminal::Style::detect(self.counts);
        let results = &self.seen_from_here(results);
        write!(out, "{}", terminal::matrix(results, style))?;
        if let Some(old) = &self.old {
            let changes = change::compare(old, results);
            write!(out, "\n{}", change::render(&changes))?;
        }
        if !self.files.is_empty() && is_written {
            let names = self.files.paths().map(|path| path.display().to_string());
            writeln!(out, "\nwritten: {}", names.collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}

/// The files that were asked for; without any, all four in the default folder.
pub(super) fn wanted(args: &OutputArgs) -> Outputs {
    match named(args) {
        none if none.is_empty() => Outputs::in_folder(Path::new(LATEST)),
        some => some,
    }
}

/// The files that were asked for.
pub(super) fn named(args: &OutputArgs) -> Outputs {
    let OutputArgs {
        json,
        junit,
        html,
        markdown,
        csv,
        ..
    } = args.clone();
    Outputs {
        json,
        junit,
        html,
        markdown,
        csv,
    }
}

/// The folder of a file.
fn beside(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => ".".into(),
    }
}

/// What the names of a run's own files begin with: two runs may report into one folder.
fn prefix(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    format!("{}-", stem.to_string_lossy())
}

/// Tries without changing anything that is there.
fn writable(path: &Path) -> io::Result<()> {
    if path.exists() {
        return fs::File::options().append(true).open(path).map(drop);
    }
    let folder = beside(path);
    fs::create_dir_all(&folder)?;
    tempfile::tempfile_in(folder).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(files: Outputs) -> Desk {
        Desk {
            files,
            old: None,
            counts: Level::Required,
        }
    }

    fn json(path: &str) -> Outputs {
        Outputs {
            json: Some(path.into()),
            ..Outputs::default()
        }
    }

    #[test]
    fn runs_that_share_a_folder_keep_their_transcripts_apart() {
        let place = |path| desk(json(path)).place();
        assert_eq!(place("parts/1.json"), ("parts".into(), "1-".to_owned()));
        assert_eq!(place("all.json"), (".".into(), "all-".to_owned()));
    }

    #[test]
    fn the_default_folder_belongs_to_the_latest_run() {
        let latest = Outputs::in_folder(Path::new(LATEST));
        assert_eq!(desk(latest).place(), (LATEST.into(), String::new()));
    }

    #[test]
    fn a_device_has_no_place_beside_it() {
        let place = desk(json("/dev/null")).place();
        assert_eq!(place, (LATEST.into(), String::new()));
    }

    #[test]
    fn what_is_there_is_not_touched_by_the_trial() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("old.json");
        fs::write(&file, "old").unwrap();
        writable(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        let new = folder.path().join("deep/new.json");
        writable(&new).unwrap();
        assert!(!new.exists());
        assert!(writable(folder.path()).is_err());
    }
}
