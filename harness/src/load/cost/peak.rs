//! The most memory that a set of processes had together, as far as samples show.

use super::{
    super::caveat::Caveat,
    proc::{Memory, Proc, Process},
};

/// The highest sums so far.
#[derive(Debug, Default)]
pub(super) struct Peak {
    resident: Option<u64>,
    proportional: Option<u64>,
    /// A proportional set was kept from us: no sum is whole without it.
    withheld: bool,
}

impl Peak {
    /// Takes a sample. A process that ends while it is read is left out of it.
    pub(super) fn see(&mut self, proc: &Proc, page: u64, processes: &[Process]) {
        let memory: Vec<Memory> = processes
            .iter()
            .filter_map(|process| proc.memory(process.pid, page))
            .collect();
        self.sum(&memory);
    }

    fn sum(&mut self, memory: &[Memory]) {
        if memory.is_empty() {
            return;
        }
        let resident = memory.iter().map(|process| process.resident).sum();
        self.resident = self.resident.max(Some(resident));
        match memory.iter().map(|process| process.proportional).sum() {
            None => self.withheld = true,
            together => self.proportional = self.proportional.max(together),
        }
    }

    /// (resident, proportional) in bytes.
    pub(super) fn of(&self, caveats: &mut Vec<Caveat>) -> (Option<u64>, Option<u64>) {
        if self.withheld {
            caveats.push(Caveat::PssWithheld);
            return (self.resident, None);
        }
        (self.resident, self.proportional)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(resident: u64, proportional: Option<u64>) -> Memory {
        Memory {
            resident,
            proportional,
        }
    }

    #[test]
    fn the_peak_is_of_the_sum_and_not_the_sum_of_peaks() {
        let mut peak = Peak::default();
        peak.sum(&[memory(90, Some(50)), memory(10, Some(5))]);
        peak.sum(&[memory(20, Some(10)), memory(60, Some(40))]);
        assert_eq!(peak.of(&mut Vec::new()), (Some(100), Some(55)));
    }

    #[test]
    fn one_withheld_process_spoils_the_proportional_sum_alone() {
        let (mut peak, mut caveats) = (Peak::default(), Vec::new());
        peak.sum(&[memory(90, Some(50))]);
        peak.sum(&[memory(90, Some(50)), memory(10, None)]);
        assert_eq!(peak.of(&mut caveats), (Some(100), None));
        assert_eq!(caveats, [Caveat::PssWithheld]);
    }

    #[test]
    fn no_process_has_no_peak() {
        let mut peak = Peak::default();
        peak.sum(&[]);
        assert_eq!(peak.of(&mut Vec::new()), (None, None));
    }
}
