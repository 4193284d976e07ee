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
    /// A version that the user did not say where to find.
    #[error("{0}: give the version by --image {1}=IMAGE or --binary {1}=PATH")]
    Version(String, String),
    /// A prefix that selects nothing.
    #[error(transparent)]
    Scenario(#[from] NoSuchScenario),
    /// A level or shard that leaves nothing.
    #[error("the level or the shard leaves no scenario; `gatebench list scenarios` shows them all")]
    Nothing,
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
        let models = if selection.models.is_empty() {
            &Model::DEFAULT[..]
        } else {
            &selection.models
        };
        let default = |name: &str| SubjectId {
            name: name.to_owned(),
            version: None,
            variant: None,
        };
        let mut fronts = selection.gateways.clone();
        if fronts.is_empty() {
            fronts.push(default(default_gateway));
        }
        let mut backs = selection.backends.clone();
        if backs.is_empty() {
            backs.push(default("gateserve"));
        }
        let backs: Vec<_> = expand_backends(&backs)?;
        let mut groups = Vec::new();
        for (gateway, variant) in expand_gateways(&fronts)? {
            for &backend in &backs {
                let with = |&model| Pairing {
                    gateway,
                    variant,
                    model,
                    backend,
                };
                groups.push(models.iter().map(with).collect());
            }
        }
        let scenarios = select(selection, catalogue)?;
        Ok(Self { groups, scenarios })
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

fn expand_gateways(
    asked: &[SubjectId],
) -> Result<Vec<(&'static dyn Gateway, &'static str)>, BadSelection> {
    let mut found = Vec::new();
    for id in asked {
        if id.name == "all" {
            found.extend(
                GATEWAYS
                    .iter()
                    .map(|gateway| (*gateway, gateway.variants()[0])),
            );
            continue;
        }
        versionless(id)?;
        let known = || GATEWAYS.iter().map(|gateway| gateway.name());
        let gateway =
            gateways::named(&id.name).ok_or_else(|| unknown("gateway", &id.name, known()))?;
        found.push((gateway, variant(gateway, id.variant.as_deref())?));
    }
    Ok(found)
}

fn expand_backends(asked: &[SubjectId]) -> Result<Vec<&'static dyn Backend>, BadSelection> {
    let mut found = Vec::new();
    for id in asked {
        if id.name == "all" {
            found.extend(BACKENDS.iter().copied());
            continue;
        }
        versionless(id)?;
        let known = || BACKENDS.iter().map(|backend| backend.name());
        found.push(backends::named(&id.name).ok_or_else(|| unknown("backend", &id.name, known()))?);
    }
    Ok(found)
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

fn versionless(id: &SubjectId) -> Result<(), BadSelection> {
    match &id.version {
        Some(_) => Err(BadSelection::Version(id.to_string(), id.name.clone())),
        None => Ok(()),
    }
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
