//! Options of uWSGI that are accepted with a line that says what happens instead.

use crate::options::opt::Opt;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[];
