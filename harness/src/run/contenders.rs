//! Which pairings take turns under the load.

use super::Plan;
use crate::{pairing::Pairing, seating::Seating};

/// The pairings of a group and, beside each by `cgi-warm`, the same program executed for each
/// request, unless the plan has that anyway: without it nobody could tell what the fork saves from
/// what the language costs.
pub(super) fn of_group(plan: &Plan, group: &[Seating]) -> Vec<Pairing> {
    let mut all = Vec::new();
    for pairing in group.iter().filter_map(Seating::pairing) {
        let is_planned = |one: &Pairing| plan.pairings().any(|other| other.is(one));
        all.extend(pairing.executed().filter(|one| !is_planned(one)));
        all.push(pairing);
    }
    all
}

/// All of a plan.
pub(super) fn of_plan(plan: &Plan) -> impl Iterator<Item = Pairing> + '_ {
    plan.groups().iter().flat_map(|group| of_group(plan, group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Model, run::Selection, scenario::load_embedded, subject::SubjectId};

    fn contenders(models: &[Model], backends: &[&str]) -> Vec<String> {
        let selection = Selection {
            gateways: vec![SubjectId::plain("builtin")],
            models: models.to_vec(),
            backends: backends.iter().map(|id| id.parse().unwrap()).collect(),
            ..Selection::default()
        };
        let plan = Plan::new(&selection, &load_embedded().unwrap(), "builtin").unwrap();
        let name = |one: Pairing| format!("{} {}", one.model, one.backend_id());
        of_plan(&plan).map(name).collect()
    }

    #[test]
    fn a_forked_program_is_measured_beside_the_same_one_executed() {
        assert_eq!(
            contenders(&[Model::Cgi, Model::CgiWarm], &[]),
            [
                "cgi script",
                "cgi gateserve:cgi-python",
                "cgi-warm gateserve:cgi-warm"
            ]
        );
    }

    #[test]
    fn what_was_asked_for_is_not_measured_twice() {
        assert_eq!(
            contenders(
                &[Model::Cgi, Model::CgiWarm],
                &["gateserve:cgi-warm", "gateserve:cgi-python"]
            ),
            ["cgi-warm gateserve:cgi-warm", "cgi gateserve:cgi-python"]
        );
    }
}
