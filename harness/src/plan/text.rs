//! A plan as a person reads it.

use super::{Goal, Plan};
use crate::report::units::{amount, bytes, count, micros};

/// One row per model, and below what the figures rest on.
pub fn table(goal: &Goal, plans: &[Plan]) -> String {
    let mut text = format!(
        "{} requests per second at random times, 99 % within {}, at most {:.0} % of the cores' time\n\n",
        amount(goal.rps),
        micros(goal.p99 as u64),
        goal.busy * 100.0
    );
    let head = [
        "model",
        "CPU/request",
        "cores",
        "busy",
        "processes",
        "forks/s",
        "memory",
        "p50",
        "p99",
    ];
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned))
        .chain(plans.iter().map(row))
        .collect();
    let widths: Vec<_> = (0..head.len())
        .map(|at| {
            rows.iter()
                .map(|row| row[at].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in &rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            match at {
                0 => line.push_str(&format!("{cell}{pad}")),
                _ => line.push_str(&format!("   {pad}{cell}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
    plans.iter().for_each(|plan| text.push_str(&rests_on(plan)));
    text
}

fn row(plan: &Plan) -> [String; 9] {
    let costs = &plan.costs;
    [
        costs.model.word().to_owned(),
        micros((costs.gateway_cpu + costs.backend_cpu).round() as u64),
        count(u64::from(plan.cores)),
        format!("{:.0} %", plan.busy * 100.0),
        match costs.model.is_cgi() {
            true => format!("up to {}", plan.processes),
            false => count(u64::from(plan.processes)),
        },
        amount_or_none(plan.forks_per_second),
        plan.memory.map_or_else(|| "not known".to_owned(), bytes),
        micros(plan.p50.round() as u64),
        micros(plan.p99.round() as u64),
    ]
}

fn amount_or_none(value: f64) -> String {
    match value {
        0.0 => "–".to_owned(),
        _ => amount(value),
    }
}

fn rests_on(plan: &Plan) -> String {
    let costs = &plan.costs;
    let mut text = format!(
        "{}: {} + {}, {} + {} CPU per request, measured with {} connections",
        costs.model.word(),
        costs.gateway,
        costs.backend,
        micros(costs.gateway_cpu.round() as u64),
        micros(costs.backend_cpu.round() as u64),
        costs.connections,
    );
    if costs.wait > 0.0 {
        text.push_str(&format!(
            "; waits {} in each (given)",
            micros(costs.wait as u64)
        ));
    }
    text.push('\n');
    for caveat in &costs.caveats {
        text.push_str(&format!("  caveat: {caveat}\n"));
    }
    if costs.memory_process.is_none() {
        text.push_str("  memory: not known, since the results hold no measurement of it at rest\n");
    }
    text
}
