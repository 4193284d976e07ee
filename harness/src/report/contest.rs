//! Throughput arranged for comparison: what ran under the same conditions stands side by side.

use super::units;
use crate::{
    model::Model,
    results::{PacingKind, Results, Throughput},
};

/// Measurements of one gateway under one workload; only the way to the application differs.
#[derive(Debug)]
pub struct Contest<'a> {
    /// Subject id of the gateway, or `url`.
    pub gateway: &'a str,
    /// In the order of [`Model::ALL`]; the first is what the others are compared to.
    pub entries: Vec<&'a Throughput>,
}

impl<'a> Contest<'a> {
    /// The conditions: `hello, 64 connections, closed loop`.
    pub fn conditions(&self) -> String {
        let one = self.first();
        let connections = super::findings::plural(one.connections as usize, "connection");
        let pacing = match (one.pacing, one.offered_rps) {
            (PacingKind::Closed, _) => "closed loop".to_owned(),
            (PacingKind::Open, Some(rate)) => format!("{} requests/s offered", units::amount(rate)),
            (PacingKind::Open, None) => "open loop".to_owned(),
        };
        format!("{}, {connections}, {pacing}", one.workload)
    }

    /// What the others are compared to.
    pub fn first(&self) -> &'a Throughput {
        self.entries[0]
    }

    /// The rate of `entry` as a multiple of the first one's.
    pub fn ratio(&self, entry: &Throughput) -> f64 {
        entry.rps / self.first().rps
    }

    /// The highest rate.
    pub fn best_rps(&self) -> f64 {
        self.entries.iter().map(|e| e.rps).fold(0.0, f64::max)
    }

    fn admits(&self, other: &Throughput) -> bool {
        let one = self.first();
        self.gateway == gateway(other)
            && one.workload == other.workload
            && one.pacing == other.pacing
            && one.connections == other.connections
            && one.offered_rps == other.offered_rps
    }
}

/// Groups the measurements of a run.
pub fn contests(results: &Results) -> Vec<Contest<'_>> {
    let mut contests = Vec::<Contest<'_>>::new();
    for entry in &results.throughput {
        match contests.iter_mut().find(|c| c.admits(entry)) {
            Some(contest) => contest.entries.push(entry),
            None => contests.push(Contest {
                gateway: gateway(entry),
                entries: vec![entry],
            }),
        }
    }
    for contest in &mut contests {
        contest.entries.sort_by_key(|entry| entry.model);
    }
    contests
}

fn gateway(entry: &Throughput) -> &str {
    entry.gateway.as_deref().unwrap_or("url")
}

/// The way to the application: `cgi via fastcgi`.
pub fn way(entry: &Throughput) -> String {
    let model = entry.model.map_or("http", Model::word);
    match &entry.carrier {
        Some(carrier) => format!("{model} via {carrier}"),
        None => model.to_owned(),
    }
}

/// Socket kind and connection use towards the backend, part of every figure's name: `unix, kept`.
pub fn link(entry: &Throughput) -> String {
    let socket = entry.socket.as_deref();
    let kept = entry
        .backend_keepalive
        .map(|kept| if kept { "kept" } else { "new" });
    let parts: Vec<_> = [socket, kept].into_iter().flatten().collect();
    parts.join(", ")
}

/// Caveats of a run, each told once: with a number, or without where it holds for every figure.
#[derive(Debug, Default)]
pub struct Footnotes<'a> {
    common: Vec<&'a str>,
    numbered: Vec<&'a str>,
}

impl<'a> Footnotes<'a> {
    /// Starts with what several measurements have in common.
    pub fn of(results: &'a Results) -> Self {
        let common = match results.throughput.as_slice() {
            [first, rest @ ..] if !rest.is_empty() => {
                let everywhere = |text: &&String| rest.iter().all(|e| e.caveats.contains(*text));
                let common = first.caveats.iter().filter(everywhere);
                common.map(String::as_str).collect()
            }
            _ => Vec::new(),
        };
        let numbered = Vec::new();
        Self { common, numbered }
    }

    /// The numbers of these caveats, from 1; new ones are added, common ones have none.
    pub fn refer(&mut self, caveats: &'a [String]) -> Vec<usize> {
        let own = caveats.iter().map(String::as_str);
        let own = own.filter(|text| !self.common.contains(text));
        let own: Vec<_> = own.collect();
        own.into_iter().map(|text| self.number(text)).collect()
    }

    /// Caveats that hold for every figure.
    pub fn common(&self) -> &[&'a str] {
        &self.common
    }

    /// The other caveats with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let texts = self.numbered.iter().enumerate();
        texts.map(|(at, &text)| (at + 1, text))
    }

    fn number(&mut self, caveat: &'a str) -> usize {
        let known = self.numbered.iter().position(|&text| text == caveat);
        1 + known.unwrap_or_else(|| {
            self.numbered.push(caveat);
            self.numbered.len() - 1
        })
    }
}

/// Footnote numbers in raised digits: `¹ ²`.
pub fn raised(numbers: &[usize]) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |number: &usize| -> String {
        let digits = number.to_string().into_bytes();
        digits
            .iter()
            .map(|d| DIGITS[usize::from(d - b'0')])
            .collect()
    };
    numbers.iter().map(raise).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caveat_keeps_its_number() {
        let (first, second) = (["a".to_owned()], ["b".to_owned(), "a".to_owned()]);
        let mut notes = Footnotes::default();
        assert_eq!(notes.refer(&first), [1]);
        assert_eq!(notes.refer(&second), [2, 1]);
        assert_eq!(notes.numbered().collect::<Vec<_>>(), [(1, "a"), (2, "b")]);
    }

    #[test]
    fn footnote_numbers_are_raised_digit_by_digit() {
        assert_eq!(raised(&[1, 20]), "¹ ²⁰");
    }
}
