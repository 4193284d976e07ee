//! A real pairing whose processes are killed and stopped: how that is told, and that the next case
//! gets a fresh one.

mod support;
#[path = "support/scenario.rs"]
mod written;

use std::{fs, sync::Arc, time::Duration};

use gatebench::{
    bench::{Bench, Wishes},
    event::Silent,
    gateways,
    model::Model,
    outcome::{AtFault, Outcome, Witness},
    results::CaseResult,
    run::{Plan, Selection, Session},
    scenario::{KnownList, Scenario, load_embedded},
    seating::Seating,
    subject::SubjectId,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use written::scenario;

/// The built-in gateway, which executes CGI programs itself.
async fn session() -> Session {
    support::build_programs();
    let mut bench = Bench::set_up(Wishes::default()).await.unwrap();
    let builtin = gateways::named("builtin").unwrap();
    bench.add(builtin, &mut Silent).await.unwrap();
    let selection = Selection {
        gateways: vec![SubjectId::plain("builtin")],
        models: vec![Model::Cgi],
        ..Selection::default()
    };
    let plan = Plan::new(&selection, &load_embedded().unwrap(), "builtin").unwrap();
    let pairing = plan.pairings().next().unwrap();
    Session::new(
        Seating::Pairing(pairing),
        Arc::new(bench),
        KnownList::default(),
    )
}

fn plain() -> Scenario {
    scenario("recommended", "expect.client.status = 200")
}

async fn outcome(session: &mut Session) -> Outcome {
    session.play(&plain()).await.result.outcome
}

/// A process of this machine: its id, its parent, its name.
struct Seen {
    pid: i32,
    parent: i32,
    name: String,
}

fn processes() -> Vec<Seen> {
    let seen = |stat: String| {
        let (pid, rest) = stat.split_once(" (")?;
        let (name, fields) = rest.rsplit_once(") ")?;
        Some(Seen {
            pid: pid.parse().ok()?,
            parent: fields.split(' ').nth(1)?.parse().ok()?,
            name: name.to_owned(),
        })
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter_map(seen).collect()
}

fn children(of: i32) -> Vec<Seen> {
    let mut all = processes();
    all.retain(|process| process.parent == of);
    all
}

/// The gateway's workers: its master is the only child of this program that serves.
fn workers() -> Vec<i32> {
    let own = children(std::process::id().cast_signed());
    let masters = own
        .iter()
        .filter(|child| child.name.starts_with("gateserve"));
    let workers = masters.flat_map(|master| children(master.pid));
    workers.map(|worker| worker.pid).collect()
}

fn signal(pids: &[i32], signal: Signal) {
    assert!(!pids.is_empty(), "the gateway has workers");
    for pid in pids {
        kill(Pid::from_raw(*pid), signal).unwrap();
    }
}

/// Kills the worker whose script is at work, as soon as it is.
async fn kill_at_work() {
    loop {
        let workers = workers();
        let at_work = workers.iter().find(|pid| !children(**pid).is_empty());
        if let Some(worker) = at_work {
            return signal(&[*worker], Signal::SIGKILL);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn assert_crash(result: &CaseResult) {
    assert_eq!(result.outcome, Outcome::Crash, "{result:?}");
    assert_eq!(result.at_fault, Some(AtFault::Gateway));
    assert_eq!(result.witness, Some(Witness::Process));
    let actual = result.actual.as_deref().unwrap();
    assert!(actual.starts_with("the gateway died: worker "), "{actual}");
}

/// One after the other: each looks for the children of this one program.
#[tokio::test]
async fn what_dies_or_stays_stuck_is_told_and_replaced() {
    let mut session = session().await;
    assert_eq!(outcome(&mut session).await, Outcome::Pass);

    let slow = scenario(
        "recommended",
        "probe.delay = '5s'\nexpect.client.status = 200",
    );
    let (ended, ()) = tokio::join!(session.play(&slow), kill_at_work());
    assert_crash(&ended.result);
    assert_eq!(
        outcome(&mut session).await,
        Outcome::Pass,
        "a fresh gateway"
    );

    let mut last = session.play(&plain()).await.result;
    assert!(!session.look_again(&mut last));
    signal(&workers(), Signal::SIGKILL);
    while !session.look_again(&mut last) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_crash(&last);
    assert_eq!(
        outcome(&mut session).await,
        Outcome::Pass,
        "a fresh gateway"
    );

    signal(&workers(), Signal::SIGSTOP);
    let soon = scenario(
        "recommended",
        "within = '200ms'\nexpect.client.status = 200",
    );
    let hang = session.play(&soon).await.result;
    assert_eq!(hang.outcome, Outcome::Hang, "{hang:?}");
    assert_eq!(
        outcome(&mut session).await,
        Outcome::Pass,
        "a fresh gateway"
    );
}
