//! A row against its target.

use serde::Serialize;

use super::{
    sample::{LaneResult, Measure},
    table::{Row, With},
};
use crate::stats::{Ratio, of_pairs};

/// How a row came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The ratio keeps the target.
    Met,
    /// It does not.
    Missed,
    /// A lane of it is missing.
    NotMeasured,
}

impl Verdict {
    /// What tables show.
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A row that was held against its target.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// What is compared.
    pub measure: Measure,
    /// Our lane.
    pub ours: &'static str,
    /// The lane that it was compared with, or the figure.
    pub theirs: String,
    /// Ours over theirs: geometric mean over the rounds.
    pub ratio: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// The least that the ratio may be, for a cost the most.
    pub target: f64,
    /// Whether it is kept.
    pub verdict: Verdict,
}

/// Holds a row against its target.
pub(super) fn judge(row: &Row, lanes: &[LaneResult]) -> Outcome {
    let (theirs, ratio) = compared(row, lanes);
    let keeps = |ratio: &Ratio| match row.measure.is_gain() {
        true => ratio.value >= row.target,
        false => ratio.value <= row.target,
    };
    Outcome {
        measure: row.measure,
        ours: row.ours,
        theirs,
        ratio: ratio.map(|ratio| ratio.value),
        interval: ratio
            .and_then(|ratio| ratio.interval)
            .map(|interval| (interval.low, interval.high)),
        target: row.target,
        verdict: match &ratio {
            None => Verdict::NotMeasured,
            Some(ratio) if keeps(ratio) => Verdict::Met,
            Some(_) => Verdict::Missed,
        },
    }
}

fn compared(row: &Row, lanes: &[LaneResult]) -> (String, Option<Ratio>) {
    let lane = |id: &str| lanes.iter().find(|lane| lane.id == id && !lane.is_void());
    let ours = lane(row.ours).and_then(|lane| lane.values(row.measure));
    let candidates = match row.with {
        With::Figure(figure) => {
            let ratio = ours.and_then(|ours| {
                let theirs = vec![figure; ours.len()];
                of_pairs(&ours, &theirs)
            });
            return (format!("{figure}"), ratio);
        }
        With::BestOf(ids) => ids,
    };
    let measured = candidates.iter().filter_map(|id| {
        let lane = lane(id)?;
        Some((lane.median(row.measure)?, lane))
    });
    let best = measured.reduce(|best, other| {
        let is_better = match row.measure.is_gain() {
            true => other.0 > best.0,
            false => other.0 < best.0,
        };
        if is_better { other } else { best }
    });
    match best {
        None => (candidates.join(" or "), None),
        Some((_, theirs)) => {
            let values = theirs.values(row.measure);
            let ratio = ours
                .zip(values)
                .and_then(|(ours, theirs)| of_pairs(&ours, &theirs));
            (theirs.id.to_owned(), ratio)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::Sample;

    fn lane(id: &'static str, measure: Measure, values: &[f64]) -> LaneResult {
        LaneResult {
            id,
            is_peer: true,
            rounds: values
                .iter()
                .map(|&value| Sample::of(measure, value))
                .collect(),
            missing: None,
        }
    }

    fn row(measure: Measure, target: f64) -> Row {
        Row {
            measure,
            ours: "ours",
            with: With::BestOf(&["a", "b", "absent"]),
            target,
        }
    }

    #[test]
    fn a_rate_is_held_against_the_fastest() {
        let measure = Measure::RequestsPerSecond;
        let lanes = [
            lane("ours", measure, &[300.0; 5]),
            lane("a", measure, &[100.0; 5]),
            lane("b", measure, &[200.0; 5]),
        ];
        let outcome = judge(&row(measure, 1.4), &lanes);
        assert_eq!(
            (outcome.theirs.as_str(), outcome.verdict),
            ("b", Verdict::Met)
        );
        assert!((outcome.ratio.unwrap() - 1.5).abs() < 1e-9);
        assert_eq!(judge(&row(measure, 1.6), &lanes).verdict, Verdict::Missed);
    }

    #[test]
    fn a_cost_is_held_against_the_cheapest() {
        let measure = Measure::ServerCpuUs;
        let lanes = [
            lane("ours", measure, &[9.0; 5]),
            lane("a", measure, &[10.0; 5]),
            lane("b", measure, &[20.0; 5]),
        ];
        let outcome = judge(&row(measure, 1.0), &lanes);
        assert_eq!(
            (outcome.theirs.as_str(), outcome.verdict),
            ("a", Verdict::Met)
        );
        assert_eq!(judge(&row(measure, 0.8), &lanes).verdict, Verdict::Missed);
    }

    #[test]
    fn without_anyone_to_compare_with_nothing_is_met() {
        let measure = Measure::RequestsPerSecond;
        let alone = [lane("ours", measure, &[300.0; 5])];
        let outcome = judge(&row(measure, 1.0), &alone);
        assert_eq!(outcome.verdict, Verdict::NotMeasured);
        assert_eq!(outcome.theirs, "a or b or absent");
    }

    #[test]
    fn a_lane_whose_requests_fail_is_not_compared() {
        let measure = Measure::RequestsPerSecond;
        let mut failing = lane("ours", measure, &[300.0; 5]);
        failing.rounds[0].failed = 1;
        let lanes = [failing, lane("a", measure, &[100.0; 5])];
        assert_eq!(
            judge(&row(measure, 1.0), &lanes).verdict,
            Verdict::NotMeasured
        );
    }

    #[test]
    fn a_lane_that_lost_rounds_is_not_compared() {
        let measure = Measure::RequestsPerSecond;
        let lanes = [
            lane("ours", measure, &[300.0; 5]),
            lane("a", measure, &[100.0; 3]),
        ];
        assert_eq!(
            judge(&row(measure, 1.0), &lanes).verdict,
            Verdict::NotMeasured
        );
    }
}
