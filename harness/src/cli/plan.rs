//! `gatebench plan`: how many processes, cores and how much memory a rate needs.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Verdict;
use crate::{
    model::Model,
    plan::{self, Goal, Held, Pair, Plan, Want, of_results, size, table},
    report,
    results::Results,
};

/// Below the options in `--help`.
pub(super) const HELP: &str = "\
The costs come from measured results; make some on the machine that is planned for:
  gatebench bench --model cgi,fastcgi,uwsgi --json costs.json

The model: requests come at random; each takes the gateway's CPU time, then a worker (CGI: a process)
in which it takes the application's CPU time and waits as long as --wait says; what computes shares
the cores evenly. CPU times are taken as exponentially distributed. A simulation of 40,000 requests
looks for the fewest cores and with them the fewest workers that keep 99 % within --p99.
What it does not know: other work on the machine, limits of the network, caches that cool down when
many programs run.

A worker here serves one request at a time; where workers have threads, it is a thread.
Exit codes: 0 a plan for every model, 1 a model cannot keep the promise, 2 no costs.

Examples:
  gatebench plan costs.json --rps 5000 --p99 200ms
  gatebench plan costs.json --rps 400 --p99 200ms --wait 50ms --model uwsgi
  gatebench plan --rps 300 --p99 1s --model cgi,cgi-warm --format json
  gatebench plan costs.json --check";

#[derive(Args, Debug)]
pub(super) struct PlanArgs {
    /// Measured results: a file, or the folder of results.json
    #[arg(value_name = "RESULTS", default_value = "reports/latest")]
    results: PathBuf,
    /// Requests per second
    #[arg(long, value_name = "RATE", value_parser = positive, required_unless_present = "check")]
    rps: Option<f64>,
    /// 99 % of the requests are to be answered within this time
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, required_unless_present = "check")]
    p99: Option<Duration>,
    /// Plan nothing: predict the sweep that RESULTS hold and tell how far the predictions are off
    #[arg(long, conflicts_with_all = ["rps", "p99", "wait"])]
    check: bool,
    /// Models
    #[arg(
        long,
        value_name = "MODEL,…",
        value_enum,
        value_delimiter = ',',
        default_value = "cgi,fastcgi,uwsgi"
    )]
    model: Vec<Model>,
    /// The measured workload that is like the application
    #[arg(long, value_name = "NAME", default_value = "hello")]
    workload: String,
    /// Only measurements with this gateway
    #[arg(long, value_name = "ID")]
    gateway: Option<String>,
    /// Only measurements with this application server
    #[arg(long, value_name = "ID")]
    backend: Option<String>,
    /// How long the application waits in each request, for a database for example
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// The most of the cores' time that may be used, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 70, value_parser = clap::value_parser!(u8).range(1..=95))]
    busy: u8,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// A table
    #[default]
    Text,
    /// JSON; times in microseconds, memory in bytes
    Json,
}

/// Plans for each model.
pub(super) fn plan(args: &PlanArgs) -> anyhow::Result<Verdict> {
    let results = report::stored::load(&args.results).with_context(|| {
        "there are no measured costs to plan with; measure some with `gatebench bench --json costs.json` \
         and name that file"
    })?;
    let want = Want {
        workload: args.workload.clone(),
        gateway: args.gateway.clone(),
        backend: args.backend.clone(),
        wait: args.wait,
    };
    let (Some(rps), Some(p99)) = (args.rps, args.p99) else {
        return check(args, &results, &want);
    };
    let goal = Goal {
        rps,
        p99: p99.as_secs_f64() * 1e6,
        busy: f64::from(args.busy) / 100.0,
    };
    let mut plans = Vec::new();
    let mut refused = Vec::new();
    let mut missing = Vec::new();
    for &model in &args.model {
        match of_results(&results, model, &want) {
            Err(none) => missing.push(none.to_string()),
            Ok(costs) => match size(&costs, &goal) {
                Ok(plan) => plans.push(plan),
                Err(refusal) => refused.push(refusal.to_string()),
            },
        }
    }
    if plans.is_empty() && refused.is_empty() {
        bail!(
            "no costs in {}: {}; `gatebench bench --model …` measures them",
            args.results.display(),
            missing.join("; ")
        );
    }
    let mut out = anstream::stdout().lock();
    match args.format {
        Format::Text => out.write_all(table(&goal, &plans).as_bytes())?,
        Format::Json => {
            let told = json!({
                "goal": { "rps": goal.rps, "p99_us": goal.p99, "busy": goal.busy },
                "plans": plans.iter().map(told).collect::<Vec<_>>(),
                "refused": refused,
                "missing": missing,
            });
            writeln!(out, "{told:#}")?;
        }
    }
    for line in refused.iter().chain(&missing) {
        anstream::eprintln!("gatebench: {line}");
    }
    Ok(match (refused.is_empty(), missing.is_empty()) {
        (_, false) => Verdict::Incomplete,
        (false, true) => Verdict::Failed,
        (true, true) => Verdict::Passed,
    })
}

/// Holds the model against what was measured.
fn check(args: &PlanArgs, results: &Results, want: &Want) -> anyhow::Result<Verdict> {
    let models = args.model.iter();
    let held: Vec<_> = models
        .flat_map(|&model| plan::hold(results, model, want))
        .collect();
    if held.iter().all(|one| one.is_source) {
        bail!(
            "{} holds no sweep of these models with workload {}; measure one with \
             `gatebench bench --sweep 1..32 --json costs.json`",
            args.results.display(),
            want.workload
        );
    }
    let mut out = anstream::stdout().lock();
    match args.format {
        Format::Text => out.write_all(plan::told(&held).as_bytes())?,
        Format::Json => {
            let points: Vec<_> = held.iter().map(point).collect();
            writeln!(out, "{:#}", json!({ "points": points }))?;
        }
    }
    Ok(Verdict::Passed)
}

fn point(held: &Held) -> Value {
    let pair = |pair: Pair| json!({ "predicted": pair.predicted, "measured": pair.measured, "error": pair.error() });
    json!({
        "model": held.model.word(),
        "connections": held.connections,
        "is_source": held.is_source,
        "rps": pair(held.rps),
        "p50_us": pair(held.p50),
        "p99_us": pair(held.p99),
    })
}

fn told(plan: &Plan) -> Value {
    let costs = &plan.costs;
    json!({
        "model": costs.model.word(),
        "gateway": costs.gateway,
        "backend": costs.backend,
        "gateway_cpu_us": costs.gateway_cpu,
        "backend_cpu_us": costs.backend_cpu,
        "wait_us": costs.wait,
        "connections": costs.connections,
        "caveats": costs.caveats,
        "cores": plan.cores,
        "busy": plan.busy,
        "processes": plan.processes,
        "forks_per_second": plan.forks_per_second,
        "memory_bytes": plan.memory,
        "p50_us": plan.p50,
        "p99_us": plan.p99,
    })
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err(format!(
            "expected requests per second, a number above 0, got {text:?}"
        )),
    }
}
