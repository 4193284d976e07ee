//! `run`, `check` and `bench`: set up, work, write, judge.

use std::sync::Arc;

use anyhow::Context;

use super::{
    Verdict,
    args::{BenchArgs, CheckArgs, LaunchArgs, OutputArgs, RunArgs, SelectArgs},
    machine,
    measure::MeasureArgs,
    open,
    outputs::{self, Desk},
    running::RunningArgs,
};
use crate::{
    bench::{Bench, Wishes},
    event::{Event, Observer},
    report::{findings, terminal::Progress},
    results::{CaseResult, FORMAT, Idle, Results, Summary, Throughput},
    run::{self, Check, Plan, Selection, Store},
    scenario::{Catalogue, KnownList, Stale},
};

/// What one of the three commands does.
struct Job<'a> {
    running: Option<&'a RunningArgs>,
    select: &'a SelectArgs,
    launch: &'a LaunchArgs,
    outputs: &'a OutputArgs,
    measure: Option<&'a MeasureArgs>,
    check: bool,
}

/// The main job.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<Verdict> {
    let job = Job {
        running: None,
        select: &args.select,
        launch: &args.launch,
        outputs: &args.outputs,
        measure: Some(&args.measure),
        check: true,
    };
    block_on(job.carry_out())
}

/// Correctness only.
pub(super) fn check(args: &CheckArgs) -> anyhow::Result<Verdict> {
    let job = Job {
        running: Some(&args.running),
        select: &args.select,
        launch: &args.launch,
        outputs: &args.outputs,
        measure: None,
        check: true,
    };
    block_on(job.carry_out())
}

/// Throughput only.
pub(super) fn bench(args: &BenchArgs) -> anyhow::Result<Verdict> {
    let job = Job {
        running: None,
        select: &args.select,
        launch: &args.launch,
        outputs: &args.outputs,
        measure: Some(&args.measure),
        check: false,
    };
    block_on(job.carry_out())
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
        let mut selection = self.select.selection();
        if let Some(running) = self.running {
            selection.running = running.seating(&selection.models)?;
        }
        let wishes = self.launch.wishes();
        let counts = self.select.counts();
        // Whatever is wrong with the command line is told before anything is prepared.
        Plan::new(&selection, &catalogue, "builtin")?;
        wishes.check()?;
        let desk = Desk::open(self.outputs, outputs::wanted(self.outputs), counts)?;
        let started = machine::now();
        let mut progress = Progress::on_stderr();
        let (plan, bench) = prepare(&selection, &catalogue, wishes, &mut progress).await?;
        let plan = Arc::new(plan);
        progress.event(&Event::Note(&plan.sentence()));
        let resume = self.select.resume;
        let mut store = self.check.then(|| desk.store(resume)).transpose()?;
        if let Some(store) = store.as_ref().filter(|_| resume) {
            let note = format!(
                "{} finished cases were left to go on from",
                store.resumable()
            );
            progress.event(&Event::Note(&note));
        }
        let done = self.work(&plan, bench.clone(), &catalogue, &mut store, &mut progress);
        let done = done.await?;
        progress.event(&Event::Finished);
        let mut environment = machine::environment(started, &bench);
        environment.notes = [bench.notes(), &done.notes].concat();
        let results = Results {
            format: FORMAT,
            environment,
            subjects: run::subjects(&plan, &bench, self.measure.is_some()),
            summary: Summary::of(&done.cases, done.stale).with_missing(done.missing),
            requirements: catalogue.requirements.cited(&done.cases),
            results: done.cases,
            throughput: done.figures,
            idle: done.idle,
        };
        let compared = desk.hand_out(&results)?;
        if let Some(store) = store {
            let complete = store.complete();
            complete.context("the run's journal could not be removed")?;
        }
        Ok(Verdict::from(findings::Verdict::of(&results, counts)).worse(compared))
    }

    /// Checks and measures.
    async fn work(
        &self,
        plan: &Arc<Plan>,
        bench: Arc<Bench>,
        catalogue: &Catalogue,
        store: &mut Option<Store>,
        progress: &mut Progress,
    ) -> anyhow::Result<Done> {
        let measure = self.measure.map(MeasureArgs::measure);
        progress.event(&Event::Planned {
            cases: store.as_ref().map_or(0, |_| plan.cases()),
            measurements: measure.as_ref().map_or(0, |measure| measure.count(plan)),
        });
        let mut done = Done::default();
        if let Some(store) = store {
            let (known, observer) = (&catalogue.known, &mut *progress);
            let mut check = Check {
                plan: Arc::clone(plan),
                bench: bench.clone(),
                known,
                jobs: self.select.jobs(),
                store,
                observer,
            };
            done.cases = check
                .run()
                .await
                .context("the bench could not start its threads")?;
            done.notes.extend(store.trouble().map(str::to_owned));
            done.look_for_stale(plan, &bench, known);
        }
        if let Some(measure) = &measure {
            let measured = run::measure(measure, plan, &bench, progress).await;
            done.figures = measured.figures;
            run::add_steps(&mut done.figures, plan, &bench, progress).await;
            done.idle = measured.idle;
            done.missing = u32::try_from(measured.missing.len()).unwrap_or(u32::MAX);
            done.notes.extend(measured.missing);
        }
        Ok(done)
    }
}

/// What came of the work.
#[derive(Default)]
struct Done {
    cases: Vec<CaseResult>,
    figures: Vec<Throughput>,
    idle: Vec<Idle>,
    /// Figures that were asked for and could not be had.
    missing: u32,
    stale: u32,
    notes: Vec<String>,
}

impl Done {
    fn look_for_stale(&mut self, plan: &Plan, bench: &Bench, known: &KnownList) {
        let subjects = run::subjects(plan, bench, false);
        let stale = known.stale(&self.cases, &subjects);
        self.stale = u32::try_from(stale.len()).unwrap_or(u32::MAX);
        self.notes.extend(stale.iter().map(out_of_date));
    }
}

/// Makes everything ready that the selection needs.
pub(super) async fn prepare(
    selection: &Selection,
    catalogue: &Catalogue,
    wishes: Wishes,
    progress: &mut dyn Observer,
) -> anyhow::Result<(Plan, Arc<Bench>)> {
    if let Some(running) = &selection.running {
        let mut bench = Bench::idle(wishes).await;
        let plan = Plan::new(selection, catalogue, "builtin")?;
        running
            .start(&bench)
            .await?
            .test()
            .await
            .map_err(anyhow::Error::msg)?;
        if plan.without_probe() > 0 {
            let note = format!(
                "{} scenarios are left out: they need the probe behind the server, and --app none \
                 says that it is not there",
                plan.without_probe()
            );
            bench.note(note, progress);
        }
        return Ok((plan, Arc::new(bench)));
    }
    let mut bench = Bench::set_up(wishes).await?;
    bench.apps.clone_from(&catalogue.apps);
    let default = match selection.gateways.is_empty() {
        true => bench.default_gateway(progress).await?,
        false => "builtin",
    };
    let mut plan = Plan::new(selection, catalogue, default)?;
    for why in plan.left_out() {
        bench.note(why, progress);
    }
    for gateway in plan.gateways() {
        bench.add(gateway, progress).await?;
    }
    for backend in plan.backends() {
        let name = backend.name();
        let is_named = selection.backends.iter().any(|asked| asked.name == name);
        match bench.add_backend(backend, progress).await {
            Err(why) if !is_named => {
                plan.leave_out(name);
                bench.note(format!("left out: {why}"), progress);
            }
            added => added?,
        }
    }
    for asked in selection.gateways.iter().chain(&selection.backends) {
        bench.verify(asked)?;
    }
    Ok((plan, Arc::new(bench)))
}

fn out_of_date(entry: &Stale<'_>) -> String {
    format!(
        "the known list is out of date for {}: {}",
        entry.known.subject, entry.why
    )
}
