//! The scenario × fault table of a double, and the trials that play it.
//!
//! | trial | what must be |
//! |---|---|
//! | `right::SCENARIO::MODEL` | the double without a fault passes |
//! | `breaks::FAULT::SCENARIO::MODEL` | a scenario that names the fault sees it |
//! | `ends::FAULT` | a subject that goes down is told from one that replies wrongly |
//! | `spares::FAULT` | scenarios that cite none of the rules it breaks say what they said without it |
//!
//! Doubles wait more than they work, so that many trials run side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    process::ExitCode,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use gatebench::{
    model::Model,
    outcome::{Level, Outcome},
    run::case::Played,
    scenario::{Catalogue, Fault, Judgement, Kind, Scenario, load_embedded},
};
use libtest_mimic::{Arguments, Failed, Trial};

mod summary;

use summary::Summary;

/// Trials side by side, unless the command line says otherwise.
const THREADS: usize = 16;
/// More octets than this either way, and a scenario is too heavy to be played once for each fault.
const LIGHT_OCTETS: u64 = 1 << 20;
/// More waiting than this by its own script, and it is too slow for the same.
const LIGHT_WAIT: Duration = Duration::from_millis(500);

/// A double, on which scenarios of one kind are played.
pub(crate) trait Double: Sized + 'static {
    /// The file of its faults without folder and ending: `pair`.
    const NAME: &'static str;
    /// The scenarios that are played on it.
    const KIND: Kind;
    /// The models that it can stand for.
    const MODELS: &'static [Model];
    /// For how many of them a scenario is played: the first that it has.
    const EACH: usize = usize::MAX;
    /// Faults after which a subject is gone, and how a case ends that meets them.
    const ENDS: &'static [(&'static str, Outcome)];

    /// Whether a scenario is played on it.
    fn takes(scenario: &Scenario) -> bool {
        scenario.kind() == Self::KIND && !scenario.needs_wsgi()
    }
    /// The faults that it can do, by id.
    fn faults() -> Vec<&'static str>;
    /// Whether a fault can be seen over a model.
    fn concerns(fault: &str, model: Model) -> bool;
    /// Octets over the wire, both ways, and the waiting that the scenario's own script asks for.
    fn weight(scenario: &Scenario) -> (u64, Duration);
    /// Starts one in the present runtime, without a fault.
    async fn start(model: Model) -> io::Result<Self>;
    /// Switches a fault on, for what comes from now on.
    fn switch_on(&mut self, fault: &str);
    /// Plays a scenario.
    async fn play(&mut self, scenario: &Scenario) -> Played;
}

/// Runs the table of a double as tests, and says at the end how many faults were caught.
pub(crate) fn main<D: Double>() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    if let Err(error) = load_embedded() {
        eprintln!("the scenarios cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    let trials = [
        right::<D>(),
        breaks::<D>(),
        ends::<D>(),
        spares::<D>(),
        vec![agreement::<D>()],
    ];
    let trials = trials.into_iter().flatten().collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    summary().print();
    conclusion.exit_code()
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| load_embedded().expect("`main` has read it before"))
}

fn summary() -> &'static Summary {
    static SUMMARY: Summary = Summary::new();
    &SUMMARY
}

/// The scenarios that are played on the double.
fn scenarios<D: Double>() -> impl Iterator<Item = &'static Scenario> {
    let scenarios = catalogue().scenarios.iter();
    scenarios.filter(|scenario| D::takes(scenario))
}

/// The faults that the double does, each as its file tells of it.
fn known_faults<D: Double>() -> impl Iterator<Item = &'static Fault> {
    let done = D::faults();
    let is_done = move |fault: &&Fault| done.contains(&fault.id.as_str());
    catalogue().faults.iter().filter(is_done)
}

fn models<D: Double>(scenario: &Scenario) -> impl Iterator<Item = Model> {
    let models = D::MODELS.iter().copied();
    models
        .filter(|&model| scenario.applies(model))
        .take(D::EACH)
}

/// The models for which a scenario has to see its faults: a heavy one for the first that it has.
fn models_to_break<D: Double>(scenario: &Scenario, fault: &str) -> impl Iterator<Item = Model> {
    let (octets, _) = D::weight(scenario);
    let most = if octets > LIGHT_OCTETS { 1 } else { usize::MAX };
    models::<D>(scenario)
        .filter(|&model| D::concerns(fault, model))
        .take(most)
}

/// Runs one trial; what the doubles still do is dropped with their runtime.
fn alone(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}

fn right<D: Double>() -> Vec<Trial> {
    let each = |scenario: &'static Scenario| {
        models::<D>(scenario).map(move |model| {
            let name = format!("right::{}::{model}", scenario.id);
            Trial::test(name, move || alone(holds::<D>(scenario, model)))
        })
    };
    scenarios::<D>().flat_map(each).collect()
}

async fn holds<D: Double>(scenario: &Scenario, model: Model) -> Result<(), Failed> {
    let mut double = D::start(model).await?;
    let played = double.play(scenario).await;
    match played.outcome {
        Outcome::Pass if !played.judgement.observation.contains_key("unmet") => Ok(()),
        _ => Err(told(&played).into()),
    }
}

fn breaks<D: Double>() -> Vec<Trial> {
    let each = |(fault, scenario): (&'static Fault, &'static Scenario)| {
        models_to_break::<D>(scenario, &fault.id).map(move |model| {
            let name = format!("breaks::{}::{}::{model}", fault.id, scenario.id);
            Trial::test(name, move || alone(breaks_one::<D>(scenario, fault, model)))
        })
    };
    let pairs = known_faults::<D>().flat_map(|fault| {
        let named = scenarios::<D>().filter(|scenario| scenario.faults.contains(&fault.id));
        named.map(move |scenario| (fault, scenario))
    });
    pairs.flat_map(each).collect()
}

async fn breaks_one<D: Double>(
    scenario: &Scenario,
    fault: &'static Fault,
    model: Model,
) -> Result<(), Failed> {
    let seen = sees::<D>(scenario, &fault.id, model).await;
    summary().note(&fault.id, &scenario.id, seen.is_ok());
    seen
}

/// At level `observed` nothing fails, so there the observation has to be another one.
async fn sees<D: Double>(scenario: &Scenario, fault: &str, model: Model) -> Result<(), Failed> {
    let mut double = D::start(model).await?;
    let before = match scenario.level {
        Level::Observed => Some(observation(&mut double, scenario).await?),
        _ => None,
    };
    double.switch_on(fault);
    let with = double.play(scenario).await;
    let is_changed = before.is_some_and(|before| before != with.judgement.observation);
    match with.outcome.is_violation() || is_changed {
        true => Ok(()),
        false => Err(format!("the fault goes unseen: {}", told(&with)).into()),
    }
}

/// What is told twice alike: what changes by itself would change with any fault.
async fn observation<D: Double>(
    double: &mut D,
    scenario: &Scenario,
) -> Result<BTreeMap<String, String>, Failed> {
    let first = double.play(scenario).await.judgement.observation;
    let second = double.play(scenario).await.judgement.observation;
    match first == second {
        true => Ok(first),
        false => Err(format!("told {first:?}, and then {second:?}").into()),
    }
}

fn ends<D: Double>() -> Vec<Trial> {
    let each = |&(id, outcome): &(&'static str, Outcome)| {
        let name = format!("ends::{id}");
        Trial::test(name, move || alone(ends_as::<D>(id, outcome)))
    };
    D::ENDS.iter().map(each).collect()
}

async fn ends_as<D: Double>(id: &str, outcome: Outcome) -> Result<(), Failed> {
    let named = scenarios::<D>().find(|scenario| scenario.faults.iter().any(|named| named == id));
    let scenario = named.ok_or("no scenario names it")?;
    let model = models_to_break::<D>(scenario, id).next();
    let mut double = D::start(model.ok_or("no model that it concerns")?).await?;
    double.switch_on(id);
    let played = double.play(scenario).await;
    match played.outcome == outcome {
        true => Ok(()),
        false => Err(told(&played).into()),
    }
}

fn spares<D: Double>() -> Vec<Trial> {
    let each = |(number, fault): (usize, &'static Fault)| {
        let name = format!("spares::{}", fault.id);
        Trial::test(name, move || alone(leaves_alone::<D>(fault, number)))
    };
    let known = known_faults::<D>().enumerate();
    known
        .filter(|(_, fault)| !fault.spoils_all)
        .map(each)
        .collect()
}

/// Plays what the fault must not touch, each scenario for one model: another one with each fault.
async fn leaves_alone<D: Double>(fault: &Fault, number: usize) -> Result<(), Failed> {
    let is_other = |scenario: &&Scenario| !concerns(fault, scenario) && is_light::<D>(scenario);
    let mut touched = Vec::new();
    for (index, scenario) in scenarios::<D>().filter(is_other).enumerate() {
        let models = models::<D>(scenario).filter(|&model| D::concerns(&fault.id, model));
        let models: Vec<Model> = models.collect();
        let Some(&model) = models.get((number + index) % models.len().max(1)) else {
            continue;
        };
        let mut double = D::start(model).await?;
        double.switch_on(&fault.id);
        let played = double.play(scenario).await;
        if verdict(scenario, &played) != baseline::<D>(scenario, model).await? {
            touched.push(format!("{} [{model}]: {}", scenario.id, told(&played)));
        }
    }
    match touched.is_empty() {
        true => Ok(()),
        false => Err(touched.join("\n").into()),
    }
}

/// Whether a fault may change what a scenario says: it breaks a rule that the scenario cites, or
/// one without which the scenario would be blocked.
fn concerns(fault: &Fault, scenario: &Scenario) -> bool {
    let needed = scenario.needs.iter().filter_map(|id| catalogue().get(id));
    let mut cited = needed
        .map(|needed| &needed.requirements)
        .chain([&scenario.requirements]);
    cited.any(|requirements| fault.breaks(requirements))
}

/// Whether a scenario is cheap enough to be played once for each fault.
fn is_light<D: Double>(scenario: &Scenario) -> bool {
    let (octets, waits) = D::weight(scenario);
    octets <= LIGHT_OCTETS && waits <= LIGHT_WAIT
}

/// What a fault must not change: how a case ends and, where nothing else is told, which conforming
/// outcome it met.
type Verdict = (Outcome, Option<String>);

fn verdict(scenario: &Scenario, played: &Played) -> Verdict {
    let chosen = played.judgement.observation.get("chosen").cloned();
    let is_told = scenario.level == Level::Observed;
    (played.outcome, chosen.filter(|_| is_told))
}

/// The verdict on the double without a fault; played once, whoever asks.
async fn baseline<D: Double>(scenario: &'static Scenario, model: Model) -> Result<Verdict, Failed> {
    static VERDICTS: Mutex<BTreeMap<(&str, Model), Verdict>> = Mutex::new(BTreeMap::new());
    let verdicts = || VERDICTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = verdicts().get(&(scenario.id.as_str(), model)).cloned();
    if let Some(verdict) = known {
        return Ok(verdict);
    }
    let played = D::start(model).await?.play(scenario).await;
    let verdict = verdict(scenario, &played);
    verdicts().insert((&scenario.id, model), verdict.clone());
    Ok(verdict)
}

/// A case in words, for whoever has to find out what went wrong.
fn told(played: &Played) -> String {
    let Judgement {
        expected,
        actual,
        observation,
        ..
    } = &played.judgement;
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{}, expected {}, actual {}, observed {observation:?}, noted {:?}, logged {:?}",
        played.outcome.word(),
        said(expected),
        said(actual),
        played.evidence.seen,
        played.evidence.process.backend_log,
    )
}

/// The file of faults, the scenarios and the double speak of the same faults.
fn agreement<D: Double>() -> Trial {
    Trial::test("every_fault_is_said_done_and_looked_for", || {
        let done: BTreeSet<&str> = D::faults().into_iter().collect();
        let own = catalogue()
            .faults
            .iter()
            .filter(|fault| fault.double == D::NAME);
        let said: BTreeSet<&str> = own.map(|fault| fault.id.as_str()).collect();
        let named = scenarios::<D>().flat_map(|scenario| &scenario.faults);
        let looked_for: BTreeSet<&str> = named.map(String::as_str).collect();
        let unplayed = scenarios::<D>().filter(|s| models::<D>(s).next().is_none());
        let unplayed: BTreeSet<&str> = unplayed.map(|scenario| scenario.id.as_str()).collect();
        let lists = [
            ("in its file, not done by the double", &said - &done),
            ("done by the double, not in its file", &done - &said),
            ("looked for by no scenario", &said - &looked_for),
            (
                "named by scenarios, not done by the double",
                &looked_for - &done,
            ),
            ("for no model that the double has", unplayed),
        ];
        let gaps = lists.iter().filter(|(_, ids)| !ids.is_empty());
        let gaps: Vec<String> = gaps.map(|(what, ids)| format!("{what}: {ids:?}")).collect();
        match gaps.is_empty() {
            true => Ok(()),
            false => Err(gaps.join("\n").into()),
        }
    })
}
