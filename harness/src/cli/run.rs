//! `run`, `check` and `bench`: set up, work, write, judge.

use std::sync::Arc;

use anyhow::Context;

use super::{
    Verdict,
    args::{BenchArgs, CheckArgs, LaunchArgs, MeasureArgs, OutputArgs, RunArgs, SelectArgs},
    machine, open, outputs,
};
use crate::{
    bench::Bench,
    event::{Event, Observer},
    gateways,
    report::{findings, terminal::Progress},
    results::{FORMAT, Results, Summary},
    run::{self, Check, Measure, Plan, Store},
    scenario::Stale,
};

/// What one of the three commands does.
struct Job<'a> {
    select: &'a SelectArgs,
    launch: &'a LaunchArgs,
    outputs: &'a OutputArgs,
    measure: Option<&'a MeasureArgs>,
    check: bool,
    resume: bool,
}

/// The main job.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<Verdict> {
    let measure = Some(&args.measure);
    let RunArgs {
        select,
        launch,
        outputs,
        resume,
        ..
    } = args;
    block_on(
        Job {
            select,
            launch,
            outputs,
            measure,
            check: true,
            resume: *resume,
        }
        .carry_out(),
    )
}

/// Correctness only.
pub(super) fn check(args: &CheckArgs) -> anyhow::Result<Verdict> {
    let CheckArgs {
        select,
        launch,
        outputs,
        resume,
    } = args;
    block_on(
        Job {
            select,
            launch,
            outputs,
            measure: None,
            check: true,
            resume: *resume,
        }
        .carry_out(),
    )
}

/// Throughput only.
pub(super) fn bench(args: &BenchArgs) -> anyhow::Result<Verdict> {
    let measure = Some(&args.measure);
    let BenchArgs {
        select,
        launch,
        outputs,
        ..
    } = args;
    block_on(
        Job {
            select,
            launch,
            outputs,
            measure,
            check: false,
            resume: false,
        }
        .carry_out(),
    )
}

pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .context("the bench could not start its event loop")?
        .block_on(work)
}

impl Job<'_> {
    async fn carry_out(self) -> anyhow::Result<Verdict> {
        let catalogue = open(self.select.scenarios.as_deref())?;
        let selection = self.select.selection();
        // A bad selection is told before anything is prepared.
        Plan::new(&selection, &catalogue, "builtin")?;
        let started = machine::now();
        let mut progress = Progress::on_stderr();
        let mut bench = Bench::set_up(self.launch.wishes()).await?;
        let default = match selection.gateways.is_empty() {
            true => default_gateway(&mut bench, &mut progress).await?,
            false => "builtin",
        };
        let plan = Plan::new(&selection, &catalogue, default)?;
        for gateway in plan.gateways() {
            bench.add(gateway, &mut progress).await?;
        }
        let bench = Arc::new(bench);
        let folder = outputs::folder(self.outputs);
        let mut store = Store::open(&folder, self.resume)
            .with_context(|| format!("the output folder {} cannot be written", folder.display()))?;
        let measure = self.measure.map(|args| Measure {
            connections: args.connections,
            duration: args.duration,
            rate: args.rate,
            rounds: args.rounds,
        });
        let cases = if self.check { plan.cases() } else { 0 };
        let measurements = measure.as_ref().map_or(0, |measure| measure.count(&plan));
        progress.event(&Event::Planned {
            cases,
            measurements,
        });
        let cases = match self.check {
            true => {
                let (plan, bench, store) = (&plan, bench.clone(), &mut store);
                let known = &catalogue.known;
                Check {
                    plan,
                    bench,
                    known,
                    store,
                    observer: &mut progress,
                }
                .run()
                .await
            }
            false => Vec::new(),
        };
        let throughput = match &measure {
            Some(measure) => run::measure(measure, &plan, &bench, &mut progress).await?,
            None => Vec::new(),
        };
        progress.event(&Event::Finished);
        let subjects = run::subjects(&plan, &bench);
        let stale: Vec<String> = catalogue
            .known
            .stale(&cases, &subjects)
            .iter()
            .map(out_of_date)
            .collect();
        let mut environment = machine::environment(started, &bench);
        environment.notes = [bench.notes(), stale.clone()].concat();
        let results = Results {
            format: FORMAT,
            environment,
            subjects,
            summary: Summary::of(&cases, u32::try_from(stale.len()).unwrap_or(u32::MAX)),
            results: cases,
            throughput,
        };
        outputs::print(&results, self.select.counts())?;
        outputs::compare(self.outputs, &results)?;
        outputs::write(&outputs::wanted(self.outputs), &results, &folder)?;
        store
            .complete()
            .context("the run's journal could not be removed")?;
        Ok(findings::Verdict::of(&results, self.select.counts()).into())
    }
}

/// nginx where it can be started, else the built-in gateway; a note says why.
async fn default_gateway(
    bench: &mut Bench,
    progress: &mut Progress,
) -> anyhow::Result<&'static str> {
    let nginx = gateways::named("nginx").expect("the bench knows nginx");
    match bench.add(nginx, progress).await {
        Ok(()) => Ok("nginx"),
        Err(why) => {
            progress.event(&Event::Note(&format!(
                "the built-in gateway is used: {why:#}"
            )));
            Ok("builtin")
        }
    }
}

fn out_of_date(entry: &Stale<'_>) -> String {
    format!(
        "the known list is out of date for {}: {}",
        entry.known.subject, entry.why
    )
}
