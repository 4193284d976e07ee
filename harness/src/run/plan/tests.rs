//! What a plan holds for what was asked.

use super::*;
use crate::scenario::load_embedded;

fn ids(words: &[&str]) -> Vec<SubjectId> {
    words.iter().map(|word| word.parse().unwrap()).collect()
}

fn planned(selection: &Selection) -> Result<Plan, BadSelection> {
    Plan::new(selection, &load_embedded().unwrap(), "builtin")
}

/// Gateway, model and backend of every pairing.
fn pairings(selection: &Selection) -> Vec<String> {
    let plan = planned(selection).unwrap();
    let name = |pairing: Pairing| {
        let (gateway, backend) = (pairing.gateway_id(), pairing.backend_id());
        format!("{gateway} {} {backend}", pairing.model)
    };
    plan.pairings().map(name).collect()
}

#[track_caller]
fn refused(selection: &Selection) -> String {
    let Err(error) = planned(selection) else {
        panic!("the selection is fine")
    };
    error.to_string()
}

fn of_gateways(words: &[&str]) -> Selection {
    Selection {
        gateways: ids(words),
        ..Selection::default()
    }
}

#[test]
fn without_a_wish_the_three_models_run_on_the_default_gateway() {
    let three = [
        "builtin cgi script",
        "builtin fastcgi gateserve:probe",
        "builtin uwsgi gateserve:probe",
    ];
    assert_eq!(pairings(&Selection::default()), three);
}

#[test]
fn all_means_every_gateway_in_its_default_variant() {
    let names = pairings(&Selection {
        models: vec![Model::Uwsgi],
        ..of_gateways(&["all"])
    });
    // HAProxy and Caddy do not speak it.
    let all = [
        "nginx:documented uwsgi gateserve:probe",
        "apache:documented uwsgi gateserve:probe",
        "lighttpd:stock uwsgi gateserve:probe",
        "builtin uwsgi gateserve:probe",
    ];
    assert_eq!(names, all);
}

#[test]
fn all_leaves_out_what_cannot_be_and_what_is_asked_for_by_name_is_told() {
    let backends = |words| Selection {
        models: vec![Model::Cgi, Model::Uwsgi],
        backends: ids(words),
        ..of_gateways(&["nginx"])
    };
    let all = planned(&backends(&["all"])).unwrap();
    assert!(
        all.pairings()
            .all(|pairing| pairing.unsupported().is_none())
    );
    assert!(!all.left_out().is_empty());
    let named = planned(&backends(&["gateserve:wsgi", "gateserve:cgi-python"])).unwrap();
    assert!(named.left_out().is_empty());
}

#[test]
fn a_gateway_that_executes_programs_is_checked_once_whatever_the_backends() {
    let names = pairings(&Selection {
        models: vec![Model::Cgi],
        backends: ids(&["all"]),
        ..of_gateways(&["builtin"])
    });
    // Those that bring programs of their own stand behind it too.
    let own = names.iter().filter(|name| name.ends_with(" script"));
    assert_eq!(own.count(), 1, "{names:?}");
}

#[test]
fn a_backend_that_is_not_there_takes_its_cases_with_it() {
    let mut plan = planned(&Selection {
        models: vec![Model::Uwsgi],
        backends: ids(&["gateserve", "uwsgi"]),
        ..of_gateways(&["nginx"])
    })
    .unwrap();
    let names = |plan: &Plan| {
        plan.backends()
            .iter()
            .map(|one| one.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&plan), ["gateserve", "uwsgi"]);
    plan.leave_out("uwsgi");
    assert_eq!(names(&plan), ["gateserve"]);
}

#[test]
fn the_work_is_told_in_a_sentence() {
    let plan = planned(&Selection {
        scenarios: vec!["cgi/query/always-set".to_owned()],
        ..Selection::default()
    });
    assert_eq!(plan.unwrap().sentence(), "3 pairings end to end: 2 cases");
}

#[test]
fn what_is_named_twice_runs_once() {
    let names = pairings(&Selection {
        models: vec![Model::Uwsgi, Model::Uwsgi],
        backends: ids(&["gateserve", "gateserve:probe"]),
        ..of_gateways(&["nginx", "nginx:documented", "nginx:stock"])
    });
    let two = [
        "nginx:documented uwsgi gateserve:probe",
        "nginx:stock uwsgi gateserve:probe",
    ];
    assert_eq!(names, two);
}

#[test]
fn a_variant_of_a_backend_takes_the_models_for_which_it_runs() {
    let names = pairings(&Selection {
        backends: ids(&["gateserve:cgi"]),
        ..of_gateways(&["nginx"])
    });
    assert_eq!(names, ["nginx:documented cgi gateserve:cgi"]);
}

#[test]
fn a_variant_for_another_model_alone_brings_its_model_along() {
    let names = pairings(&Selection {
        backends: ids(&["gateserve:cgi-warm"]),
        ..of_gateways(&["nginx"])
    });
    assert_eq!(names, ["nginx:documented cgi-warm gateserve:cgi-warm"]);
}

#[test]
fn a_gateway_that_executes_forwards_to_a_backend_with_programs_of_its_own() {
    let names = pairings(&Selection {
        models: vec![Model::Cgi, Model::CgiWarm],
        backends: ids(&["gateserve", "gateserve:cgi-python"]),
        ..of_gateways(&["builtin"])
    });
    let all = [
        "builtin cgi script",
        "builtin cgi-warm gateserve:cgi-warm",
        "builtin cgi gateserve:cgi-python",
    ];
    assert_eq!(names, all);
}

#[test]
fn the_parts_of_a_shard_make_the_whole_and_share_nothing() {
    let of = |shard| {
        let plan = planned(&Selection {
            shard,
            ..Selection::default()
        });
        let scenarios = plan.unwrap().scenarios.into_iter();
        scenarios.map(|scenario| scenario.id).collect::<Vec<_>>()
    };
    let parts = (1..=3).flat_map(|part| of(Some(Shard { part, of: 3 })));
    let mut parts: Vec<String> = parts.collect();
    let mut whole = of(None);
    parts.sort();
    whole.sort();
    assert_eq!(parts, whole);
}

#[test]
fn a_level_leaves_out_what_binds_less() {
    let required = Selection {
        level: Some(Level::Required),
        ..Selection::default()
    };
    let plan = planned(&required).unwrap();
    let mut levels = plan.scenarios.iter().map(|scenario| scenario.level);
    assert!(levels.all(|level| level == Level::Required));
}

#[test]
fn what_is_not_known_is_named_with_all_that_is() {
    insta::assert_snapshot!(refused(&of_gateways(&["ngnix"])), @"unknown gateway `ngnix`; the bench knows nginx, apache, lighttpd, haproxy, caddy, builtin");
    insta::assert_snapshot!(refused(&of_gateways(&["nginx:plain"])), @"nginx has no variant `plain`; it has documented, stock, keepalive, unbuffered, tcp, localhost, ipv6, tls");
    insta::assert_snapshot!(refused(&of_gateways(&["all:stock"])), @"unknown gateway `all`; the bench knows nginx, apache, lighttpd, haproxy, caddy, builtin");
    let backend = |word| Selection {
        backends: ids(&[word]),
        ..Selection::default()
    };
    let said = refused(&backend("unicorn"));
    let known = "unknown backend `unicorn`; the bench knows gateserve, uwsgi, ";
    assert!(said.starts_with(known), "{said}");
    insta::assert_snapshot!(refused(&backend("gateserve:asgi")), @"gateserve has no variant `asgi` for cgi, fastcgi, uwsgi; it has cgi (cgi), cgi-warm (cgi-warm), probe (fastcgi, uwsgi, scgi, http), wsgi (fastcgi, uwsgi, scgi, http), cgi-python (cgi)");
}

#[test]
fn a_selection_that_leaves_nothing_is_refused() {
    let prefix = Selection {
        scenarios: vec!["zzz".to_owned()],
        ..Selection::default()
    };
    insta::assert_snapshot!(refused(&prefix), @"no scenario begins with `zzz`; `gatebench list scenarios` shows them all");
    let shard = Selection {
        shard: Some(Shard {
            part: 100_000,
            of: 100_000,
        }),
        ..Selection::default()
    };
    insta::assert_snapshot!(refused(&shard), @"the level or the shard leaves no scenario; `gatebench list scenarios` shows them all");
    let models = Selection {
        scenarios: vec!["cgi/query".to_owned()],
        models: vec![Model::Http],
        ..Selection::default()
    };
    insta::assert_snapshot!(refused(&models), @"none of the scenarios is for http; they are for cgi, cgi-warm, fastcgi, uwsgi, scgi");
}

#[test]
fn gateways_are_prepared_once() {
    let plan = planned(&of_gateways(&["nginx", "builtin", "nginx:stock"])).unwrap();
    let names: Vec<_> = plan.gateways().iter().map(|g| g.name()).collect();
    assert_eq!(names, ["nginx", "builtin"]);
}
