//! `gatebench report`: pages from stored results, without running anything.

use anyhow::Context;

use super::{
    Verdict,
    args::ReportArgs,
    outputs::{self, Desk},
};
use crate::{
    outcome::Level,
    report::{draft, embargo, files::replace, findings, history, html, relist, stored},
    scenario,
};

/// Loads, merges, renders and compares.
pub(super) fn report(args: &ReportArgs) -> anyhow::Result<Verdict> {
    if args.history {
        return history(args);
    }
    let mut merged = stored::read(&args.results)?;
    if let Some(folder) = &args.known {
        let catalogue = match folder {
            Some(folder) => scenario::load_dir(folder)?,
            None => scenario::load_embedded()?,
        };
        relist::relist(&mut merged, &catalogue.known);
    }
    if let Some(file) = &args.known_draft {
        let draft = draft::draft(&merged);
        replace(file, draft.as_bytes())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if args.public {
        merged = embargo::public(&merged);
    }
    let files = outputs::named(&args.outputs);
    let desk = Desk::open(&args.outputs, files, Level::Required)?;
    let compared = match args.only_one {
        true => desk.hand_out_lone(&merged).map(|()| Verdict::Passed)?,
        false => desk.hand_out(&merged)?,
    };
    Ok(Verdict::from(findings::Verdict::of(&merged, Level::Required)).worse(compared))
}

/// One page on many runs.
fn history(args: &ReportArgs) -> anyhow::Result<Verdict> {
    let file = args.outputs.html.as_deref().expect("clap requires it");
    let runs = history::load(&args.results)?;
    let page = html::history::render(&history::history(&runs)?)?;
    replace(file, page.as_bytes()).with_context(|| format!("cannot write {}", file.display()))?;
    let count = findings::plural(runs.len(), "run");
    anstream::println!("{count} in {}", file.display());
    Ok(Verdict::Passed)
}
