//! What every pairing of a run shares: programs, engine, how each gateway is started, and why.

use std::{collections::HashMap, path::PathBuf};

use crate::{
    event::{Event, Observer},
    gateways::Gateway,
    images,
    launch::{
        Engine, EngineError, Obtained, Via,
        choose::{Preference, Wish},
        obtain, sweep,
        version::output,
    },
    programs::Programs,
    results::{Role, Subject},
};

/// How the user wants subjects to be started.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Container, process, or what is there.
    pub via: Preference,
    /// `--image NAME=IMAGE`.
    pub images: HashMap<String, String>,
    /// `--binary NAME=PATH`.
    pub binaries: HashMap<String, PathBuf>,
}

/// A gateway that is ready to be started.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// As a process or from which image.
    pub via: Via,
    /// Why that way.
    pub why: String,
    /// What the program told of itself.
    pub about: String,
    /// Its version.
    pub version: Option<String>,
}

/// The bench, set up.
pub struct Bench {
    /// The project's own programs.
    pub programs: Programs,
    wishes: Wishes,
    engine: Result<Engine, EngineError>,
    gateways: HashMap<&'static str, Prepared>,
    own_version: String,
}

impl Bench {
    /// Looks for the bench's own programs and for a container engine.
    ///
    /// # Errors
    /// When a program of the bench is missing or does not run.
    pub async fn set_up(wishes: Wishes) -> anyhow::Result<Self> {
        let programs = Programs::find()?;
        let engine = Engine::connect().await;
        // What an earlier run left behind must not be in the way of this one.
        sweep(engine.as_ref().ok()).await?;
        let own = Via::Process {
            program: programs.gateserve.clone(),
        };
        let version = output(&own, "gateserve", &["--version"]).await?;
        let own_version = version
            .split_whitespace()
            .last()
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            programs,
            wishes,
            engine,
            gateways: HashMap::new(),
            own_version,
        })
    }

    /// Makes a gateway ready to be started; an image may have to be pulled or built.
    ///
    /// # Errors
    /// When it can be started in no way: every reason, and what to try.
    pub async fn add(
        &mut self,
        gateway: &'static dyn Gateway,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<()> {
        if !self.gateways.contains_key(gateway.name()) {
            let prepared = self.prepare(gateway, observer).await?;
            observer.event(&Event::Note(&format!(
                "{}: {}",
                gateway.name(),
                prepared.why
            )));
            self.gateways.insert(gateway.name(), prepared);
        }
        Ok(())
    }

    async fn prepare(
        &self,
        gateway: &'static dyn Gateway,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<Prepared> {
        let Obtained { via, why, .. } = match gateway.program() {
            None => Obtained {
                via: Via::Process {
                    program: self.programs.gateserve.clone(),
                },
                why: "comes with the bench, as a process".to_owned(),
                image: None,
            },
            Some(program) => {
                let wish = self.wish(gateway.name(), program);
                obtain(&wish, &self.engine, images::find(gateway.name()), observer).await?
            }
        };
        let program = gateway.program().unwrap_or("gateserve");
        let about = output(&via, program, gateway.about()).await?;
        let version = gateway.version(&about);
        Ok(Prepared {
            via,
            why,
            about,
            version,
        })
    }

    fn wish<'a>(&'a self, name: &'a str, program: &'a str) -> Wish<'a> {
        let Wishes {
            via,
            images,
            binaries,
        } = &self.wishes;
        let image = images.get(name).map(String::as_str);
        let binary = binaries.get(name).map(PathBuf::as_path);
        Wish {
            name,
            program,
            via: *via,
            image,
            binary,
        }
    }

    /// The container engine, where one answers.
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref().ok()
    }

    /// How a gateway was prepared.
    ///
    /// # Panics
    /// If the gateway was not among the wanted ones.
    pub fn gateway(&self, gateway: &dyn Gateway) -> &Prepared {
        self.gateways
            .get(gateway.name())
            .expect("the plan's gateways are prepared at set-up")
    }

    /// The notes on what was chosen and why.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .gateways
            .iter()
            .map(|(name, prepared)| format!("{name}: {}", prepared.why))
            .collect();
        notes.sort();
        notes
    }

    /// A gateway as the results list it.
    pub fn gateway_subject(&self, gateway: &dyn Gateway, variant: &str, id: String) -> Subject {
        let prepared = self.gateway(gateway);
        let (via, image) = match &prepared.via {
            Via::Container { image, .. } => ("container", Some(image.clone())),
            Via::Process { .. } if gateway.program().is_none() => ("builtin", None),
            Via::Process { .. } => ("process", None),
        };
        Subject {
            id,
            name: gateway.name().to_owned(),
            variant: (gateway.variants().len() > 1).then(|| variant.to_owned()),
            role: Role::Gateway,
            version: prepared.version.clone(),
            via: via.to_owned(),
            image,
        }
    }

    /// A backend as the results list it.
    pub fn backend_subject(&self, id: &str) -> Subject {
        let (name, variant) = id.split_once(':').map_or((id, None), |(n, v)| (n, Some(v)));
        Subject {
            id: id.to_owned(),
            name: name.to_owned(),
            variant: variant.map(str::to_owned),
            role: Role::Backend,
            version: Some(self.own_version.clone()),
            via: "process".to_owned(),
            image: None,
        }
    }
}
