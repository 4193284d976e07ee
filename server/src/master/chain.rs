//! Chain reload: workers are replaced one after the other, each once the one before it accepts.

/// How far a chain reload has come.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The worker that is next, or that is being replaced, counted from 0.
    at: Option<usize>,
}

/// What a chain reload sees of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// It has no process and needs none.
    Cheap,
    /// It was told to end, or is about to accept.
    Between,
    /// It accepts.
    Accepting,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing before a worker has ended.
    Nothing,
    /// Nothing before this worker accepts.
    WaitFor(usize),
    /// This worker is to be replaced.
    Replace(usize),
    /// All have been replaced.
    Complete,
}

impl Chain {
    /// Begins with the first worker; false if it has begun already.
    pub(super) fn begin(&mut self) -> bool {
        let idle = self.at.is_none();
        self.at.get_or_insert(0);
        idle
    }

    pub(super) fn is_running(&self) -> bool {
        self.at.is_some()
    }

    /// A worker has ended: if it was its turn, the next one's comes.
    pub(super) fn buried(&mut self, number: usize) {
        if self.at == Some(number) {
            self.at = Some(number + 1);
        }
    }

    /// What is to be done, with the workers as they are.
    pub(super) fn step(&mut self, links: &[Link]) -> Step {
        let Some(at) = self.at else {
            return Step::Nothing;
        };
        let before = at.checked_sub(1);
        if let Some(before) = before.filter(|&it| links[it] == Link::Between) {
            return Step::WaitFor(before);
        }
        let next = links[at..].iter().position(|&link| link != Link::Cheap);
        let Some(next) = next.map(|skipped| at + skipped) else {
            self.at = None;
            return Step::Complete;
        };
        self.at = Some(next);
        match links[next] {
            Link::Accepting => Step::Replace(next),
            Link::Between | Link::Cheap => Step::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Link::{Accepting, Between, Cheap};

    #[test]
    fn workers_are_replaced_one_after_the_other() {
        let mut chain = Chain::default();
        assert_eq!(chain.step(&[Accepting; 2]), Step::Nothing);
        assert!(chain.begin());
        assert!(!chain.begin());
        assert_eq!(chain.step(&[Accepting; 2]), Step::Replace(0));
        assert_eq!(chain.step(&[Between, Accepting]), Step::Nothing);
        chain.buried(0);
        assert_eq!(chain.step(&[Between, Accepting]), Step::WaitFor(0));
        assert_eq!(chain.step(&[Accepting; 2]), Step::Replace(1));
        chain.buried(1);
        assert_eq!(chain.step(&[Accepting, Between]), Step::WaitFor(1));
        assert_eq!(chain.step(&[Accepting; 2]), Step::Complete);
        assert!(!chain.is_running());
    }

    #[test]
    fn a_cheap_place_is_passed_over() {
        let mut chain = Chain::default();
        chain.begin();
        assert_eq!(chain.step(&[Cheap, Accepting, Cheap]), Step::Replace(1));
        chain.buried(1);
        assert_eq!(chain.step(&[Cheap, Accepting, Cheap]), Step::Complete);
    }
}
