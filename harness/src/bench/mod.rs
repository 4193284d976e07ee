//! What every pairing of a run shares: programs, engine, how each gateway is started, and why.

mod compile;
mod wishes;

use std::{collections::HashMap, path::PathBuf};

use anyhow::bail;

use crate::{
    backends::Backend,
    event::{Event, Observer},
    gateways::{self, Gateway},
    images,
    launch::{
        Engine, EngineError, Obtained, Via,
        choose::{Preference, Wish},
        inherited, obtain, sweep,
        version::output,
    },
    programs::Programs,
    results::{Role, Subject},
    scenario::{self, AppFile},
    subject::SubjectId,
};

pub use wishes::{BadWish, Editions, Wishes};

/// A subject that is there, in another version than the one that was asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{asked} was asked for, but {name} here is {version}; choose another with \
     --image {name}=IMAGE or --binary {name}=PATH"
)]
pub struct WrongVersion {
    asked: String,
    name: String,
    version: String,
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
    /// WSGI applications of the scenarios, for backends that run such; those that are part of the
    /// program unless other scenarios are played.
    pub apps: Vec<AppFile>,
    wishes: Wishes,
    engine: Result<Engine, EngineError>,
    gateways: HashMap<&'static str, Prepared>,
    backends: HashMap<&'static str, Prepared>,
    own_version: String,
    notes: Vec<String>,
    /// By plain names, versions that ids tell since another one runs beside.
    labels: HashMap<String, String>,
}

impl Bench {
    /// Looks for the bench's own programs and for a container engine.
    ///
    /// # Errors
    /// When a program of the bench is missing or does not run.
    pub async fn set_up(wishes: Wishes) -> anyhow::Result<Self> {
        inherited::keep_from_subjects();
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
            apps: scenario::embedded_apps(),
            wishes,
            engine,
            gateways: HashMap::new(),
            backends: HashMap::new(),
            own_version,
            notes: Vec::new(),
            labels: HashMap::new(),
        })
    }

    /// A bench that starts nothing: what is judged runs already.
    pub async fn idle(wishes: Wishes) -> Self {
        Self {
            programs: Programs::default(),
            apps: Vec::new(),
            wishes,
            engine: Engine::connect().await,
            gateways: HashMap::new(),
            backends: HashMap::new(),
            own_version: env!("CARGO_PKG_VERSION").to_owned(),
            notes: Vec::new(),
            labels: HashMap::new(),
        }
    }

    /// From now on ids of this subject tell its version, `name@version`, for another one runs
    /// beside it.
    pub fn tell_version(&mut self, name: &str, version: String) {
        self.labels.insert(name.to_owned(), version);
    }

    /// A subject id as the results give it.
    pub fn id(&self, id: String) -> String {
        let name = id.split(':').next().unwrap_or_default();
        match self.labels.get(name) {
            Some(version) => id.replacen(name, &format!("{name}@{version}"), 1),
            None => id,
        }
    }

    /// The version that a subject tells.
    pub fn version(&self, name: &str) -> Option<&str> {
        let prepared = self.gateways.get(name).or_else(|| self.backends.get(name));
        match prepared {
            Some(prepared) => prepared.version.as_deref(),
            None => Some(&self.own_version),
        }
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
            self.note(format!("{}: {}", gateway.name(), prepared.why), observer);
            self.gateways.insert(gateway.name(), prepared);
        }
        Ok(())
    }

    /// The gateway to take where none was asked for: nginx where it can be started, else the
    /// built-in one; a note says why.
    ///
    /// # Errors
    /// nginx cannot be started, and the user's wishes leave no other.
    pub async fn default_gateway(
        &mut self,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<&'static str> {
        let nginx = gateways::named("nginx").expect("the bench knows nginx");
        match self.add(nginx, observer).await {
            Ok(()) => Ok(nginx.name()),
            Err(why) if self.wishes.insist_on(nginx.name()) => Err(why),
            Err(why) => {
                self.note(format!("the built-in gateway is used: {why}"), observer);
                Ok("builtin")
            }
        }
    }

    /// Whether what was asked for by version is what is there.
    ///
    /// # Errors
    /// Tells the version that is there.
    pub fn verify(&self, asked: &SubjectId) -> Result<(), WrongVersion> {
        let version = self.version(&asked.name);
        match asked.means(version) {
            true => Ok(()),
            false => Err(WrongVersion {
                asked: asked.to_string(),
                name: asked.name.clone(),
                version: version.unwrap_or("of unknown version").to_owned(),
            }),
        }
    }

    /// Tells something that belongs to the results as well.
    pub(crate) fn note(&mut self, note: String, observer: &mut dyn Observer) {
        observer.event(&Event::Note(&note));
        self.notes.push(note);
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
                let programs = [&[program], gateway.aliases()].concat();
                let wish = self.wishes.of(gateway.name(), &programs);
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

    /// Makes a backend ready to be started; an image may have to be pulled or built.
    ///
    /// # Errors
    /// When it can be started in no way: every reason, and what to try.
    pub async fn add_backend(
        &mut self,
        backend: &'static dyn Backend,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<()> {
        let name = backend.name();
        if self.backends.contains_key(name) {
            return Ok(());
        }
        if backend.programs().is_empty() {
            return match self.wishes.insist_on_program(name) {
                true => self.add_own(name, observer).await,
                false => Ok(()),
            };
        }
        let own = self.compiled(backend);
        let wish = Wish {
            own: own.as_deref(),
            ..self.wishes.of(name, backend.programs())
        };
        let Obtained { via, why, .. } =
            obtain(&wish, &self.engine, images::find(name), observer).await?;
        let about = output(&via, wish.program, backend.about()).await?;
        let Some(version) = backend.version(&about) else {
            let last = about.lines().last().unwrap_or_default();
            let source = backend.source();
            bail!("{name} is not available: {why}, but it says `{last}`; try {source}");
        };
        self.note(format!("{name} {version}: {why}"), observer);
        let prepared = Prepared {
            via,
            why,
            about,
            version: Some(version),
        };
        self.backends.insert(name, prepared);
        Ok(())
    }

    /// The backend's program, made here where a process could be wanted.
    fn compiled(&self, backend: &dyn Backend) -> Option<PathBuf> {
        let source = backend.c_source()?;
        let is_named = self.wishes.binaries.contains_key(backend.name());
        let in_container = self.wishes.via == Preference::Container;
        match !is_named && !in_container {
            true => {
                let libraries = backend.c_libraries();
                compile::program(backend.programs()[0], source, libraries)
            }
            false => None,
        }
    }

    /// Makes another build of a backend ready that comes with the bench.
    async fn add_own(
        &mut self,
        name: &'static str,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<()> {
        let programs = [name];
        let wish = self.wishes.of(name, &programs);
        let Obtained { via, why, .. } =
            obtain(&wish, &self.engine, images::find(name), observer).await?;
        let about = output(&via, name, &["--version"]).await?;
        let version = about.split_whitespace().last().map(str::to_owned);
        self.note(format!("{name}: {why}"), observer);
        let prepared = Prepared {
            via,
            why,
            about,
            version,
        };
        self.backends.insert(name, prepared);
        Ok(())
    }

    /// How a backend was prepared; `None` for one that comes with the bench.
    ///
    /// # Panics
    /// If the backend was not among the wanted ones.
    pub fn backend(&self, backend: &dyn Backend) -> Option<&Prepared> {
        let prepared = self.backends.get(backend.name());
        assert!(
            prepared.is_some() || backend.programs().is_empty(),
            "the plan's backends are prepared at set-up"
        );
        prepared
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
    pub fn notes(&self) -> &[String] {
        &self.notes
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
            options: Vec::new(),
        }
    }

    /// A backend as the results list it.
    pub fn backend_subject(&self, id: &str) -> Subject {
        let (name, variant) = id.split_once(':').map_or((id, None), |(n, v)| (n, Some(v)));
        let prepared = self.backends.get(name);
        let version = match prepared {
            Some(prepared) => prepared.version.clone(),
            None => Some(self.own_version.clone()),
        };
        let image = prepared.and_then(|prepared| match &prepared.via {
            Via::Container { image, .. } => Some(image.clone()),
            Via::Process { .. } => None,
        });
        Subject {
            id: id.to_owned(),
            name: name.to_owned(),
            variant: variant.map(str::to_owned),
            role: Role::Backend,
            version,
            via: prepared
                .map_or("process", |prepared| prepared.via.word())
                .to_owned(),
            image,
            options: Vec::new(),
        }
    }
}
