//! The suite as tests: one per scenario × model × gateway at hand, named so that
//! `cargo test path-info` selects. A gateway that is not at hand is named as an ignored test.

mod support;

use std::{
    env,
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use gatebench::{
    bench::{Bench, Wishes},
    event::Silent,
    gateways,
    launch::choose::find_program,
    model::Model,
    outcome::{Level, Outcome},
    pairing::Pairing,
    results::CaseResult,
    run::{Plan, Selection, Session},
    scenario::{Catalogue, Scenario, load_embedded},
    subject::SubjectId,
};
use libtest_mimic::{Arguments, Failed, Trial};

/// The models that are tested: those of the main job, and SCGI.
const MODELS: [Model; 4] = [Model::Cgi, Model::FastCgi, Model::Uwsgi, Model::Scgi];

fn main() -> ExitCode {
    // Gateways are started one at a time; the doubles' table is another test.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    let catalogue = load_embedded().expect("the built-in scenarios are sound");
    let stage = Arc::new(Mutex::new(Stage::default()));
    let mut trials = Vec::new();
    for name in ["builtin", "nginx"] {
        match at_hand(name) {
            Ok(()) => trials.extend(of_gateway(name, &catalogue, &stage)),
            Err(missing) => trials.push(
                Trial::test(format!("{name} is not at hand: {missing}"), || Ok(()))
                    .with_ignored_flag(true),
            ),
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Whether a gateway could be started here; nothing is prepared yet.
fn at_hand(name: &str) -> Result<(), String> {
    match gateways::named(name).and_then(|gateway| gateway.program()) {
        None => Ok(()),
        Some(program) => startable(program),
    }
}

/// Whether a program could be started, in a container or from PATH; why not.
fn startable(program: &str) -> Result<(), String> {
    let engine = Path::new("/var/run/docker.sock").exists() || env::var_os("DOCKER_HOST").is_some();
    if engine || find_program(program, env::var_os("PATH").as_deref()).is_some() {
        return Ok(());
    }
    Err(format!(
        "no container engine answers and {program} is not on PATH"
    ))
}

fn of_gateway(name: &str, catalogue: &Catalogue, stage: &Arc<Mutex<Stage>>) -> Vec<Trial> {
    let selection = Selection {
        gateways: vec![SubjectId::plain(name)],
        models: MODELS.to_vec(),
        ..Selection::default()
    };
    let plan = Plan::new(&selection, catalogue, "builtin").expect("the gateway is known");
    let mut trials = Vec::new();
    for pairing in plan.pairings() {
        for scenario in plan.scenarios_for(pairing) {
            let (scenario, stage) = (scenario.clone(), stage.clone());
            let test = format!("{}::{}::{name}", scenario.id, pairing.model);
            trials.push(Trial::test(test, move || {
                let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
                verdict(&stage.play(pairing, &scenario)?)
            }));
        }
    }
    trials
}

/// The pairing that stands at present; the next one takes its place.
#[derive(Default)]
struct Stage {
    bench: Option<Arc<Bench>>,
    standing: Option<Standing>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Standing {
    name: String,
    session: Session,
    /// The case before, whose subjects may have died since.
    last: Option<CaseResult>,
}

impl Stage {
    fn play(&mut self, pairing: Pairing, scenario: &Scenario) -> Result<CaseResult, Failed> {
        let runtime = self.runtime.take().map_or_else(runtime, Ok)?;
        let result = runtime.block_on(self.play_on(pairing, scenario));
        self.runtime = Some(runtime);
        result
    }

    async fn play_on(
        &mut self,
        pairing: Pairing,
        scenario: &Scenario,
    ) -> Result<CaseResult, Failed> {
        let name = format!("{} {}", pairing.gateway_id(), pairing.model);
        if self
            .standing
            .as_ref()
            .is_none_or(|standing| standing.name != name)
        {
            self.standing = None;
            let bench = self.bench(pairing).await?;
            let known = load_embedded()?.known;
            self.standing = Some(Standing {
                name,
                session: Session::new(pairing, bench, known),
                last: None,
            });
        }
        let standing = self.standing.as_mut().expect("it was set");
        if let Some(mut last) = standing.last.take()
            && standing.session.look_again(&mut last)
        {
            let how = last.actual.unwrap_or_default();
            return Err(format!("{} ended with a crash: {how}", last.scenario).into());
        }
        let result = standing.session.play(scenario).await.result;
        standing.last = Some(result.clone());
        Ok(result)
    }

    async fn bench(&mut self, pairing: Pairing) -> Result<Arc<Bench>, Failed> {
        if let Some(bench) = &self.bench {
            return Ok(bench.clone());
        }
        support::build_programs();
        let mut bench = Bench::set_up(Wishes::default()).await.map_err(said)?;
        for gateway in gateways::GATEWAYS {
            let prepared = bench.add(*gateway, &mut Silent).await;
            if gateway.name() == pairing.gateway.name() {
                prepared.map_err(said)?;
            }
        }
        Ok(self.bench.insert(Arc::new(bench)).clone())
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

fn said(error: anyhow::Error) -> Failed {
    format!("{error:#}").into()
}

/// A test fails where a run would exit 1 or 2.
fn verdict(case: &CaseResult) -> Result<(), Failed> {
    let told = |what: &Option<String>| what.clone().unwrap_or_default();
    let reason = case.reason.clone().unwrap_or_default();
    match case.outcome {
        Outcome::BenchError => Err(format!("the bench could not do its work: {reason}").into()),
        outcome if outcome.is_violation() && case.level == Level::Required && !case.known => {
            Err(format!(
                "{}\n{}\nexpected: {}\nactual:   {}\ncites:    {}",
                outcome.word(),
                case.says,
                told(&case.expected),
                told(&case.actual),
                case.requirements.join(", ")
            )
            .into())
        }
        _ => Ok(()),
    }
}
