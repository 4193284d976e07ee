//! CGI programs that are not executed as they should be.

use super::{
    super::habits::Starts,
    Act::{self, Habits},
    Fault, fault,
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/cgi-descriptor-leaked",
        &[Habits(|habits| habits.starts = Starts::WithDescriptor)],
    ),
    fault(
        "gateway/cgi-pipe-signal-ignored",
        &[Habits(|habits| habits.starts = Starts::WithoutPipeSignal)],
    ),
    fault(
        "gateway/cgi-other-folder",
        &[Habits(|habits| habits.starts = Starts::Elsewhere)],
    ),
    fault(
        "gateway/cgi-variables-prefixed",
        &[Habits(|habits| habits.starts = Starts::WithPrefix)],
    ),
    fault(
        "gateway/cgi-half-fed",
        &[Act::Conduct(|conduct| conduct.feeds = |length| length / 2)],
    ),
    fault(
        "gateway/cgi-errors-to-client",
        &[Habits(|habits| habits.starts = Starts::Mixed)],
    ),
    fault(
        "gateway/cgi-not-reaped",
        &[Habits(|habits| habits.starts = Starts::Unwaited)],
    ),
];
