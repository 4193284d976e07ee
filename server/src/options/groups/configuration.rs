//! Where options come from, and what becomes of strange ones.

use crate::options::opt::Takes::{Flag, Many};
use crate::options::opt::Topic::Configuration;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "ini",
        Many("FILE[:SECTION]"),
        Configuration,
        "Read options from the [uwsgi] section of FILE; a bare FILE.ini does so too",
    ),
    opt(
        "strict",
        Flag,
        Configuration,
        "Refuse options that are uWSGI's but not supported here, and unknown keys",
    ),
    opt(
        "check-config",
        Flag,
        Configuration,
        "Read the configuration, print what it comes to, and exit with 0 or 1",
    ),
];
