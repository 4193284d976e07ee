//! What to run: the user's selection against what the bench knows.

use super::expand::{
    Back, Front, default_models, distinct, expand_backends, expand_gateways, words,
};
use crate::{
    backends::Backend,
    gateways::Gateway,
    model::Model,
    outcome::Level,
    pairing::Pairing,
    report::{findings::plural, view::plain_name},
    scenario::{Catalogue, Kind, NoSuchScenario, Scenario},
    seating::{Driver, Fronted, Judged, Recorder, Seating},
    subject::SubjectId,
};

/// What the user asked for.
#[derive(Clone, Default)]
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
    /// What runs already: it alone is judged, and nothing is started.
    pub running: Option<Seating>,
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
    /// Scenarios that cannot be played on what runs already.
    #[error(
        "none of the selected scenarios can be played on {at} over {model}{needs}; \
         `gatebench list scenarios` shows them all"
    )]
    Running {
        /// Its address.
        at: String,
        /// What is spoken.
        model: Model,
        /// What they lack there.
        needs: &'static str,
    },
    /// Scenarios that the models cannot express.
    #[error("none of the scenarios is for {asked}; they are for {known}")]
    Models {
        /// The models that were asked for.
        asked: String,
        /// Those that at least one of the scenarios is for.
        known: String,
    },
}

/// The work of a run.
pub struct Plan {
    /// Seatings whose models are compared with each other.
    groups: Vec<Vec<Seating>>,
    /// The selected scenarios in the catalogue's order.
    pub scenarios: Vec<Scenario>,
    /// Whether scenarios were asked for by their ids.
    by_id: bool,
    /// Pairings of `all` that cannot be: why, and how many are so.
    left_out: Vec<(String, usize)>,
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
        if let Some(running) = &selection.running {
            return Self::on(running, select(selection, catalogue)?);
        }
        let default = default_models(&selection.backends);
        let models = distinct(or_default(&selection.models, &default));
        let fronts = or_default(&selection.gateways, &[SubjectId::plain(default_gateway)]);
        let backs = or_default(&selection.backends, &[SubjectId::plain("gateserve")]);
        let backs = expand_backends(&backs, &models)?;
        let mut groups = Vec::new();
        for (gateway, variant) in expand_gateways(&fronts)? {
            for (backend, models) in &backs {
                let with = |&model| {
                    Seating::Pairing(Pairing {
                        gateway,
                        variant,
                        model,
                        backend: *backend,
                    })
                };
                groups.push(models.iter().map(with).collect());
            }
        }
        groups.extend(alone(
            selection,
            &models,
            &expand_gateways(&fronts)?,
            &backs,
        ));
        let scenarios = select(selection, catalogue)?;
        let left_out = thin_out(&mut groups, selection);
        for group in &mut groups {
            // Gateway and backend are there to be measured as well; the harness alone is not.
            let has_case = |seating: &Seating| scenarios.iter().any(|one| seating.takes(one));
            group.retain(|seating| seating.pairing().is_some() || has_case(seating));
        }
        groups.retain(|group| !group.is_empty());
        let plan = Self {
            groups,
            scenarios,
            by_id: !selection.scenarios.is_empty(),
            left_out,
        };
        match plan.cases() {
            0 => Err(plan.for_other_models(&models)),
            _ => Ok(plan),
        }
    }

    /// The work on what runs already.
    fn on(running: &Seating, scenarios: Vec<Scenario>) -> Result<Self, BadSelection> {
        let plan = Self {
            groups: vec![vec![running.clone()]],
            scenarios,
            by_id: true,
            left_out: Vec::new(),
        };
        if plan.cases() > 0 {
            return Ok(plan);
        }
        let ids = [running.gateway_id(), running.backend_id()];
        Err(BadSelection::Running {
            at: ids.into_iter().flatten().collect(),
            model: running.model(),
            needs: match plan.without_probe() {
                0 => "",
                _ => " without the probe",
            },
        })
    }

    /// How many scenarios are left out because no probe answers where they would be played.
    pub fn without_probe(&self) -> usize {
        let lacks = |one: &Scenario| self.seatings().any(|seating| seating.lacks_probe_for(one));
        self.scenarios.iter().filter(|one| lacks(one)).count()
    }

    fn for_other_models(&self, asked: &[Model]) -> BadSelection {
        let applies = |model: &Model| self.scenarios.iter().any(|one| one.applies(*model));
        let known: Vec<Model> = Model::ALL.into_iter().filter(applies).collect();
        BadSelection::Models {
            asked: words(asked),
            known: words(&known),
        }
    }

    /// Seatings whose models are compared with each other; those without a case are left out.
    pub fn groups(&self) -> &[Vec<Seating>] {
        &self.groups
    }

    /// Everything that cases are played on, in order.
    pub fn seatings(&self) -> impl Iterator<Item = &Seating> + '_ {
        self.groups.iter().flatten()
    }

    /// All pairings in order: what throughput is measured on.
    pub fn pairings(&self) -> impl Iterator<Item = Pairing> + '_ {
        self.seatings().filter_map(Seating::pairing)
    }

    /// The scenarios that can be played on a seating. Of WSGI applications a backend without WSGI
    /// only hears where somebody asks for them by name: a verdict on each would say the same.
    pub fn scenarios_for(&self, seating: &Seating) -> Vec<&Scenario> {
        let speaks_of =
            |scenario: &&Scenario| self.by_id || seating.runs_wsgi() || !scenario.needs_wsgi();
        let all = self.scenarios.iter();
        all.filter(|scenario| seating.takes(scenario))
            .filter(speaks_of)
            .collect()
    }

    /// The backends to prepare, each once.
    pub fn backends(&self) -> Vec<&'static dyn Backend> {
        let mut backends: Vec<&'static dyn Backend> = Vec::new();
        for backend in self.seatings().filter_map(Seating::backend) {
            if !backends.iter().any(|known| known.name() == backend.name()) {
                backends.push(backend);
            }
        }
        backends
    }

    /// How many cases there are.
    pub fn cases(&self) -> usize {
        self.seatings()
            .map(|seating| self.scenarios_for(seating).len())
            .sum()
    }

    /// What is to be done, in a sentence: `6 pairings end to end, … : 1200 cases`.
    pub fn sentence(&self) -> String {
        let of = |kind, one: &str| {
            let count = self.seatings().filter(|seat| seat.kind() == kind).count();
            (count > 0).then(|| format!("{} {one}", plural(count, "pairing")))
        };
        let parts = [
            of(Kind::EndToEnd, "end to end"),
            of(Kind::Backend, "of the driver with a backend"),
            of(Kind::Gateway, "of a gateway with the recorder"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        format!("{}: {}", parts.join(", "), plural(self.cases(), "case"))
    }

    /// Keeps only what this subject takes part in.
    pub fn keep(&mut self, name: &str) {
        self.retain(|names| names.contains(&name));
    }

    /// Leaves out what this subject takes part in.
    pub fn leave_out(&mut self, name: &str) {
        self.retain(|names| !names.contains(&name));
    }

    /// Keeps the seatings for whose plain names it holds.
    fn retain(&mut self, holds: impl Fn(&[&str]) -> bool) {
        for group in &mut self.groups {
            group.retain(|seating| {
                let ids = [seating.gateway_id(), seating.backend_id()];
                let names = ids.iter().flatten().map(|id| plain_name(id));
                holds(&names.collect::<Vec<_>>())
            });
        }
        self.groups.retain(|group| !group.is_empty());
    }

    /// What was left out of `all` since it cannot be, a sentence for each reason.
    pub fn left_out(&self) -> Vec<String> {
        let told = |(why, count): &(String, usize)| match count {
            1 => format!("left out: {why}"),
            _ => format!("left out: {why} ({count} pairings)"),
        };
        self.left_out.iter().map(told).collect()
    }

    /// The gateways to prepare, each once.
    pub fn gateways(&self) -> Vec<&'static dyn Gateway> {
        let mut gateways: Vec<&'static dyn Gateway> = Vec::new();
        for gateway in self.seatings().filter_map(Seating::gateway) {
            if !gateways.iter().any(|known| known.name() == gateway.name()) {
                gateways.push(gateway);
            }
        }
        gateways
    }
}

/// Leaves out what is there twice, since a gateway that executes programs itself needs no backend;
/// and of `all`, what cannot be: who asks for everything knows that not everything goes together.
fn thin_out(groups: &mut [Vec<Seating>], asked: &Selection) -> Vec<(String, usize)> {
    let is_all = |id: &SubjectId| id.is_plain() && id.name == "all";
    let of_all = asked.gateways.iter().chain(&asked.backends).any(is_all);
    let (mut seen, mut left_out) = (Vec::new(), Vec::<(String, usize)>::new());
    let mut stays = |seating: &Seating| {
        let Some(why) = seating.unsupported().filter(|_| of_all) else {
            let slug = seating.slug();
            let is_new = !seen.contains(&slug);
            seen.push(slug);
            return is_new;
        };
        match left_out.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => left_out.push((why, 1)),
        }
        false
    };
    for group in groups {
        group.retain(&mut stays);
    }
    left_out
}

/// The seatings in which the harness takes one side: every backend before a driver and every
/// gateway before a recorder. Who asks for the one side only wants to hear of that one.
fn alone(
    selection: &Selection,
    models: &[Model],
    fronts: &[Front],
    backs: &[Back],
) -> Vec<Vec<Seating>> {
    let (asks_front, asks_back) = (&selection.gateways, &selection.backends);
    let mut groups = Vec::new();
    if asks_front.is_empty() || !asks_back.is_empty() {
        groups.extend(
            backs
                .iter()
                .map(|(backend, models)| drivers(*backend, models)),
        );
    }
    if asks_back.is_empty() || !asks_front.is_empty() {
        groups.extend(fronts.iter().map(|front| recorders(*front, models)));
    }
    groups
}

/// A backend in every protocol that the harness can speak to it itself.
fn drivers(backend: &'static dyn Backend, models: &[Model]) -> Vec<Seating> {
    let spoken = models.iter().filter_map(|model| backend.driven(*model));
    let with = |model| {
        let judged = Judged::Known(backend);
        Seating::Driver(Driver { model, judged })
    };
    distinct(spoken.collect()).into_iter().map(with).collect()
}

/// A gateway in every protocol that it speaks to a backend.
fn recorders((gateway, variant): Front, models: &[Model]) -> Vec<Seating> {
    let executes = gateway.executes();
    // Whether a program is executed or forked is decided behind the gateway.
    let spoken = |model: &&Model| match model {
        Model::Cgi => executes && gateway.reaches(**model),
        Model::CgiWarm => false,
        own => gateway.reaches(**own),
    };
    let with = |&model| {
        let fronted = Fronted::Known { gateway, variant };
        Seating::Recorder(Recorder { model, fronted })
    };
    let there = models.iter().filter(|model| gateway.has(variant, **model));
    there.filter(spoken).map(with).collect()
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

fn or_default<T: Clone>(asked: &[T], default: &[T]) -> Vec<T> {
    match asked {
        [] => default.to_vec(),
        asked => asked.to_vec(),
    }
}

#[cfg(test)]
mod tests;
