//! What to run: the user's selection against what the bench knows.

use crate::{
    backends::{self, BACKENDS, Backend},
    gateways::{self, GATEWAYS, Gateway},
    model::Model,
    outcome::Level,
    pairing::Pairing,
    scenario::{Catalogue, NoSuchScenario, Scenario},
    subject::SubjectId,
};

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Gateways; empty: nginx, or the built-in one where nginx cannot be started.
    pub gateways: Vec<SubjectId>,
    /// Models; empty: cgi, fastcgi, uwsgi.
    pub models: Vec<Model>,
    /// Backends; empty: gateserve.
    pub backends: Vec<SubjectId>,
    /// Scenario id prefixes; empty: all.
    pub scenarios: Vec<String>,
    /// Only this level and the ones above it.
    pub level: Option<Level>,
    /// Part I of N.
    pub shard: Option<Shard>,
}

/// Every N-th scenario, from the I-th on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// 1 to `of`.
    pub part: usize,
    /// How many parts there are.
    pub of: usize,
}

/// A selection that asks for something the bench does not have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadSelection {
    /// No such gateway or backend.
    #[error("unknown {role} `{name}`; the bench knows {known}")]
    Subject {
        /// `gateway` or `backend`.
        role: &'static str,
        /// As asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// No such variant.
    #[error("{name} has no variant `{variant}`; it has {known}")]
    Variant {
        /// Gateway.
        name: &'static str,
        /// As asked for.
        variant: String,
        /// All variants.
        known: String,
    },
    /// No such variant of a backend for any of the models.
    #[error("{name} has no variant `{variant}` for {models}; it has {known}")]
    BackendVariant {
        /// Backend.
        name: &'static str,
        /// As asked for.
        variant: String,
        /// The models that were asked for.
        models: String,
        /// Every variant with its models.
        known: String,
    },
    /// A prefix that selects nothing.
    #[error(transparent)]
    Scenario(#[from] NoSuchScenario),
    /// A level or shard that leaves nothing.
    #[error("the level or the shard leaves no scenario; `gatebench list scenarios` shows them all")]
    Nothing,
    /// Scenarios that the models cannot express.
    #[error(
        "none of the scenarios is for {0}; `gatebench list scenarios --format json` tells which models each is for"
    )]
    Models(String),
}

/// The work of a run.
pub struct Plan {
    /// Pairings that are compared with each other, by gateway and backend.
    groups: Vec<Vec<Pairing>>,
    /// The selected scenarios in the catalogue's order.
    pub scenarios: Vec<Scenario>,
}

impl Plan {
    /// Resolves a selection; `gateways` are those to take where none were asked for.
    ///
    /// # Errors
    /// Names what is not known and lists what is.
    pub fn new(
        selection: &Selection,
        catalogue: &Catalogue,
        default_gateway: &'static str,
    ) -> Result<Self, BadSelection> {
        let models = distinct(or_default(&selection.models, &Model::DEFAULT));
        let fronts = or_default(&selection.gateways, &[SubjectId::plain(default_gateway)]);
        let backs = or_default(&selection.backends, &[SubjectId::plain("gateserve")]);
        let backs = expand_backends(&backs, &models)?;
        let mut groups = Vec::new();
        for (gateway, variant) in expand_gateways(&fronts)? {
            for (backend, models) in &backs {
                let with = |&model| Pairing {
                    gateway,
                    variant,
                    model,
                    backend: *backend,
                };
                groups.push(models.iter().map(with).collect());
            }
        }
        let scenarios = select(selection, catalogue)?;
        let plan = Self { groups, scenarios };
        match plan.cases() {
            0 => Err(BadSelection::Models(words(&models))),
            _ => Ok(plan),
        }
    }

    /// Pairings whose models are compared with each other.
    pub fn groups(&self) -> &[Vec<Pairing>] {
        &self.groups
    }

    /// All pairings in order.
    pub fn pairings(&self) -> impl Iterator<Item = Pairing> + '_ {
        self.groups.iter().flatten().copied()
    }

    /// The scenarios that apply to a pairing's model.
    pub fn scenarios_for(&self, pairing: Pairing) -> Vec<&Scenario> {
        self.scenarios
            .iter()
            .filter(|scenario| scenario.applies(pairing.model))
            .collect()
    }

    /// How many cases there are.
    pub fn cases(&self) -> usize {
        self.pairings()
            .map(|pairing| self.scenarios_for(pairing).len())
            .sum()
    }

    /// The gateways to prepare, each once.
    pub fn gateways(&self) -> Vec<&'static dyn Gateway> {
        let mut gateways: Vec<&'static dyn Gateway> = Vec::new();
        for pairing in self.pairings() {
            if !gateways
                .iter()
                .any(|known| known.name() == pairing.gateway.name())
            {
                gateways.push(pairing.gateway);
            }
        }
        gateways
    }
}

fn select(selection: &Selection, catalogue: &Catalogue) -> Result<Vec<Scenario>, BadSelection> {
    let chosen = catalogue.select(&selection.scenarios)?.into_iter();
    let chosen =
        chosen.filter(|scenario| selection.level.is_none_or(|level| scenario.level <= level));
    let scenarios: Vec<Scenario> = match selection.shard {
        None => chosen.cloned().collect(),
        Some(Shard { part, of }) => chosen.skip(part - 1).step_by(of).cloned().collect(),
    };
    if scenarios.is_empty() {
        Err(BadSelection::Nothing)
    } else {
        Ok(scenarios)
    }
}

type Front = (&'static dyn Gateway, &'static str);

fn expand_gateways(asked: &[SubjectId]) -> Result<Vec<Front>, BadSelection> {
    let mut found = Vec::<Front>::new();
    for id in asked {
        let fronts = match id.name.as_str() {
            "all" if id.is_plain() => GATEWAYS.iter().map(|g| (*g, g.variants()[0])).collect(),
            name => {
                let known = || GATEWAYS.iter().map(|gateway| gateway.name());
                let gateway =
                    gateways::named(name).ok_or_else(|| unknown("gateway", name, known()))?;
                vec![(gateway, variant(gateway, id.variant.as_deref())?)]
            }
        };
        for (gateway, variant) in fronts {
            let is_same = |(other, of): &Front| (other.name(), *of) == (gateway.name(), variant);
            if !found.iter().any(is_same) {
                found.push((gateway, variant));
            }
        }
    }
    Ok(found)
}

/// A backend and the models that it is asked to serve.
type Back = (&'static dyn Backend, Vec<Model>);

fn expand_backends(asked: &[SubjectId], models: &[Model]) -> Result<Vec<Back>, BadSelection> {
    let mut found = Vec::<Back>::new();
    for id in asked {
        let backs = match id.name.as_str() {
            "all" if id.is_plain() => BACKENDS.iter().map(|b| (*b, models.to_vec())).collect(),
            name => {
                let known = || BACKENDS.iter().map(|backend| backend.name());
                let backend =
                    backends::named(name).ok_or_else(|| unknown("backend", name, known()))?;
                vec![(backend, served(backend, id.variant.as_deref(), models)?)]
            }
        };
        for (backend, models) in backs {
            match found.iter_mut().find(|(b, _)| b.name() == backend.name()) {
                Some((_, more)) => *more = distinct([more.clone(), models].concat()),
                None => found.push((backend, models)),
            }
        }
    }
    Ok(found)
}

/// The models for which a backend runs this variant of itself; all where none was asked for.
fn served(
    backend: &'static dyn Backend,
    asked: Option<&str>,
    models: &[Model],
) -> Result<Vec<Model>, BadSelection> {
    let Some(asked) = asked else {
        return Ok(models.to_vec());
    };
    let runs = |models: &[Model], variant: &str| -> Vec<Model> {
        let of_it = |model: &&Model| backend.variant(**model) == variant;
        models.iter().filter(of_it).copied().collect()
    };
    let served = runs(models, asked);
    if !served.is_empty() {
        return Ok(served);
    }
    let variants = distinct(Model::ALL.map(|model| backend.variant(model)).to_vec());
    let known = variants.into_iter().map(|variant| {
        let models = runs(backend.speaks(), variant);
        format!("{variant} ({})", words(&models))
    });
    Err(BadSelection::BackendVariant {
        name: backend.name(),
        variant: asked.to_owned(),
        models: words(models),
        known: known.collect::<Vec<_>>().join(", "),
    })
}

fn or_default<T: Clone>(asked: &[T], default: &[T]) -> Vec<T> {
    match asked {
        [] => default.to_vec(),
        asked => asked.to_vec(),
    }
}

/// Each once, in the order of their first.
fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

fn words(models: &[Model]) -> String {
    let words: Vec<_> = models.iter().map(|model| model.word()).collect();
    words.join(", ")
}

fn variant(
    gateway: &'static dyn Gateway,
    asked: Option<&str>,
) -> Result<&'static str, BadSelection> {
    let variants = gateway.variants();
    let Some(asked) = asked else {
        return Ok(variants[0]);
    };
    variants
        .iter()
        .copied()
        .find(|known| *known == asked)
        .ok_or_else(|| BadSelection::Variant {
            name: gateway.name(),
            variant: asked.to_owned(),
            known: variants.join(", "),
        })
}

fn unknown(
    role: &'static str,
    name: &str,
    known: impl Iterator<Item = &'static str>,
) -> BadSelection {
    let known = known.collect::<Vec<_>>().join(", ");
    BadSelection::Subject {
        role,
        name: name.to_owned(),
        known,
    }
}
