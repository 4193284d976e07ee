//! Several versions of one peer in one run: each is a set of its own, with all it takes.

use std::sync::Arc;

use super::run::prepare;
use crate::{
    bench::{Bench, Editions, WrongVersion},
    event::Observer,
    run::{Plan, Selection},
    scenario::Catalogue,
};

/// What runs with one version of each peer.
pub(super) struct Set {
    pub(super) plan: Arc<Plan>,
    pub(super) bench: Arc<Bench>,
}

/// Makes everything ready: one set with the first version of each peer, and for every further
/// version one with what that peer takes part in.
///
/// # Errors
/// Whatever cannot be prepared; a version that was asked for and that none of them is.
pub(super) async fn prepare_all(
    selection: &Selection,
    catalogue: &Catalogue,
    editions: &Editions,
    progress: &mut dyn Observer,
) -> anyhow::Result<Vec<Set>> {
    let further = editions.further();
    let mut sets = Vec::<(Option<String>, Plan, Arc<Bench>)>::new();
    let mut wrong = None;
    let mut all = vec![(None, editions.first())];
    all.extend(
        further
            .into_iter()
            .map(|(name, wishes)| (Some(name), wishes)),
    );
    for (name, wishes) in all {
        match prepare(selection, catalogue, wishes, progress).await {
            Ok((mut plan, bench)) => {
                if let (Some(name), false) = (&name, sets.is_empty()) {
                    plan.keep(name);
                }
                sets.push((name, plan, bench));
            }
            // Of two versions only the one may be asked for.
            Err(error) if error.is::<WrongVersion>() => wrong = Some(error),
            Err(error) => return Err(error),
        }
    }
    match (sets.is_empty(), wrong) {
        (true, Some(error)) => return Err(error),
        _ => tell_versions(&mut sets),
    }
    let sets = sets
        .into_iter()
        .filter(|(_, plan, _)| plan.cases() > 0 || plan.pairings().next().is_some());
    Ok(sets
        .map(|(_, plan, bench)| Set {
            plan: Arc::new(plan),
            bench,
        })
        .collect())
}

/// Where a peer runs in several versions, ids tell which; of two that tell the same, the second is
/// `1.22.1+2`.
fn tell_versions(sets: &mut [(Option<String>, Plan, Arc<Bench>)]) {
    let names: Vec<String> = sets.iter().filter_map(|(name, ..)| name.clone()).collect();
    for name in names {
        let mut told = Vec::<String>::new();
        for (varied, _, bench) in sets.iter_mut() {
            let is_first = varied.is_none();
            if !is_first && varied.as_ref() != Some(&name) {
                continue;
            }
            let version = bench.version(&name).unwrap_or("unknown").to_owned();
            let same = told.iter().filter(|known| **known == version).count();
            told.push(version.clone());
            let label = match same {
                0 => version,
                earlier => format!("{version}+{}", earlier + 1),
            };
            if let Some(bench) = Arc::get_mut(bench) {
                bench.tell_version(&name, label);
            }
        }
    }
}
