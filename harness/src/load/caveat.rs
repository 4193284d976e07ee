//! Every reason to distrust a measured number, printed beside it as a sentence.

use std::time::Duration;

use super::{
    LoadReport,
    cost::{Doubt, Side},
    machine,
};

/// A reason to doubt a figure.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum Caveat {
    /// A load thread had little time left.
    #[error("the load generator used {cpu_percent} % of one core: it may have been the bottleneck")]
    Saturated {
        /// CPU time of the busiest load thread, in percent of the measured time.
        cpu_percent: u64,
    },
    /// Not every request was answered as expected.
    #[error("{failed} of {all} requests failed and have no part in the latencies: {kinds}")]
    Failed {
        /// Failed requests.
        failed: u64,
        /// All requests.
        all: u64,
        /// Kinds of failures with their first cases.
        kinds: String,
    },
    /// Too few for tail percentiles.
    #[error("only {answered} requests were answered: p99 and above rest on a handful")]
    Few {
        /// Answered requests.
        answered: u64,
    },
    /// The server did not keep up with open pacing.
    #[error(
        "{missed} requests were due but found no free connection before the end: the server did \
         not keep up, and true latencies are longer"
    )]
    Missed {
        /// Requests that were never sent.
        missed: u64,
    },
    /// The server closes kept connections without saying so.
    #[error(
        "{retried} requests met a kept connection that the server had closed unannounced, and \
         were sent again"
    )]
    Retried {
        /// Requests sent a second time.
        retried: u64,
    },
    /// Runs of the same thing differ.
    #[error("runs of the same load differ by {spread_percent} % in requests per second")]
    Disagree {
        /// (highest - lowest) / median, in percent.
        spread_percent: u64,
    },
    /// One short run says nothing of how much runs vary.
    #[error("a single run of {:.1} s: how much runs vary is unknown", .window.as_secs_f64())]
    SingleShort {
        /// Measured time.
        window: Duration,
    },
    /// Everything competed for the same processors. Told in tens, so that rows that differ by a
    /// percent or two share one footnote.
    #[error(
        "load generator, gateway and backend shared {cores} processors that were over {} % busy: \
         compare ratios, not absolute figures",
        .busy_percent.saturating_sub(1) / 10 * 10
    )]
    SameCores {
        /// Processors in common.
        cores: usize,
        /// How busy the machine was.
        busy_percent: u64,
    },
    /// `/proc/stat` has one counter for all.
    #[error("forks are counted over the whole machine, threads included")]
    ForksOfMachine,
    /// CPU time that cannot be attributed.
    #[error("CPU time of the {side} is unknown: {why}")]
    CpuUnknown {
        /// Whose.
        side: Side,
        /// Why.
        why: Doubt,
    },
    /// The kernel counts CPU time in ticks.
    #[error("CPU time of the {side} is coarse: it used only {ticks} clock ticks")]
    CoarseCpu {
        /// Whose.
        side: Side,
        /// Ticks used.
        ticks: u64,
    },
    /// Reading `smaps_rollup` of others' processes needs rights.
    #[error("proportional memory is unknown: the backend's processes belong to another user")]
    PssWithheld,
    /// The server was at work with something else when the run began.
    #[error("gateway and backend were still busy when the run began")]
    NotIdle,
    /// What was measured is not what was started.
    #[error("the {side} did not stay whole: {how}")]
    Died {
        /// Whose process.
        side: Side,
        /// Which one, and how.
        how: String,
    },
    /// A steady rate was looked for and not found.
    #[error("the rate was not steady after {:.0} s: take the mean with care", .after.as_secs_f64())]
    Unsteady {
        /// Measured time.
        after: Duration,
    },
    /// The host of a virtual machine ran something else.
    #[error("the host took {percent} % of the processor time for others: compare ratios only")]
    Stolen {
        /// In percent of all processors' time.
        percent: u64,
    },
    /// The clock rises when few processors are busy.
    #[error(
        "turbo is on: what keeps few processors busy runs at a higher clock than what keeps all busy"
    )]
    Turbo,
    /// There were slow clients besides.
    #[error(
        "of the requests of {clients} slow clients besides, which no figure counts, {answered} were \
         answered and {failed} failed{kinds}"
    )]
    SlowClients {
        /// How many there were.
        clients: u32,
        /// Answered requests of theirs.
        answered: u64,
        /// Others.
        failed: u64,
        /// `: ` and the kinds of failures with their first cases; empty where there are none.
        kinds: String,
    },
    /// The work was interrupted between two rounds.
    #[error("only {finished} of {asked} rounds were finished when the run was interrupted")]
    FewerRounds {
        /// Rounds that the figure rests on.
        finished: u32,
        /// Rounds that were asked for.
        asked: u32,
    },
    /// Somebody ended the run.
    #[error("the run was cut short after {:.1} s", .window.as_secs_f64())]
    Cancelled {
        /// Measured time.
        window: Duration,
    },
}

/// A load thread busier than this may be what was measured.
const SATURATED_PERCENT: u64 = 85;

/// Of less stolen time nobody needs to hear.
const STOLEN_PERCENT: u64 = 2;

/// With fewer answers, one request in a hundred is a handful.
const FEW: u64 = 1000;

/// A run shorter than this is called short.
const SHORT: Duration = Duration::from_secs(10);

/// Runs that lie further apart disagree.
const SPREAD_PERCENT: u64 = 10;

/// What a report gives reason to doubt by itself.
pub fn of_report(report: &LoadReport) -> Vec<Caveat> {
    let window = report.window;
    let failed = report.failures.total();
    let cpu_percent = percent(report.busiest_thread.as_secs_f64(), window.as_secs_f64());
    let (answered, missed, retried) = (report.answered, report.missed, report.retried);
    let kinds = report.failures.to_string();
    let all = failed + report.latency.count();
    let stolen = (100.0 * report.stolen.unwrap_or_default()).round() as u64;
    let after = report.unsteady.unwrap_or_default();
    let doubts = [
        (report.unsteady.is_some(), Caveat::Unsteady { after }),
        (report.cancelled, Caveat::Cancelled { window }),
        (failed > 0, Caveat::Failed { failed, all, kinds }),
        (missed > 0, Caveat::Missed { missed }),
        (stolen >= STOLEN_PERCENT, Caveat::Stolen { percent: stolen }),
        (retried > 0, Caveat::Retried { retried }),
        (report.slow_clients > 0, slow_clients(report)),
        (
            cpu_percent > SATURATED_PERCENT,
            Caveat::Saturated { cpu_percent },
        ),
        (answered < FEW, Caveat::Few { answered }),
    ];
    let holds = doubts.into_iter().filter(|(holds, _)| *holds);
    holds.map(|(_, caveat)| caveat).collect()
}

fn slow_clients(report: &LoadReport) -> Caveat {
    let failures = &report.slow.failures;
    let failed = failures.total();
    Caveat::SlowClients {
        clients: report.slow_clients,
        answered: report.slow.answered,
        failed,
        kinds: match failed {
            0 => String::new(),
            _ => format!(": {failures}"),
        },
    }
}

/// What the machine gives reason to doubt.
pub fn of_machine() -> Option<Caveat> {
    (machine::turbo() == Some(true)).then_some(Caveat::Turbo)
}

/// What runs of the same load, each of length `window` and given by their requests per second,
/// tell of how much they vary.
pub fn of_runs(rps: &[f64], window: Duration) -> Option<Caveat> {
    let mut sorted = rps.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.as_slice() {
        [] => None,
        [_single] => (window < SHORT).then_some(Caveat::SingleShort { window }),
        [lowest, .., highest] => {
            let spread_percent = percent(highest - lowest, sorted[sorted.len() / 2]);
            (spread_percent > SPREAD_PERCENT).then_some(Caveat::Disagree { spread_percent })
        }
    }
}

/// Rounded; 0 of nothing is 0.
fn percent(part: f64, whole: f64) -> u64 {
    if whole > 0.0 {
        (100.0 * part / whole).round() as u64
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Failure, Latency};

    fn report() -> LoadReport {
        let mut latency = Latency::new();
        (0..5000).for_each(|_| latency.record(Duration::from_millis(1)));
        LoadReport {
            window: Duration::from_secs(20),
            answered: 5000,
            latency,
            busiest_thread: Duration::from_secs(17),
            ..LoadReport::default()
        }
    }

    #[track_caller]
    fn assert_caveat(report: &LoadReport, sentence: &str) {
        let sentences: Vec<String> = of_report(report).iter().map(ToString::to_string).collect();
        assert_eq!(sentences, [sentence]);
    }

    #[test]
    fn a_long_clean_run_has_none() {
        assert_eq!(of_report(&report()), []);
    }

    #[test]
    fn a_load_thread_above_85_percent_is_named() {
        let mut saturated = report();
        saturated.busiest_thread = Duration::from_millis(17_200);
        assert_caveat(
            &saturated,
            "the load generator used 86 % of one core: it may have been the bottleneck",
        );
    }

    #[test]
    fn slow_clients_are_told_of_beside_the_figures() {
        let mut beside = report();
        beside.slow_clients = 32;
        beside.slow.answered = 5;
        let told = "of the requests of 32 slow clients besides, which no figure counts, 5 were answered \
                    and 0 failed";
        assert_caveat(&beside, told);
        let late = Failure::Timeout(Duration::from_secs(120));
        beside.slow.failures.add(&late);
        let told = "of the requests of 32 slow clients besides, which no figure counts, 5 were answered \
                    and 1 failed: 1 timeout (no whole reply within 120000 ms)";
        assert_caveat(&beside, told);
    }

    #[test]
    fn time_that_the_host_took_is_named() {
        let mut stolen = report();
        stolen.stolen = Some(0.125);
        assert_caveat(
            &stolen,
            "the host took 13 % of the processor time for others: compare ratios only",
        );
        stolen.stolen = Some(0.01);
        assert_eq!(of_report(&stolen), []);
    }

    #[test]
    fn a_rate_that_never_settled_is_named() {
        let mut unsteady = report();
        unsteady.unsteady = Some(Duration::from_secs(60));
        assert_caveat(
            &unsteady,
            "the rate was not steady after 60 s: take the mean with care",
        );
    }

    #[test]
    fn failed_requests_are_named_with_their_first_case() {
        let mut failed = report();
        failed.failures.add(&Failure::Status {
            expected: 200,
            actual: 502,
        });
        assert_caveat(
            &failed,
            "1 of 5001 requests failed and have no part in the latencies: \
             1 bad status (status 502, expected 200)",
        );
    }

    #[test]
    fn fewer_than_a_thousand_answers_are_named() {
        let mut few = report();
        few.answered = 999;
        assert_caveat(
            &few,
            "only 999 requests were answered: p99 and above rest on a handful",
        );
    }

    #[test]
    fn a_short_run_that_stands_alone_is_named() {
        let of = |rps: &[f64], millis| of_runs(rps, Duration::from_millis(millis));
        let doubt = of(&[100.0], 9_900).map(|caveat| caveat.to_string());
        let sentence = "a single run of 9.9 s: how much runs vary is unknown";
        assert_eq!(doubt.as_deref(), Some(sentence));
        assert_eq!(of(&[100.0], 10_000), None);
        assert_eq!(of(&[100.0, 101.0], 1_000), None);
    }

    #[test]
    fn missed_requests_are_named() {
        let mut late = report();
        late.missed = 70;
        assert_caveat(
            &late,
            "70 requests were due but found no free connection before the end: the server did \
             not keep up, and true latencies are longer",
        );
    }

    #[test]
    fn how_busy_shared_processors_were_is_told_in_tens() {
        let told = |busy_percent| {
            let cores = 2;
            Caveat::SameCores {
                cores,
                busy_percent,
            }
            .to_string()
        };
        assert_eq!(
            told(100),
            "load generator, gateway and backend shared 2 processors that were over 90 % busy: \
             compare ratios, not absolute figures"
        );
        assert_eq!(told(91), told(100));
        assert_eq!(told(90), told(81));
        assert_ne!(told(90), told(91));
    }

    #[test]
    fn runs_that_lie_apart_disagree() {
        let of = |rps: &[f64]| of_runs(rps, Duration::from_secs(2));
        assert_eq!(of(&[100.0, 104.0, 109.0]), None);
        let spread_percent = 40;
        assert_eq!(
            of(&[100.0, 80.0, 120.0]),
            Some(Caveat::Disagree { spread_percent })
        );
        assert_eq!(of(&[]), None);
    }
}
