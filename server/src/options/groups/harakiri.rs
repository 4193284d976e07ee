//! The time that a request may take.

use crate::options::opt::Opt;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[];
