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
    results::CaseResult,
    run::{Plan, Selection, Session},
    scenario::{Catalogue, Kind, Scenario, load_embedded},
    seating::Seating,
    subject::SubjectId,
};
use libtest_mimic::{Arguments, Failed, Trial};

/// The models that are tested on every gateway: those of the main job, SCGI and HTTP.
const MODELS: [Model; 5] = [
    Model::Cgi,
    Model::FastCgi,
    Model::Uwsgi,
    Model::Scgi,
    Model::Http,
];

fn main() -> ExitCode {
    // Gateways are started one at a time; the doubles' table is another test.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    let catalogue = load_embedded().expect("the built-in scenarios are sound");
    let stage = Arc::new(Mutex::new(Stage::default()));
    let mut trials = of_backend("gateserve", &catalogue, &stage);
    match find_program("python3", env::var_os("PATH").as_deref()) {
        Some(_) => {
            trials.extend(of_wsgi(&catalogue, &stage));
            trials.extend(of_warm(&catalogue, &stage));
        }
        None => trials.push(missing("gateserve:wsgi", "python3 is not on PATH")),
    }
    for name in ["builtin", "nginx"] {
        match at_hand(name) {
            Ok(()) => trials.extend(of_gateway(name, &catalogue, &stage)),
            Err(why) => trials.push(missing(name, &why)),
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What cannot be tested here, told as an ignored test.
fn missing(name: &str, why: &str) -> Trial {
    Trial::test(format!("{name} is not at hand: {why}"), || Ok(())).with_ignored_flag(true)
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
    for seating in plan.seatings() {
        trials.extend(of_seating(seating, name, &plan, stage));
    }
    trials
}

/// What the harness asks of a backend itself, without a gateway.
fn of_backend(name: &str, catalogue: &Catalogue, stage: &Arc<Mutex<Stage>>) -> Vec<Trial> {
    let selection = Selection {
        backends: vec![SubjectId::plain(name)],
        models: MODELS.to_vec(),
        ..Selection::default()
    };
    let plan = Plan::new(&selection, catalogue, "builtin").expect("the backend is known");
    let alone = |seating: &&Seating| seating.kind() == Kind::Backend;
    let mut trials = Vec::new();
    for seating in plan.seatings().filter(alone) {
        trials.extend(of_seating(seating, name, &plan, stage));
    }
    trials
}

/// The WSGI applications of the scenarios, in gateserve behind the built-in gateway.
fn of_wsgi(catalogue: &Catalogue, stage: &Arc<Mutex<Stage>>) -> Vec<Trial> {
    let name = "gateserve:wsgi";
    let selection = Selection {
        gateways: vec![SubjectId::plain("builtin")],
        backends: vec![name.parse().expect("it is a subject id")],
        models: vec![Model::FastCgi, Model::Uwsgi, Model::Scgi],
        scenarios: vec!["wsgi/".to_owned()],
        ..Selection::default()
    };
    let plan = Plan::new(&selection, catalogue, "builtin").expect("the backend is known");
    let seatings = plan.seatings();
    seatings
        .flat_map(|seating| of_seating(seating, name, &plan, stage))
        .collect()
}

/// CGI programs that are forked from a booted interpreter, behind nginx where it is at hand.
fn of_warm(catalogue: &Catalogue, stage: &Arc<Mutex<Stage>>) -> Vec<Trial> {
    let gateway = match at_hand("nginx") {
        Ok(()) => "nginx",
        Err(_) => "builtin",
    };
    let selection = Selection {
        gateways: vec![SubjectId::plain(gateway)],
        backends: vec![SubjectId::plain("gateserve")],
        models: vec![Model::CgiWarm],
        ..Selection::default()
    };
    let plan = Plan::new(&selection, catalogue, "builtin").expect("the model is known");
    let seatings = plan.seatings();
    seatings
        .flat_map(|seating| of_seating(seating, gateway, &plan, stage))
        .collect()
}

fn of_seating(seating: &Seating, name: &str, plan: &Plan, stage: &Arc<Mutex<Stage>>) -> Vec<Trial> {
    let scenarios = plan.scenarios_for(seating).into_iter();
    let trial = |scenario: &Scenario| {
        let (seating, scenario, stage) = (seating.clone(), scenario.clone(), stage.clone());
        let test = format!("{}::{}::{name}", scenario.id, seating.model());
        Trial::test(test, move || {
            let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
            verdict(&stage.play(&seating, &scenario)?)
        })
    };
    scenarios.map(trial).collect()
}

/// What stands at present; the next one takes its place.
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
    fn play(&mut self, seating: &Seating, scenario: &Scenario) -> Result<CaseResult, Failed> {
        let runtime = self.runtime.take().map_or_else(runtime, Ok)?;
        let result = runtime.block_on(self.play_on(seating, scenario));
        self.runtime = Some(runtime);
        result
    }

    async fn play_on(
        &mut self,
        seating: &Seating,
        scenario: &Scenario,
    ) -> Result<CaseResult, Failed> {
        let name = seating.slug();
        if self
            .standing
            .as_ref()
            .is_none_or(|standing| standing.name != name)
        {
            self.standing = None;
            let bench = self.bench(seating).await?;
            let known = load_embedded()?.known;
            self.standing = Some(Standing {
                name,
                session: Session::new(seating.clone(), bench, known),
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

    async fn bench(&mut self, seating: &Seating) -> Result<Arc<Bench>, Failed> {
        if let Some(bench) = &self.bench {
            return Ok(bench.clone());
        }
        support::build_programs();
        let mut bench = Bench::set_up(Wishes::default()).await.map_err(said)?;
        for name in ["builtin", "nginx"] {
            let gateway = gateways::named(name).expect("it is known");
            let prepared = bench.add(gateway, &mut Silent).await;
            let wanted = seating.gateway().map(|wanted| wanted.name());
            if wanted == Some(gateway.name()) {
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
