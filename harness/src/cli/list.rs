//! `gatebench list`: what the bench knows.

use std::io::Write;

use serde_json::{Value, json};

use super::{
    Verdict,
    args::{Format, ListArgs, What},
    open,
};
use crate::{
    backends::BACKENDS,
    gateways::GATEWAYS,
    model::Model,
    requirement::Coverage,
    scenario::{Catalogue, Scenario},
};

/// Prints the list that was asked for.
pub(super) fn list(args: &ListArgs) -> anyhow::Result<Verdict> {
    let rows = match args.what {
        What::Scenarios => scenarios(&open(args.scenarios.as_deref())?),
        What::Requirements => requirements(&open(args.scenarios.as_deref())?),
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
        .map(|scenario| scenario_row(scenario, width))
        .collect()
}

fn scenario_row(scenario: &Scenario, width: usize) -> Row {
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
        }),
    }
}

fn requirements(catalogue: &Catalogue) -> Vec<Row> {
    let coverage = catalogue.requirements.coverage(&catalogue.scenarios);
    coverage.iter().map(requirement_row).collect()
}

fn requirement_row(coverage: &Coverage<'_>) -> Row {
    let requirement = coverage.requirement;
    let covered = match (coverage.scenarios.as_slice(), &requirement.unobservable) {
        ([], Some(reason)) => format!("not observable: {reason}"),
        ([], None) => "no scenario yet".to_owned(),
        (ids, _) => ids.join(", "),
    };
    let mut value = json!(requirement);
    value["scenarios"] = json!(coverage.scenarios);
    let (level, side) = (value["level"].as_str(), value["side"].as_str());
    let text = format!(
        "{:32}  {:10}  {:7}  {}\n{:36}{covered}",
        requirement.id,
        level.unwrap_or_default(),
        side.unwrap_or_default(),
        requirement.title,
        ""
    );
    Row { text, value }
}

fn gateways() -> Vec<Row> {
    let row = |gateway: &&dyn crate::gateways::Gateway| {
        let models = words(gateway.speaks());
        let executes = if gateway.executes() {
            "executes CGI itself"
        } else {
            "CGI carried over FastCGI"
        };
        let variants = gateway.variants().join(", ");
        Row {
            text: format!(
                "{:10}  {models}; {executes}; variants: {variants}",
                gateway.name()
            ),
            value: json!({
                "name": gateway.name(),
                "models": gateway.speaks(),
                "executes_cgi": gateway.executes(),
                "variants": gateway.variants(),
            }),
        }
    };
    GATEWAYS.iter().map(row).collect()
}

fn backends() -> Vec<Row> {
    let row = |backend: &&dyn crate::backends::Backend| Row {
        text: format!(
            "{:10}  {}; variants: {}",
            backend.name(),
            words(backend.speaks()),
            variants(*backend).join(", ")
        ),
        value: json!({
            "name": backend.name(),
            "models": backend.speaks(),
            "variants": variants(*backend),
        }),
    };
    BACKENDS.iter().map(row).collect()
}

/// What a backend runs for the models it serves, each once.
fn variants(backend: &dyn crate::backends::Backend) -> Vec<&'static str> {
    let mut once = Vec::new();
    for model in backend.speaks() {
        let variant = backend.variant(*model);
        if !once.contains(&variant) {
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
