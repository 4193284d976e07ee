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
    partial::{Partial, Under},
    running::RunningArgs,
    sentence,
    versions::{Set, prepare_all},
};
use crate::{
    bench::{Bench, Wishes},
    event::{Event, Observer},
    report::{findings, relist::OUT_OF_DATE, terminal::Progress},
    results::{CaseResult, FORMAT, Idle, Results, Subject, Summary, Throughput},
    run::{self, Check, Plan, Selection, SoFar, Store},
    scenario::{Catalogue, KnownList, Stale},
    subject::SubjectId,
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
        wishes.first().check()?;
        for (_, further) in wishes.further() {
            further.check()?;
        }
        let desk = Desk::open(self.outputs, outputs::wanted(self.outputs), counts)?;
        let started = machine::now();
        let mut progress = Progress::on_stderr();
        let sets = prepare_all(&selection, &catalogue, &wishes, &mut progress).await?;
        for set in &sets {
            progress.event(&Event::Note(&set.plan.sentence()));
        }
        let resume = self.select.resume;
        let mut store = self.check.then(|| desk.store(resume)).transpose()?;
        if let Some(store) = store.as_ref().filter(|_| resume) {
            let note = format!(
                "{} finished cases were left to go on from",
                store.resumable()
            );
            progress.event(&Event::Note(&note));
        }
        let so_far: Vec<SoFar> = sets.iter().map(|_| SoFar::default()).collect();
        let under = sets.iter().zip(&so_far).map(|(set, so_far)| Under {
            so_far: so_far.clone(),
            bench: Some(Arc::clone(&set.bench)),
        });
        let partial = Partial {
            files: outputs::wanted(self.outputs),
            folder: desk.folder(),
            environment: machine::environment(started.clone(), &sets[0].bench),
            subjects: self.subjects(&sets),
            requirements: catalogue.requirements.clone(),
            journal: store.as_ref().map(|store| store.journal().to_owned()),
            cases: self.cases(&sets),
            measured: under.collect(),
            measurements: self.measurements(&sets),
        };
        let partial = partial.keep();
        let done = self.work(&sets, &catalogue, &so_far, &mut store, &mut progress);
        let done = done.await?;
        drop(partial);
        progress.event(&Event::Finished);
        let mut environment = machine::environment(started, &sets[0].bench);
        environment.notes = notes(&sets, &done);
        let results = Results {
            format: FORMAT,
            environment,
            subjects: done.subjects,
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

    /// Everybody who takes part, each once.
    fn subjects(&self, sets: &[Set]) -> Vec<Subject> {
        let mut all: Vec<Subject> = Vec::new();
        for set in sets {
            for subject in run::subjects(&set.plan, &set.bench, self.measure.is_some()) {
                if !all.iter().any(|known| known.id == subject.id) {
                    all.push(subject);
                }
            }
        }
        all
    }

    /// How many cases are played.
    fn cases(&self, sets: &[Set]) -> usize {
        match self.check {
            true => sets.iter().map(|set| set.plan.cases()).sum(),
            false => 0,
        }
    }

    /// How many figures are measured, at most.
    fn measurements(&self, sets: &[Set]) -> usize {
        let measure = self.measure.map(MeasureArgs::measure);
        let count = |set: &Set| measure.as_ref().map_or(0, |one| one.count(&set.plan));
        sets.iter().map(count).sum()
    }

    /// Checks and measures.
    async fn work(
        &self,
        sets: &[Set],
        catalogue: &Catalogue,
        so_far: &[SoFar],
        store: &mut Option<Store>,
        progress: &mut Progress,
    ) -> anyhow::Result<Done> {
        let measure = self.measure.map(MeasureArgs::measure);
        progress.event(&Event::Planned {
            cases: self.cases(sets),
            measurements: self.measurements(sets),
        });
        let mut done = Done {
            subjects: self.subjects(sets),
            ..Done::default()
        };
        if let Some(store) = store {
            for set in sets {
                let mut check = Check {
                    plan: Arc::clone(&set.plan),
                    bench: Arc::clone(&set.bench),
                    known: &catalogue.known,
                    jobs: self.select.jobs(),
                    store,
                    observer: progress,
                };
                let cases = check.run().await;
                done.cases
                    .extend(cases.context("the bench could not start its threads")?);
            }
            done.notes.extend(store.trouble().map(str::to_owned));
            done.look_for_stale(&catalogue.known);
        }
        for (set, so_far) in sets.iter().zip(so_far) {
            let Some(measure) = &measure else { break };
            let (plan, bench) = (&set.plan, &set.bench);
            let mut measured = run::measure(measure, plan, bench, so_far, progress).await;
            run::add_steps(&mut measured.figures, plan, bench, progress).await;
            done.figures
                .extend(measured.figures.into_iter().map(|mut figure| {
                    figure.gateway = figure.gateway.map(|id| bench.id(id));
                    figure.backend = figure.backend.map(|id| bench.id(id));
                    figure
                }));
            done.idle.extend(measured.idle.into_iter().map(|idle| Idle {
                gateway: bench.id(idle.gateway),
                backend: bench.id(idle.backend),
                ..idle
            }));
            done.missing += u32::try_from(measured.missing.len()).unwrap_or(u32::MAX);
            done.notes.extend(measured.missing);
        }
        Ok(done)
    }
}

/// What every set chose by itself, each note once, and what came of the work.
fn notes(sets: &[Set], done: &Done) -> Vec<String> {
    let mut notes = Vec::<String>::new();
    let all = sets.iter().flat_map(|set| set.bench.notes());
    for note in all.chain(&done.notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    notes
}

/// What came of the work.
#[derive(Default)]
struct Done {
    cases: Vec<CaseResult>,
    subjects: Vec<Subject>,
    figures: Vec<Throughput>,
    idle: Vec<Idle>,
    /// Figures that were asked for and could not be had.
    missing: u32,
    stale: u32,
    notes: Vec<String>,
}

impl Done {
    fn look_for_stale(&mut self, known: &KnownList) {
        let stale = known.stale(&self.cases, &self.subjects);
        self.stale = u32::try_from(stale.len()).unwrap_or(u32::MAX);
        self.notes.extend(stale.iter().map(out_of_date));
        known.mark_stale(&mut self.cases, &self.subjects);
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
        let added = bench.add(gateway, progress).await;
        spare(
            &mut plan,
            &mut bench,
            gateway.name(),
            added,
            &selection.gateways,
            progress,
        )?;
    }
    for backend in plan.backends() {
        let added = bench.add_backend(backend, progress).await;
        spare(
            &mut plan,
            &mut bench,
            backend.name(),
            added,
            &selection.backends,
            progress,
        )?;
    }
    for asked in selection.gateways.iter().chain(&selection.backends) {
        bench.verify(asked)?;
    }
    Ok((plan, Arc::new(bench)))
}

/// Of `all`, what this machine does not have is left out with a word on how to get it; who was asked
/// for by name has to be there.
fn spare(
    plan: &mut Plan,
    bench: &mut Bench,
    name: &str,
    added: anyhow::Result<()>,
    asked: &[SubjectId],
    progress: &mut dyn Observer,
) -> anyhow::Result<()> {
    let Err(why) = added else { return Ok(()) };
    let is_named = asked.iter().any(|id| id.name == name);
    let is_of_all = asked.iter().any(|id| id.is_plain() && id.name == "all");
    if is_named || !is_of_all {
        return Err(why);
    }
    plan.leave_out(name);
    bench.note(format!("left out: {}", sentence(&why)), progress);
    match plan.cases() {
        0 => Err(why),
        _ => Ok(()),
    }
}

fn out_of_date(entry: &Stale<'_>) -> String {
    format!("{OUT_OF_DATE}{}: {}", entry.known.subject, entry.why)
}
