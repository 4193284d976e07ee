//! The steps of one request in the order of time, each from a clock that somebody read.

use serde::Serialize;
use serde_json::Value;

use super::send::Burst;

/// A step and when it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    /// Its name, a word of the page's dictionary.
    pub(super) name: &'static str,
    /// Who knows: `client`, `wire`, `server` or `application`.
    pub(super) from: &'static str,
    /// Microseconds since the client began to send.
    pub(super) at_us: u64,
}

/// What the parts of the demo took note of.
pub(super) struct Stamps<'a> {
    /// When the client began, by the monotonic clock.
    pub(super) sent_us: u64,
    /// How long the client waited.
    pub(super) took_us: u64,
    pub(super) wires: &'a [Burst],
    /// gateserve's line of the request.
    pub(super) trace: Option<&'a Value>,
    /// What the application told.
    pub(super) told: Option<&'a Value>,
}

/// Steps that gateserve's trace has, by its names and the page's.
const TRACED: [(&str, &str); 10] = [
    ("accepted", "accept"),
    ("started", "fork"),
    ("spawned", "forked"),
    ("executed", "exec"),
    ("first_byte", "first-byte"),
    ("head", "head"),
    ("last_byte", "last-byte"),
    ("exited", "exit"),
    ("reaped", "reap"),
    ("end", "end"),
];

/// Stamps that the application tells, in nanoseconds.
const TOLD: [(&str, &str); 3] = [
    ("began", "interpreter"),
    ("entered", "application"),
    ("done", "answered"),
];

/// All steps, in order of time.
pub(super) fn steps(stamps: &Stamps<'_>) -> Vec<Step> {
    let since = |at: u64| at.saturating_sub(stamps.sent_us);
    let mut steps = vec![Step {
        name: "send",
        from: "client",
        at_us: 0,
    }];
    let mut add = |name, from, at_us| steps.push(Step { name, from, at_us });
    let passed = |direction: &str| {
        let mut octets = stamps.wires.iter().filter(|burst| burst.event.is_empty());
        octets.find(|burst| burst.leg == "server" && burst.direction == direction)
    };
    if let Some(burst) = passed("request") {
        add("forwarded", "wire", since(burst.at_us));
    }
    if let Some(trace) = stamps.trace {
        let parsed = trace["parsed_at_us"].as_u64().unwrap_or_default();
        add("parsed", "server", since(parsed));
        // A worker is asked, a program is started.
        let is_program = trace["us"]["spawned"].is_u64();
        for (key, name) in TRACED {
            // The connection was accepted before the head was understood.
            if let Some(micros) = trace["us"][key].as_i64() {
                let name = match name {
                    "fork" if !is_program => "dispatch",
                    _ => name,
                };
                add(name, "server", since(parsed.saturating_add_signed(micros)));
            }
        }
    }
    if let Some(told) = stamps.told {
        for (key, name) in TOLD {
            // Workers were up long before the request.
            if let Some(nanos) = told[key].as_u64()
                && nanos / 1000 >= stamps.sent_us
            {
                add(name, "application", since(nanos / 1000));
            }
        }
    }
    if let Some(burst) = passed("reply") {
        add("returned", "wire", since(burst.at_us));
    }
    add("received", "client", stamps.took_us);
    steps.sort_by_key(|step| step.at_us);
    steps
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_of_all_clocks_stand_in_order_of_time() {
        let trace = json!({ "parsed_at_us": 1_000_300, "us": { "accepted": -20, "started": 40, "spawned": 90, "executed": 700, "reaped": 20_000, "end": 20_010 } });
        let told = json!({ "began": 1_015_000_000u64, "entered": 1_016_000_000u64, "done": 1_017_000_000u64 });
        let steps = steps(&Stamps {
            sent_us: 1_000_000,
            took_us: 19_000,
            wires: &[],
            trace: Some(&trace),
            told: Some(&told),
        });
        let names: Vec<_> = steps.iter().map(|step| (step.name, step.at_us)).collect();
        let expected = [
            ("send", 0),
            ("accept", 280),
            ("parsed", 300),
            ("fork", 340),
            ("forked", 390),
            ("exec", 1000),
            ("interpreter", 15_000),
            ("application", 16_000),
            ("answered", 17_000),
            ("received", 19_000),
            ("reap", 20_300),
            ("end", 20_310),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_worker_that_was_up_already_has_no_start_of_an_interpreter() {
        let told =
            json!({ "began": 5_000_000, "entered": 1_016_000_000u64, "done": 1_017_000_000u64 });
        let steps = steps(&Stamps {
            sent_us: 1_000_000,
            took_us: 19_000,
            wires: &[],
            trace: None,
            told: Some(&told),
        });
        assert!(steps.iter().all(|step| step.name != "interpreter"));
    }
}
