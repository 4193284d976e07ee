//! `gatebench list`: what the bench knows.

use std::{collections::BTreeMap, env, io::Write, path::PathBuf};

use serde_json::{Value, json};

use super::{
    Verdict,
    args::{Format, ListArgs, What},
    open,
};
use crate::{
    backends::BACKENDS,
    gateways::GATEWAYS,
    launch::choose::find_program,
    model::Model,
    requirement::{Coverage, Reach},
    scenario::{Catalogue, Scenario, field::FieldCase},
};

/// Prints the list that was asked for.
pub(super) fn list(args: &ListArgs) -> anyhow::Result<Verdict> {
    let mut sum = None;
    let rows = match args.what {
        What::Scenarios => scenarios(&open(args.scenarios.as_deref())?),
        What::Requirements => {
            let catalogue = open(args.scenarios.as_deref())?;
            sum = Some(reached(&catalogue));
            requirements(&catalogue)
        }
        What::FieldCases => field_cases(&open(args.scenarios.as_deref())?),
        What::Gateways => gateways(),
        What::Backends => backends(),
    };
    let mut out = anstream::stdout().lock();
    match args.format {
        Format::Json => {
            let values: Vec<Value> = rows.into_iter().map(|row| row.value).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&values)?)?;
        }
        Format::Text => {
            for row in rows {
                writeln!(out, "{}", row.text)?;
            }
            if let Some(sum) = sum {
                writeln!(out, "\n{sum}")?;
            }
        }
    }
    Ok(Verdict::Passed)
}

/// One entry, for a person and for a program.
struct Row {
    text: String,
    value: Value,
}

fn scenarios(catalogue: &Catalogue) -> Vec<Row> {
    let width = catalogue
        .scenarios
        .iter()
        .map(|scenario| scenario.id.len())
        .max()
        .unwrap_or(0);
    catalogue
        .scenarios
        .iter()
        .map(|scenario| scenario_row(scenario, width, catalogue.field.shown_by(&scenario.id)))
        .collect()
}

fn scenario_row(scenario: &Scenario, width: usize, field_cases: Vec<u32>) -> Row {
    let models: Vec<Model> = Model::ALL
        .into_iter()
        .filter(|model| scenario.applies(*model))
        .collect();
    Row {
        text: format!(
            "{:width$}  {:11}  {}",
            scenario.id,
            scenario.level.word(),
            scenario.says
        ),
        value: json!({
            "id": scenario.id,
            "level": scenario.level,
            "says": scenario.says,
            "spec": scenario.spec,
            "requirements": scenario.requirements,
            "models": models,
            "faults": scenario.faults,
            "field_cases": field_cases,
        }),
    }
}

fn requirements(catalogue: &Catalogue) -> Vec<Row> {
    let (requirements, faults) = (&catalogue.requirements, &catalogue.faults);
    let coverage = requirements.coverage(&catalogue.scenarios, faults);
    coverage.iter().map(requirement_row).collect()
}

fn requirement_row(coverage: &Coverage<'_>) -> Row {
    let requirement = coverage.requirement;
    let reach = coverage.reach();
    let told = match reach {
        Reach::Covered => coverage.scenarios.join(", "),
        Reach::Cited => format!("{}, by no fault", coverage.scenarios.join(", ")),
        Reach::NoSubject => requirement.no_subject.clone().unwrap_or_default(),
        Reach::Unobservable => requirement.unobservable.clone().unwrap_or_default(),
        Reach::Open => "no scenario yet".to_owned(),
    };
    let mut value = json!(requirement);
    value["scenarios"] = json!(coverage.scenarios);
    value["faults"] = json!(coverage.faults);
    value["reach"] = json!(reach);
    let (level, side) = (value["level"].as_str(), value["side"].as_str());
    let text = format!(
        "{:32}  {:10}  {:7}  {}\n{:36}{}: {told}",
        requirement.id,
        level.unwrap_or_default(),
        side.unwrap_or_default(),
        requirement.title,
        "",
        reach.word(),
    );
    Row { text, value }
}

/// How many requirements are checked, and how far, for the end of the list.
fn reached(catalogue: &Catalogue) -> String {
    let (requirements, faults) = (&catalogue.requirements, &catalogue.faults);
    let mut counts = BTreeMap::<Reach, usize>::new();
    for coverage in requirements.coverage(&catalogue.scenarios, faults) {
        *counts.entry(coverage.reach()).or_default() += 1;
    }
    let told = |(reach, count): (&Reach, &usize)| format!("{count} {}", reach.word());
    let told: Vec<String> = counts.iter().map(told).collect();
    format!("{} requirements: {}", requirements.len(), told.join(", "))
}

/// What is publicly known of the field, each with the scenarios that show it.
fn field_cases(catalogue: &Catalogue) -> Vec<Row> {
    let row = |kind: &str, case: &FieldCase| {
        let shown = match &case.not_shown {
            Some(why) => format!("not shown: {why}"),
            None => case.scenarios.join(", "),
        };
        let seen_with = case.seen_with.as_deref().unwrap_or("many");
        let (row, symptom) = (case.row, &case.symptom);
        Row {
            text: format!("{kind} {row:3}  {seen_with}: {symptom}\n{:12}{shown}", ""),
            value: json!({
                "kind": kind,
                "row": row,
                "seen_with": case.seen_with,
                "symptom": symptom,
                "source": case.source,
                "scenarios": case.scenarios,
                "not_shown": case.not_shown,
            }),
        }
    };
    let field = &catalogue.field;
    let cases = field.cases.iter().map(|case| row("case", case));
    let problems = field.problems.iter().map(|case| row("problem", case));
    cases.chain(problems).collect()
}

fn gateways() -> Vec<Row> {
    let row = |gateway: &&dyn crate::gateways::Gateway| {
        let reached = Model::ALL.into_iter();
        let reached: Vec<Model> = reached.filter(|model| gateway.reaches(*model)).collect();
        let models = words(&reached);
        let executes = if gateway.executes() {
            "executes CGI itself"
        } else {
            "CGI carried over FastCGI"
        };
        let variants = gateway.variants().join(", ");
        let here = program_of(*gateway);
        let told = match (&here, gateway.program()) {
            (_, None) => gateway.source().to_owned(),
            (Some(program), _) => format!("here as {}", program.display()),
            (None, _) => {
                let (name, source) = (gateway.name(), gateway.source());
                format!("no program here: {source}, or with an engine, gatebench images {name}")
            }
        };
        Row {
            text: format!(
                "{:10}  {models}; {executes}; variants: {variants}\n{:12}{told}",
                gateway.name(),
                ""
            ),
            value: json!({
                "name": gateway.name(),
                "models": reached,
                "executes_cgi": gateway.executes(),
                "variants": gateway.variants(),
                "program": here,
                "source": gateway.source(),
            }),
        }
    };
    GATEWAYS.iter().map(row).collect()
}

/// The program of a gateway, where it is installed under one of its names.
fn program_of(gateway: &dyn crate::gateways::Gateway) -> Option<PathBuf> {
    let path = env::var_os("PATH");
    let names = gateway.program().into_iter();
    names
        .chain(gateway.aliases().iter().copied())
        .find_map(|name| find_program(name, path.as_deref()))
}

fn backends() -> Vec<Row> {
    let path = env::var_os("PATH");
    let row = |backend: &&dyn crate::backends::Backend| {
        let (name, source) = (backend.name(), backend.source());
        let mut programs = backend.programs().iter();
        let here = programs.find_map(|program| find_program(program, path.as_deref()));
        let told = match &here {
            _ if backend.programs().is_empty() => source.to_owned(),
            Some(program) => format!("here as {}", program.display()),
            None => {
                format!("no program here: {source}, or with an engine, gatebench images {name}")
            }
        };
        let variants = variants(*backend);
        let listed = match variants.is_empty() {
            true => String::new(),
            false => format!("; variants: {}", variants.join(", ")),
        };
        let models = words(backend.speaks());
        Row {
            text: format!("{name:10}  {models}{listed}\n{:12}{told}", ""),
            value: json!({
                "name": name,
                "models": backend.speaks(),
                "variants": variants,
                "program": here,
                "source": source,
            }),
        }
    };
    BACKENDS.iter().map(row).collect()
}

/// What a backend runs for the models it serves, each once.
fn variants(backend: &dyn crate::backends::Backend) -> Vec<&'static str> {
    let mut once = Vec::new();
    for model in backend.speaks() {
        let variant = backend.variant(*model);
        if !variant.is_empty() && !once.contains(&variant) {
            once.push(variant);
        }
    }
    once
}

fn words(models: &[Model]) -> String {
    models
        .iter()
        .map(|model| model.word())
        .collect::<Vec<_>>()
        .join(", ")
}
