//! `gatebench replay`: one case, with all that it takes to see it again.

use std::{fs, io::Write, sync::Arc};

use anyhow::Context;

use super::{Verdict, args::ReplayArgs, machine, open, run};
use crate::{
    event::Silent,
    outcome::Level,
    report::{findings, reproduction::Reproduction},
    results::{FORMAT, Results, Summary},
    run::{Ended, Selection, Session},
    scenario::{Action, Catalogue, Kind, Scenario},
    seating::Seating,
};

/// Plays the case on each seating that was asked for and tells all of it.
pub(super) fn replay(args: &ReplayArgs) -> anyhow::Result<Verdict> {
    let catalogue = open(args.scenarios.as_deref())?;
    let scenario = find(&catalogue, &args.scenario)?;
    let selection = Selection {
        running: args.running.seating(&args.models())?,
        scenarios: vec![scenario.id.clone()],
        ..args.selection()
    };
    let (told, verdict) = run::block_on(play(args, &selection, &catalogue, scenario))?;
    match &args.output {
        Some(file) => {
            let written = fs::write(file, told);
            written.with_context(|| format!("cannot write {}", file.display()))?;
        }
        None => anstream::stdout().lock().write_all(told.as_bytes())?,
    }
    Ok(verdict)
}

fn find<'a>(catalogue: &'a Catalogue, id: &str) -> anyhow::Result<&'a Scenario> {
    let mut all = catalogue.scenarios.iter();
    if let Some(found) = all.find(|one| one.id == id) {
        return Ok(found);
    }
    // Tells which ids begin so, or that none does.
    let near = catalogue.select(&[id.to_owned()])?;
    let near: Vec<&str> = near.iter().map(|one| one.id.as_str()).collect();
    anyhow::bail!(
        "`{id}` is no scenario but the beginning of several; replay takes one: {}",
        near.join(", ")
    )
}

async fn play(
    args: &ReplayArgs,
    selection: &Selection,
    catalogue: &Catalogue,
    scenario: &Scenario,
) -> anyhow::Result<(String, Verdict)> {
    let started = machine::now();
    let wishes = args.launch.wishes().first();
    wishes.check()?;
    let (plan, bench) = run::prepare(selection, catalogue, wishes, &mut Silent).await?;
    let mut texts = Vec::new();
    let mut cases = Vec::new();
    for seating in plan.seatings().filter(|one| one.takes(scenario)) {
        let known = catalogue.known.clone();
        let mut session = Session::new(seating.clone(), Arc::clone(&bench), known);
        let Ended {
            result, transcript, ..
        } = session.play(scenario).await;
        let run = Results {
            format: FORMAT,
            environment: machine::environment(started.clone(), &bench),
            subjects: seating.subjects(&bench),
            requirements: catalogue.requirements.cited(std::slice::from_ref(&result)),
            summary: Summary::of(std::slice::from_ref(&result), 0),
            results: vec![result.clone()],
            throughput: Vec::new(),
            idle: Vec::new(),
        };
        let client = sent(seating, scenario, &session);
        let client = client.as_ref();
        let reproduction = Reproduction {
            run: &run,
            case: &result,
            launches: session.staging().map_or(&[], |staging| &staging.launches),
            client: client.map(|(address, actions)| (address.as_str(), actions.as_slice())),
            transcript: transcript.as_deref().unwrap_or_default(),
        };
        texts.push(reproduction.markdown());
        cases.push(result);
    }
    let results = Results {
        format: FORMAT,
        environment: machine::plain(started),
        subjects: Vec::new(),
        requirements: Default::default(),
        summary: Summary::of(&cases, 0),
        results: cases,
        throughput: Vec::new(),
        idle: Vec::new(),
    };
    let verdict = findings::Verdict::of(&results, Level::Recommended);
    Ok((texts.join("\n---\n\n"), verdict.into()))
}

/// What the HTTP client did, and whom it asked.
fn sent(
    seating: &Seating,
    scenario: &Scenario,
    session: &Session,
) -> Option<(String, Vec<Action>)> {
    let place = &session.staging()?.place;
    let asks = seating.kind() != Kind::Backend;
    asks.then(|| (place.host.clone(), scenario.script(place).actions))
}
