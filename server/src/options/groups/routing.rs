//! Internal routing.

use crate::options::opt::Opt;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[];
