//! `gatebench bench --profile peers`: the table of targets, measured.

use std::{io::Write, time::Duration};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::{Verdict, args::BenchArgs, machine, run::block_on};
use crate::{
    bench::Bench,
    event::{Event, Observer},
    peers::{self, HEATS, Heat, Profile, Settings},
    report::{files::replace, terminal::Progress},
};

/// A set of comparisons that is prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Known {
    /// gateserve beside uWSGI, granian, gunicorn, libfcgi and nginx, against its targets
    Peers,
}

/// Measures the table and writes what was asked for.
pub(super) fn bench(args: &BenchArgs) -> anyhow::Result<Verdict> {
    let heats = chosen(&args.heat)?;
    let outputs = &args.outputs;
    if outputs.html.is_some()
        || outputs.junit.is_some()
        || outputs.csv.is_some()
        || outputs.compare.is_some()
    {
        bail!("a profile is written with --json and --markdown, and no other output option");
    }
    let wishes = args.launch.wishes().first();
    wishes.check()?;
    let settings = Settings {
        time: args.measure.span().unwrap_or(Duration::from_secs(2)),
        rounds: args.measure.rounds(),
    };
    let profile = block_on(async {
        let started = machine::now();
        let mut progress = Progress::on_stderr();
        let mut bench = Bench::set_up(wishes).await?;
        let environment = machine::environment(started, &bench);
        let profile =
            peers::profile(&heats, settings, &mut bench, environment, &mut progress).await;
        progress.event(&Event::Finished);
        Ok(profile)
    })?;
    write(args, &profile)?;
    let rows = profile.heats.iter().flat_map(|heat| &heat.rows);
    let is_whole = rows
        .clone()
        .all(|row| row.verdict != peers::Verdict::NotMeasured);
    Ok(match is_whole {
        true => Verdict::Passed,
        false => Verdict::Incomplete,
    })
}

fn write(args: &BenchArgs, profile: &Profile) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(peers::terminal(profile).as_bytes())?;
    if let Some(file) = &args.outputs.json {
        let json = serde_json::to_string_pretty(profile)? + "\n";
        replace(file, json.as_bytes())
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if let Some(file) = &args.outputs.markdown {
        let text = peers::markdown(profile);
        replace(file, text.as_bytes())
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

/// The heats that were asked for, all where none was named.
fn chosen(asked: &[String]) -> anyhow::Result<Vec<&'static Heat>> {
    let known = || {
        HEATS
            .iter()
            .map(|heat| heat.id)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(unknown) = asked
        .iter()
        .find(|id| HEATS.iter().all(|heat| heat.id != *id))
    {
        bail!("the profile has no heat `{unknown}`; it has {}", known());
    }
    let is_chosen = |heat: &&Heat| asked.is_empty() || asked.iter().any(|id| id == heat.id);
    Ok(HEATS.iter().filter(is_chosen).collect())
}
