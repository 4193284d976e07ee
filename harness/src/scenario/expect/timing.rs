//! When something must have come.

use std::time::Duration;

use serde::Deserialize;

use crate::scenario::text::Time;

/// A condition on a time, counted from the first octet of the request. Every key that is given
/// must hold.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// At this time at the latest.
    pub within: Option<Time>,
    /// Not before this time.
    pub after: Option<Time>,
}

impl Timing {
    /// What must hold and does not, in words; what never came is in no time.
    pub(super) fn unmet(&self, actual: Option<Duration>) -> Option<String> {
        let is_late = |limit: Time| actual.is_none_or(|actual| actual > limit.0);
        let is_early = |limit: Time| actual.is_none_or(|actual| actual < limit.0);
        let late = self.within.filter(|&limit| is_late(limit));
        let late = late.map(|limit| format!("within {limit}"));
        late.or_else(|| {
            let early = self.after.filter(|&limit| is_early(limit))?;
            Some(format!("not before {early}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Doc {
        t: Timing,
    }

    #[track_caller]
    fn assert_unmet(source: &str, millis: Option<u64>, expected: Option<&str>) {
        let doc: Doc = toml::from_str(&format!("t = {source}")).unwrap();
        let unmet = doc.t.unmet(millis.map(Duration::from_millis));
        assert_eq!(unmet.as_deref(), expected);
    }

    #[test]
    fn a_time_lies_between_its_limits() {
        let between = "{ after = '100ms', within = '300ms' }";
        assert_unmet(between, Some(200), None);
        assert_unmet(between, Some(99), Some("not before 100ms"));
        assert_unmet(between, Some(301), Some("within 300ms"));
    }

    #[test]
    fn what_never_came_is_in_no_time() {
        assert_unmet("{ within = '1s' }", None, Some("within 1000ms"));
        assert_unmet("{ after = '1s' }", None, Some("not before 1000ms"));
    }
}
