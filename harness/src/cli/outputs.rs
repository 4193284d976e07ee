//! Where the reports of a run go, and what standard output shows.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::args::OutputArgs;
use crate::{
    outcome::Level,
    report::{change, files::Outputs, stored, terminal},
    results::Results,
};

/// Where a run leaves its reports when it is not told.
const LATEST: &str = "reports/latest";

/// The folder of transcripts and journal: beside the JSON file, else the default one.
pub(super) fn folder(args: &OutputArgs) -> PathBuf {
    match (&args.json, args.names_none()) {
        (Some(json), _) => beside(json),
        (None, true) => LATEST.into(),
        // Only rendered reports were asked for: transcripts go where the page looks for them.
        (None, false) => Path::new(LATEST).join("parts"),
    }
}

/// The folder of a file.
pub(super) fn beside(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => ".".into(),
    }
}

/// The files that were asked for; without any, all four in the default folder.
pub(super) fn wanted(args: &OutputArgs) -> Outputs {
    if args.names_none() {
        return Outputs::in_folder(Path::new(LATEST));
    }
    let OutputArgs {
        json,
        junit,
        html,
        markdown,
        ..
    } = args.clone();
    Outputs {
        json,
        junit,
        html,
        markdown,
    }
}

/// The matrix on standard output, in colour only on a terminal.
pub(super) fn print(results: &Results, counts: Level) -> anyhow::Result<()> {
    let style = terminal::Style::detect(counts);
    write!(anstream::stdout(), "{}", terminal::matrix(results, style))?;
    Ok(())
}

/// What got better or worse, where the user asks for it.
pub(super) fn compare(args: &OutputArgs, results: &Results) -> anyhow::Result<()> {
    if let Some(old) = &args.compare {
        let old = stored::load(old)?;
        write!(
            anstream::stdout(),
            "\n{}",
            change::render(&change::compare(&old, results))
        )?;
    }
    Ok(())
}

/// Writes the files and names them.
pub(super) fn write(
    outputs: &Outputs,
    results: &Results,
    transcripts: &Path,
) -> anyhow::Result<()> {
    outputs.write(results, transcripts)?;
    let names: Vec<String> = outputs
        .paths()
        .map(|path| path.display().to_string())
        .collect();
    writeln!(anstream::stdout(), "\nwritten: {}", names.join(", "))?;
    Ok(())
}
