//! Where options come from, and what becomes of strange ones. What happens to them is in
//! `options::config`.

use crate::options::opt::Takes::{Flag, Many, Maybe};
use crate::options::opt::Topic::Configuration;
use crate::options::opt::{Opt, opt};

/// An end that may have a value, which nobody reads.
const END: crate::options::opt::Takes = Maybe {
    value: "",
    default: "",
};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "ini",
        Many("FILE[:SECTION]"),
        Configuration,
        "Read options from the [uwsgi] section of FILE, as if they stood here; `:SECTION` is a \
         section of the same file, `-` standard input, exec://COMMAND what a command prints",
    ),
    opt(
        "yaml",
        Many("FILE[:KEY]"),
        Configuration,
        "Read options from the mapping `uwsgi` of a YAML file",
    )
    .short('y')
    .aliases(&["yml"]),
    opt(
        "json",
        Many("FILE[:KEY]"),
        Configuration,
        "Read options from the object `uwsgi` of a JSON file",
    )
    .short('j')
    .aliases(&["js"]),
    opt(
        "toml",
        Many("FILE[:TABLE]"),
        Configuration,
        "Read options from the table [uwsgi] of a TOML file",
    ),
    opt(
        "xml",
        Many("FILE[:ID]"),
        Configuration,
        "Read options from the elements within <uwsgi> of an XML file",
    )
    .short('x')
    .aliases(&["xmlconfig"]),
    opt(
        "include",
        Many("FILE[:SECTION]"),
        Configuration,
        "Read options from a file in the format that its name tells",
    )
    .aliases(&["config"]),
    opt(
        "inherit",
        Many("FILE[:SECTION]"),
        Configuration,
        "The same, after everything else",
    ),
    opt(
        "set",
        Many("NAME=VALUE"),
        Configuration,
        "Give an option, or a variable for %(NAME)",
    )
    .short('S'),
    opt(
        "set-placeholder",
        Many("NAME=VALUE"),
        Configuration,
        "Make a variable for %(NAME), which --strict allows",
    )
    .aliases(&["set-ph"]),
    opt(
        "if-env",
        Many("NAME[=VALUE]"),
        Configuration,
        "Options up to `endif` count if the environment has the variable, `%(_)` in them is its \
         value; --if-not-env if it has not",
    )
    .aliases(&["ifenv", "if-not-env"]),
    opt(
        "if-opt",
        Many("NAME[=VALUE]"),
        Configuration,
        "Options up to `endif` count if the option was given before; --if-not-opt if not",
    )
    .aliases(&["if-not-opt"]),
    opt(
        "if-file",
        Many("FILE"),
        Configuration,
        "Options up to `endif` count if the file is there (or readable, a folder, or not)",
    )
    .aliases(&[
        "if-not-file",
        "if-exists",
        "ifexists",
        "if-not-exists",
        "if-dir",
        "ifdir",
        "if-directory",
        "if-not-dir",
    ]),
    opt(
        "if-hostname",
        Many("NAME"),
        Configuration,
        "Options up to `endif` count on the machine of this name; --if-not-hostname on others",
    )
    .aliases(&["if-not-hostname"]),
    opt(
        "if-plugin",
        Many("NAME"),
        Configuration,
        "Options up to `endif` count if this plugin of uWSGI is built in; --if-not-plugin if not",
    )
    .aliases(&["ifplugin", "if-not-plugin"]),
    opt(
        "if-reload",
        Flag,
        Configuration,
        "Options up to `endif` count after a reload; --if-not-reload at the first start",
    )
    .aliases(&["if-not-reload"]),
    opt(
        "for",
        Many("WORD WORD…"),
        Configuration,
        "Options up to `endfor` count once for each word, which is `%(_)` in them; --for-glob \
         for each file of a pattern, --for-times for the numbers 1 to N, --for-readline for each \
         line of a file",
    )
    .aliases(&["for-glob", "for-times", "for-readline"]),
    opt("endif", END, Configuration, "The end of an `if-…`").aliases(&["end-if"]),
    opt("endfor", END, Configuration, "The end of a `for`").aliases(&["end-for"]),
    opt(
        "print",
        Many("TEXT"),
        Configuration,
        "Print TEXT on standard output",
    ),
    opt(
        "strict",
        Flag,
        Configuration,
        "Refuse options that are uWSGI's but not supported here, and keys that nobody knows",
    ),
    opt(
        "check-config",
        Flag,
        Configuration,
        "Read the configuration, tell what it comes to and what becomes of each option of uWSGI, \
         and exit with 0 if the server would start, else with 1",
    ),
    opt(
        "show-config",
        Flag,
        Configuration,
        "Print the configuration before serving",
    ),
];
