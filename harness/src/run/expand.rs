//! From names on the command line to the gateways and backends that the bench knows.

use super::plan::BadSelection;
use crate::{
    backends::{self, BACKENDS, Backend},
    gateways::{self, GATEWAYS, Gateway},
    model::Model,
    subject::SubjectId,
};

/// A gateway and one of its variants.
pub(super) type Front = (&'static dyn Gateway, &'static str);

pub(super) fn expand_gateways(asked: &[SubjectId]) -> Result<Vec<Front>, BadSelection> {
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
pub(super) type Back = (&'static dyn Backend, Vec<Model>);

pub(super) fn expand_backends(
    asked: &[SubjectId],
    models: &[Model],
) -> Result<Vec<Back>, BadSelection> {
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

/// Each once, in the order of their first.
pub(super) fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

pub(super) fn words(models: &[Model]) -> String {
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
