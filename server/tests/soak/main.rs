//! Mixed load over all protocols, with faults on, for a while: nothing fails that was not made to,
//! and nothing grows.
//!
//! The quick form takes some seconds; `benches/reliability/soak` has the long one, for which
//! `GATESERVE_SOAK` says how many seconds, and `GATESERVE_FIGURES` where the figures go.

#[path = "../support/mod.rs"]
mod support;

mod disturb;
mod site;
mod watch;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use disturb::Disturbers;
use site::Site;
use support::load::Load;
use watch::Watch;

/// Between two requests of a client: the machine is to be about a third busy.
const PAUSE: Duration = Duration::from_millis(40);

/// On a busy machine each kind of fault may take longer to come about.
const LATE: Duration = Duration::from_secs(60);

fn length() -> Duration {
    let asked = std::env::var("GATESERVE_SOAK").ok();
    Duration::from_secs(asked.map_or(8, |text| text.parse().expect("a number of seconds")))
}

#[test]
fn a_mixed_load_with_faults_loses_nothing_and_leaves_nothing() {
    needs_python!();
    let Some(mut site) = Site::start() else {
        return eprintln!("skipped: nginx is not here");
    };
    let length = length();
    // So that a short run sees each of them, and a long one is not all reloads.
    let reload_every = (length / 4).min(Duration::from_secs(20));
    let load = Load::paced(&site.aims(), 2, PAUSE);
    let stop = Arc::<AtomicBool>::default();
    let disturbers = Disturbers::start(&site, &stop);
    let mut watch = Watch::default();
    let (began, mut reloaded, mut reloads) = (Instant::now(), Instant::now(), 0);
    let is_over = || began.elapsed() >= length && disturbers.done.all_happened();
    while !is_over() && began.elapsed() < length + LATE && load.failed() == 0 {
        std::thread::sleep(length.min(Duration::from_secs(2)) / 4);
        watch.look(&site);
        if reloaded.elapsed() >= reload_every {
            site.reload();
            (reloaded, reloads) = (Instant::now(), reloads + 1);
        }
    }
    stop.store(true, Relaxed);
    let done = disturbers.join();
    let counts = load.stop();
    site.rest();
    let rested = watch.look(&site);

    let mut table = format!(
        "\n{} s, {reloads} reloads of two servers; besides: {done}\n\n| way | answered | failed |\n|---|---:|---:|\n",
        began.elapsed().as_secs()
    );
    for (way, count) in &counts {
        let line = (count.answered(), count.failed());
        writeln!(table, "| {way} | {} | {} |", line.0, line.1).unwrap();
    }
    table += &watch.table(&rested);
    println!("{table}");
    support::figures(&table);

    for (way, count) in &counts {
        assert_eq!(count.failed(), 0, "{way}: {:?}", count.reasons());
        assert!(count.answered() > 0, "{way}");
    }
    let unanswered = done.unanswered.load(Relaxed);
    assert_eq!(unanswered, 0, "requests behind a fault");
    assert!(done.all_happened(), "each kind of fault was on: {done}");
    assert_eq!(rested.zombies, 0);
    assert_eq!(site.left_behind(), Vec::<String>::new());
    watch.assert_no_growth(length);
}
