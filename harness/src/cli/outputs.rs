//! Writes the reports of a run to where the user wants them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::args::OutputArgs;
use crate::{
    outcome::Level,
    report::{self, html, junit, markdown, terminal},
    results::Results,
};

/// Where a run leaves its reports when it is not told.
const LATEST: &str = "reports/latest";

/// The folder that transcripts and the journal go to: beside the JSON file, else the default one.
pub(super) fn folder(outputs: &OutputArgs) -> PathBuf {
    match &outputs.json {
        Some(json) => json.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")).to_owned(),
        None => LATEST.into(),
    }
}

/// Prints the matrix and writes every file that was asked for.
pub(super) fn write(outputs: &OutputArgs, folder: &Path, results: &Results, counts: Level) -> anyhow::Result<()> {
    print(results, counts)?;
    compare(outputs, results)?;
    let transcripts = |path: &str| fs::read_to_string(folder.join(path)).ok();
    let OutputArgs { json, junit, html, markdown, .. } = with_defaults(outputs, folder);
    if let Some(path) = &json {
        save(path, &format!("{}\n", serde_json::to_string_pretty(results)?))?;
    }
    if let Some(path) = &junit {
        save(path, &junit::render(results)?)?;
    }
    if let Some(path) = &markdown {
        save(path, &markdown::render(results))?;
    }
    if let Some(path) = &html {
        save(path, &html::render(results, &transcripts))?;
    }
    let written = [json, junit, markdown, html].into_iter().flatten();
    let names: Vec<String> = written.map(|path| path.display().to_string()).collect();
    writeln!(anstream::stdout(), "written: {}", names.join(", "))?;
    Ok(())
}

/// What got better or worse, where the user asks for it.
pub(super) fn compare(outputs: &OutputArgs, results: &Results) -> anyhow::Result<()> {
    if let Some(old) = &outputs.compare {
        let old = report::load(old)?;
        write!(anstream::stdout(), "{}", report::compare::text(&old, results))?;
    }
    Ok(())
}

/// The matrix on standard output, in colour only on a terminal.
pub(super) fn print(results: &Results, counts: Level) -> anyhow::Result<()> {
    let style = terminal::Style::detect(counts);
    write!(anstream::stdout(), "{}", terminal::matrix(results, style))?;
    Ok(())
}

fn with_defaults(outputs: &OutputArgs, folder: &Path) -> OutputArgs {
    if !outputs.names_none() {
        return outputs.clone();
    }
    OutputArgs {
        json: Some(folder.join("results.json")),
        junit: Some(folder.join("junit.xml")),
        html: Some(folder.join("report.html")),
        markdown: Some(folder.join("summary.md")),
        compare: None,
    }
}

fn save(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
