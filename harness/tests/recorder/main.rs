//! The recorder behind real gateways: a handful of scenarios for each protocol, on the builtin
//! gateway and on nginx where that is installed. A scenario named `wrong-…` expects what no gateway
//! does and has to fail: a recorder that sees nothing would pass everything else.

#[path = "../support/mod.rs"]
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
    gateways::{self, Gateway},
    launch::choose::find_program,
    model::Model,
    outcome::Outcome,
    run::Session,
    scenario::{KnownList, Scenario, load_dir},
    seating::{Fronted, Recorder, Seating},
};
use libtest_mimic::{Arguments, Failed, Trial};

/// Gateways that the recorder is tested behind.
const GATEWAYS: [&str; 2] = ["builtin", "nginx"];

fn main() -> ExitCode {
    // Gateways are started one at a time.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorder/scenarios");
    let catalogue = load_dir(&folder).unwrap_or_else(|error| panic!("{error}"));
    let stage = Arc::new(Mutex::new(Stage::default()));
    let mut trials = Vec::new();
    for name in GATEWAYS {
        let gateway = gateways::named(name).expect("it is known");
        let missing = gateway.program().filter(|program| !is_installed(program));
        for model in Model::ALL {
            let executes = !model.is_cgi() || (model == Model::Cgi && gateway.executes());
            if !gateway.speaks().contains(&model) || !executes {
                continue;
            }
            for scenario in catalogue.scenarios.iter().filter(|one| one.applies(model)) {
                let name = format!("{}::{model}::{name}", scenario.id);
                let (scenario, stage) = (scenario.clone(), stage.clone());
                let trial = Trial::test(name, move || {
                    let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
                    stage.play(gateway, model, &scenario)
                });
                trials.push(trial.with_ignored_flag(missing.is_some()));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn is_installed(program: &str) -> bool {
    find_program(program, env::var_os("PATH").as_deref()).is_some()
}

/// The gateway that stands at present; the next one takes its place.
#[derive(Default)]
struct Stage {
    bench: Option<Arc<Bench>>,
    standing: Option<(String, Session)>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Stage {
    fn play(
        &mut self,
        gateway: &'static dyn Gateway,
        model: Model,
        scenario: &Scenario,
    ) -> Result<(), Failed> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        };
        let ended = runtime.block_on(self.play_on(gateway, model, scenario));
        self.runtime = Some(runtime);
        ended
    }

    async fn play_on(
        &mut self,
        gateway: &'static dyn Gateway,
        model: Model,
        scenario: &Scenario,
    ) -> Result<(), Failed> {
        let name = format!("{} {model}", gateway.name());
        if self
            .standing
            .as_ref()
            .is_none_or(|(other, _)| *other != name)
        {
            self.standing = None;
            let bench = self.bench().await?;
            let variant = gateway.variants()[0];
            let fronted = Fronted::Known { gateway, variant };
            let seating = Seating::Recorder(Recorder { model, fronted });
            self.standing = Some((name, Session::new(seating, bench, KnownList::default())));
        }
        let (_, session) = self.standing.as_mut().expect("it was set");
        let ended = session.play(scenario).await;
        let has_to_fail = scenario.id.contains("/wrong-");
        match (ended.result.outcome, has_to_fail) {
            (Outcome::Pass, false) | (Outcome::Fail, true) => Ok(()),
            (outcome, _) => Err(format!(
                "{}\nexpected: {:?}\nactual:   {:?}\nreason:   {:?}\n{}",
                outcome.word(),
                ended.result.expected,
                ended.result.actual,
                ended.result.reason,
                ended.transcript.unwrap_or_default(),
            )
            .into()),
        }
    }

    async fn bench(&mut self) -> Result<Arc<Bench>, Failed> {
        if let Some(bench) = &self.bench {
            return Ok(bench.clone());
        }
        support::build_programs();
        let mut bench = Bench::set_up(Wishes::default()).await?;
        for name in GATEWAYS {
            // One that is not installed is ignored by name.
            let gateway = gateways::named(name).expect("it is known");
            bench.add(gateway, &mut Silent).await.ok();
        }
        Ok(self.bench.insert(Arc::new(bench)).clone())
    }
}
