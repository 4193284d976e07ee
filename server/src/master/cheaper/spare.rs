//! uWSGI's algorithm `spare`: one idle worker in reserve.

use super::Load;

/// Counts seconds in which all workers were busy, and such in which they were not.
#[derive(Debug)]
pub(super) struct Spare {
    least: u32,
    step: u32,
    overload: u32,
    overloaded: u32,
    idle: u32,
}

impl Spare {
    pub(super) fn new(least: u32, step: u32, overload: u32) -> Self {
        Self {
            least,
            step,
            overload,
            overloaded: 0,
            idle: 0,
        }
    }

    pub(super) fn decide(&mut self, load: &Load) -> i32 {
        let (active, busy) = (load.active(), load.busy());
        if busy < active {
            self.overloaded = self.overloaded.saturating_sub(1);
        } else {
            self.overloaded += 1;
            self.idle = 0;
        }
        if self.overloaded > self.overload {
            self.overloaded = 0;
            return load.room(self.step);
        }
        // With one idle worker all is well.
        if self.overloaded > 0 || active - busy == 1 {
            return 0;
        }
        self.idle += 1;
        let due = self.idle.is_multiple_of(self.overload);
        if due && active > self.least { -1 } else { 0 }
    }
}
