//! Programs and actions beside the workers: hooks, daemons, cron.

use crate::options::opt::Opt;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[];
