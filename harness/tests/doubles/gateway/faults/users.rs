//! Access control in front of the application, and what it is told of the user.

use super::{Act, Act::Conduct, Fault, fault};
use crate::doubles::conduct::Asks;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/user-never-asked",
        &[Conduct(|conduct| conduct.asks = Asks::Never)],
    ),
    fault(
        "gateway/user-asked-late",
        &[Conduct(|conduct| conduct.asks = Asks::Late)],
    ),
    fault(
        "gateway/user-any-password",
        &[Conduct(|conduct| conduct.asks = Asks::AnyPassword)],
    ),
    fault(
        "gateway/user-scheme-not-told",
        &[Act::Environ(|environ, _| {
            environ.remove("AUTH_TYPE");
        })],
    ),
    fault(
        "gateway/user-not-told",
        &[Act::Environ(|environ, _| {
            environ.remove("REMOTE_USER");
        })],
    ),
];
