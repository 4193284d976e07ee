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
            "all" if id.is_plain() => {
                let all = BACKENDS.iter();
                all.map(|backend| (*backend, models.to_vec())).collect()
            }
            name => {
                let known = || distinct(BACKENDS.iter().map(|backend| backend.name()).collect());
                let plain = backends::named(name)
                    .ok_or_else(|| unknown("backend", name, known().into_iter()))?;
                vec![named(plain, id.variant.as_deref(), models)?]
            }
        };
        for (backend, models) in backs {
            let is_same = |(other, _): &&mut Back| kind(*other) == kind(backend);
            match found.iter_mut().find(is_same) {
                Some((_, more)) => *more = distinct([more.clone(), models].concat()),
                None => found.push((backend, models)),
            }
        }
    }
    Ok(found)
}

/// The models to take where none were asked for: the three of the main job, and those that only a
/// backend variant among `asked` is for.
pub(super) fn default_models(asked: &[SubjectId]) -> Vec<Model> {
    let mut models = Model::DEFAULT.to_vec();
    for id in asked {
        let of_name = BACKENDS.iter().filter(|backend| backend.name() == id.name);
        let is_asked = |backend: &dyn Backend, model: Model| {
            backend.speaks().contains(&model)
                && id.variant.as_deref() == Some(backend.variant(model))
        };
        let served = of_name.flat_map(|backend| {
            let all = Model::ALL.into_iter();
            all.filter(|model| is_asked(*backend, *model))
        });
        let served: Vec<Model> = served.collect();
        if !served.iter().any(|model| Model::DEFAULT.contains(model)) {
            models.extend(served);
        }
    }
    models
}

/// What a backend is, in one word for all that it serves.
fn kind(backend: &dyn Backend) -> (&'static str, Vec<&'static str>) {
    let variants = Model::ALL.map(|model| backend.variant(model));
    (backend.name(), variants.to_vec())
}

/// The backend of this name that has this variant for one of the models.
fn named(
    plain: &'static dyn Backend,
    asked: Option<&str>,
    models: &[Model],
) -> Result<Back, BadSelection> {
    let of_name = BACKENDS.iter().filter(|other| other.name() == plain.name());
    let mut found = of_name.map(|backend| Ok((*backend, served(*backend, asked, models)?)));
    // Where none has it, the first says what there is.
    let first = found.next().unwrap_or_else(|| Ok((plain, models.to_vec())));
    match first {
        Err(fault) => found.find_map(Result::ok).ok_or(fault),
        first => first,
    }
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
    let of_it = |model: &&Model| backend.variant(**model) == asked;
    let served: Vec<_> = models.iter().filter(of_it).copied().collect();
    if !served.is_empty() {
        return Ok(served);
    }
    let of_name = BACKENDS
        .iter()
        .filter(|other| other.name() == backend.name());
    let known = of_name.flat_map(|backend| {
        let variants = distinct(
            backend
                .speaks()
                .iter()
                .map(|m| backend.variant(*m))
                .collect(),
        );
        variants.into_iter().map(|variant| {
            let of_it = |model: &&Model| backend.variant(**model) == variant;
            let models: Vec<_> = backend.speaks().iter().filter(of_it).copied().collect();
            format!("{variant} ({})", words(&models))
        })
    });
    Err(BadSelection::BackendVariant {
        name: backend.name(),
        variant: asked.to_owned(),
        models: words(models),
        known: distinct(known.collect()).join(", "),
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
