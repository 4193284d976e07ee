//! Trust in the scenarios: each one holds on a double that is right, and turns red when the double
//! does wrong what the scenario is there to find.
//!
//! | trial | what must be |
//! |---|---|
//! | `right::SCENARIO::MODEL` | the double without a fault passes |
//! | `breaks::FAULT::SCENARIO::MODEL` | a scenario that names the fault sees it |
//! | `ends::FAULT` | a gateway that goes down is told from one that replies wrongly |
//! | `spares::FAULT` | scenarios that cite none of the rules it breaks say what they said without it |
//!
//! Doubles wait more than they work, so that many trials run side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use gatebench::{
    model::Model,
    outcome::{Level, Outcome},
    run::case::{Played, play},
    scenario::{self, Action, Catalogue, Judgement, Place, Scenario, load_embedded},
};
use libtest_mimic::{Arguments, Failed, Trial};

mod doubles;

use doubles::{
    Double,
    faults::{self, Fault},
};

/// The models that a double can stand for: all in which the gateway makes meta-variables.
const MODELS: [Model; 4] = [Model::Cgi, Model::FastCgi, Model::Uwsgi, Model::Scgi];
/// Trials side by side, unless the command line says otherwise.
const THREADS: usize = 16;
/// More octets than this either way, and a scenario is too heavy to be played once for each fault.
const LIGHT_OCTETS: u64 = 1 << 20;
/// More waiting than this by its own script, and it is too slow for the same.
const LIGHT_WAIT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    if let Err(error) = load_embedded() {
        eprintln!("the scenarios cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    let trials = [right(), breaks(), ends(), spares(), vec![agreement()]];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| load_embedded().expect("`main` has read it before"))
}

/// The double's faults, each with what `faults.toml` says of it.
fn known_faults() -> impl Iterator<Item = (&'static Fault, &'static scenario::Fault)> {
    faults::all().filter_map(|fault| {
        let said = catalogue().faults.iter().find(|said| said.id == fault.id)?;
        Some((fault, said))
    })
}

fn models(scenario: &Scenario) -> impl Iterator<Item = Model> {
    MODELS.into_iter().filter(|&model| scenario.applies(model))
}

/// The models for which a scenario has to see its faults: a heavy one for the first that it has.
fn models_to_break(scenario: &Scenario) -> impl Iterator<Item = Model> {
    let most = if octets(scenario) > LIGHT_OCTETS {
        1
    } else {
        MODELS.len()
    };
    models(scenario).take(most)
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

fn right() -> Vec<Trial> {
    let each = |scenario: &'static Scenario| {
        models(scenario).map(move |model| {
            let name = format!("right::{}::{model}", scenario.id);
            Trial::test(name, move || alone(holds(scenario, model)))
        })
    };
    catalogue().scenarios.iter().flat_map(each).collect()
}

async fn holds(scenario: &Scenario, model: Model) -> Result<(), Failed> {
    let mut double = Double::start(model).await?;
    let played = play(&mut double, scenario).await;
    match played.outcome {
        Outcome::Pass if !played.judgement.observation.contains_key("unmet") => Ok(()),
        _ => Err(told(&played).into()),
    }
}

fn breaks() -> Vec<Trial> {
    let each = |(fault, scenario): (&'static Fault, &'static Scenario)| {
        models_to_break(scenario).map(move |model| {
            let name = format!("breaks::{}::{}::{model}", fault.id, scenario.id);
            Trial::test(name, move || alone(sees(scenario, fault, model)))
        })
    };
    let pairs = known_faults().flat_map(|(fault, said)| {
        let named = catalogue()
            .scenarios
            .iter()
            .filter(|scenario| scenario.faults.contains(&said.id));
        named.map(move |scenario| (fault, scenario))
    });
    pairs.flat_map(each).collect()
}

/// At level `observed` nothing fails, so there the observation has to be another one.
async fn sees(scenario: &Scenario, fault: &Fault, model: Model) -> Result<(), Failed> {
    let mut double = Double::start(model).await?;
    let before = match scenario.level {
        Level::Observed => Some(observation(&mut double, scenario).await?),
        _ => None,
    };
    double.switch_on(fault);
    let with = play(&mut double, scenario).await;
    let is_changed = before.is_some_and(|before| before != with.judgement.observation);
    match with.outcome.is_violation() || is_changed {
        true => Ok(()),
        false => Err(format!("the fault goes unseen: {}", told(&with)).into()),
    }
}

/// What is told twice alike: what changes by itself would change with any fault.
async fn observation(
    double: &mut Double,
    scenario: &Scenario,
) -> Result<BTreeMap<String, String>, Failed> {
    let first = play(double, scenario).await.judgement.observation;
    let second = play(double, scenario).await.judgement.observation;
    match first == second {
        true => Ok(first),
        false => Err(format!("told {first:?}, and then {second:?}").into()),
    }
}

/// Faults after which the gateway is gone, and how a case ends that meets them.
const ENDS: [(&str, Outcome); 2] = [
    ("gateway/dies-with-its-script", Outcome::Crash),
    ("gateway/stuck-after-its-script", Outcome::Hang),
];

fn ends() -> Vec<Trial> {
    let each = |(id, outcome): (&'static str, Outcome)| {
        let name = format!("ends::{id}");
        Trial::test(name, move || alone(ends_as(id, outcome)))
    };
    ENDS.into_iter().map(each).collect()
}

async fn ends_as(id: &str, outcome: Outcome) -> Result<(), Failed> {
    let fault = faults::all()
        .find(|fault| fault.id == id)
        .ok_or("the double has no such fault")?;
    let mut scenarios = catalogue().scenarios.iter();
    let named = scenarios.find(|scenario| scenario.faults.iter().any(|named| named == id));
    let scenario = named.ok_or("no scenario names it")?;
    let mut double = Double::start(Model::Cgi).await?;
    double.switch_on(fault);
    let played = play(&mut double, scenario).await;
    match played.outcome == outcome {
        true => Ok(()),
        false => Err(told(&played).into()),
    }
}

fn spares() -> Vec<Trial> {
    let each = |(number, (fault, said)): (usize, (&'static Fault, _))| {
        let name = format!("spares::{}", fault.id);
        Trial::test(name, move || alone(leaves_alone(fault, said, number)))
    };
    known_faults().enumerate().map(each).collect()
}

/// Plays what the fault must not touch, each scenario for one model: another one with each fault.
async fn leaves_alone(fault: &Fault, said: &scenario::Fault, number: usize) -> Result<(), Failed> {
    let others = catalogue()
        .scenarios
        .iter()
        .filter(|scenario| !said.breaks(&scenario.requirements) && is_light(scenario));
    let mut touched = Vec::new();
    for (index, scenario) in others.enumerate() {
        let models: Vec<Model> = models(scenario).collect();
        let Some(&model) = models.get((number + index) % models.len().max(1)) else {
            continue;
        };
        let mut double = Double::start(model).await?;
        double.switch_on(fault);
        let played = play(&mut double, scenario).await;
        if verdict(scenario, &played) != baseline(scenario, model).await? {
            touched.push(format!("{} [{model}]: {}", scenario.id, told(&played)));
        }
    }
    match touched.is_empty() {
        true => Ok(()),
        false => Err(touched.join("\n").into()),
    }
}

/// Whether a scenario is cheap enough to be played once for each fault.
fn is_light(scenario: &Scenario) -> bool {
    octets(scenario) <= LIGHT_OCTETS && waits(scenario) <= LIGHT_WAIT
}

/// What goes over the wire, both ways, where the scenario says so.
fn octets(scenario: &Scenario) -> u64 {
    let sent = scenario.script(&Place::new("", "localhost:80")).actions;
    let sent = sent.iter().map(|action| match action {
        Action::Send(octets) => octets.len() as u64,
        Action::SendPattern { size, .. } => *size,
        _ => 0,
    });
    sent.sum::<u64>() + scenario.probe.size.unwrap_or(0)
}

/// What the scenario waits for by its own script.
fn waits(scenario: &Scenario) -> Duration {
    let actions = scenario.script(&Place::new("", "localhost:80")).actions;
    let pauses = actions.iter().filter_map(|action| match action {
        Action::Pause(pause) => Some(*pause),
        _ => None,
    });
    let probe = &scenario.probe;
    let pieces = u32::try_from(probe.chunks.unwrap_or(1)).unwrap_or(u32::MAX);
    let delay = probe.delay.map_or(Duration::ZERO, |delay| delay.0);
    let between = probe.pause.map_or(Duration::ZERO, |pause| pause.0 * pieces);
    pauses.sum::<Duration>() + delay + between
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
async fn baseline(scenario: &'static Scenario, model: Model) -> Result<Verdict, Failed> {
    static VERDICTS: Mutex<BTreeMap<(&str, Model), Verdict>> = Mutex::new(BTreeMap::new());
    let verdicts = || VERDICTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = verdicts().get(&(scenario.id.as_str(), model)).cloned();
    if let Some(verdict) = known {
        return Ok(verdict);
    }
    let played = play(&mut Double::start(model).await?, scenario).await;
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
        "{}, expected {}, actual {}, observed {observation:?}",
        played.outcome.word(),
        said(expected),
        said(actual),
    )
}

/// `faults.toml`, the scenarios and the doubles speak of the same faults.
fn agreement() -> Trial {
    Trial::test("every_fault_is_said_done_and_looked_for", || {
        let catalogue = catalogue();
        let done: BTreeSet<&str> = faults::all().map(|fault| fault.id).collect();
        let said: BTreeSet<&str> = catalogue
            .faults
            .iter()
            .map(|fault| fault.id.as_str())
            .collect();
        let named = catalogue
            .scenarios
            .iter()
            .flat_map(|scenario| &scenario.faults);
        let looked_for: BTreeSet<&str> = named.map(String::as_str).collect();
        let unplayed = catalogue
            .scenarios
            .iter()
            .filter(|s| models(s).next().is_none());
        let unplayed: BTreeSet<&str> = unplayed.map(|scenario| scenario.id.as_str()).collect();
        let lists = [
            ("in faults.toml, not done by the double", &said - &done),
            ("done by the double, not in faults.toml", &done - &said),
            ("looked for by no scenario", &said - &looked_for),
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
