//! Options of uWSGI that are accepted with a line that says what happens instead.

use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, Many, One};
use crate::options::opt::Topic::Accepted;
use crate::options::opt::{Opt, opt};
use crate::options::values;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "thunder-lock",
        Flag,
        Accepted,
        "Workers take connections in turn without a lock: the kernel wakes only one",
    ),
    opt(
        "plugins",
        Many("NAME,…"),
        Accepted,
        "Plugins that are built in need no loading; any other is left out",
    )
    .aliases(&["plugin", "need-plugins", "need-plugin"]),
    opt(
        "plugins-dir",
        Many("DIR"),
        Accepted,
        "Plugins are built in and looked for nowhere",
    )
    .aliases(&["plugin-dir"]),
    opt(
        "no-defer-accept",
        Flag,
        Accepted,
        "Always so here: a connection is accepted before its first byte came",
    ),
    opt(
        "ksm",
        One("N"),
        Accepted,
        "Left to the kernel: merging equal pages of workers opens a side channel between them",
    ),
    opt(
        "honour-stdin",
        Flag,
        Accepted,
        "Always so here: standard input stays as it is",
    ),
    opt(
        "log-master",
        Flag,
        Accepted,
        "Not needed: every worker writes whole lines by itself, or a process that writes the log \
         takes them, where loggers, encoders, routes or log-maxsize are given",
    )
    .aliases(&["log-master-stream", "log-master-req-stream"]),
    opt(
        "threaded-logger",
        Flag,
        Accepted,
        "Not needed: writing the log never holds up the master",
    ),
    opt(
        "log-master-bufsize",
        One("BYTES"),
        Accepted,
        "Not needed: messages are not cut",
    ),
    opt(
        "http-websockets",
        Flag,
        Accepted,
        "Not needed: a connection that asks for an upgrade is passed on as it is",
    ),
    opt(
        "gevent",
        One("N"),
        Accepted,
        "Runs min(N, 64) threads in each worker instead of N greenlets",
    ),
    opt(
        "gevent-monkey-patch",
        Flag,
        Accepted,
        "Threads run instead of greenlets, so nothing is patched",
    )
    .aliases(&["gevent-early-monkey-patch", "gevent-wait-for-hub"]),
    opt(
        "alarm",
        Many("NAME PLUGIN:ARGS"),
        Accepted,
        "No alarms are raised; what would raise one is in the log",
    ),
    opt(
        "alarm-segfault",
        Many("ALARM"),
        Accepted,
        "No alarms are raised; the log says which signal ended a worker",
    )
    .aliases(&["segfault-alarm"]),
    opt(
        "alarm-listen-queue",
        Many("ALARM"),
        Accepted,
        "No alarms are raised; --stats tells the length of the queue",
    )
    .aliases(&[
        "alarm-backlog",
        "alarm-lq",
        "backlog-alarm",
        "listen-queue-alarm",
        "lq-alarm",
    ]),
    opt(
        "alarm-log",
        Many("ALARM REGEX"),
        Accepted,
        "No alarms are raised; a follower of the log can do it",
    )
    .aliases(&["log-alarm", "not-alarm-log", "not-log-alarm"]),
    opt(
        "alarm-fd",
        Many("ALARM FD"),
        Accepted,
        "No alarms are raised",
    )
    .aliases(&[
        "alarm-metric",
        "metric-alarm",
        "alarm-freq",
        "alarm-msg-size",
        "alarm-cheap",
    ]),
    opt(
        "spooler",
        Many("DIR"),
        Accepted,
        "No spooler runs: put work into a task queue with workers of its own, as --attach-daemon",
    ),
    opt("spooler-processes", One("N"), Accepted, "No spooler runs").aliases(&[
        "spooler-external",
        "spooler-ordered",
        "spooler-chdir",
        "spooler-quiet",
        "spooler-max-tasks",
        "spooler-signal-as-task",
        "spooler-harakiri",
        "spooler-frequency",
        "spooler-freq",
        "spooler-import",
        "spooler-python-import",
        "spooler-pyimport",
        "spooler-py-import",
        "touch-spoolers-reload",
        "spooler-cheap",
    ]),
    opt(
        "mule",
        Many("[FILE]"),
        Accepted,
        "No mule runs: --attach-daemon starts and watches a program beside the workers",
    )
    .aliases(&[
        "mules",
        "farm",
        "mule-harakiri",
        "mule-msg-size",
        "mule-reload-mercy",
    ]),
    opt(
        "cache2",
        Many("KEY=VALUE,…"),
        Accepted,
        "No cache is made: the cache functions of the uwsgi module refuse, and say what to use instead",
    )
    .aliases(&["cache"]),
];

/// What happens instead, one sentence for each option given.
pub(in crate::options) fn notices(gathered: &Gathered) -> Vec<String> {
    let given = OPTIONS
        .iter()
        .filter_map(|opt| gathered.last(opt.name))
        .filter(|given| given.opt.takes != Flag || values::boolean(&given.value))
        .filter(|given| given.opt.name != "plugins");
    given
        .map(|given| {
            format!(
                "`{}` ({}): {}",
                given.opt.name, given.origin, given.opt.help
            )
        })
        .collect()
}

/// Plugins of uWSGI whose work is done without loading anything.
const BUILT_IN: [&str; 41] = [
    "python",
    "python2",
    "python3",
    "http",
    "cgi",
    "fastrouter",
    "corerouter",
    "syslog",
    "rsyslog",
    "logfile",
    "logsocket",
    "log_socket",
    "logpipe",
    "stats_pusher_file",
    "cheaper_busyness",
    "cheaper_backlog2",
    "router_access",
    "router_basicauth",
    "router_cache",
    "router_expires",
    "router_hash",
    "router_http",
    "router_memcached",
    "router_metrics",
    "router_radius",
    "router_redirect",
    "router_redis",
    "router_rewrite",
    "router_spnego",
    "router_static",
    "router_uwsgi",
    "router_xmldir",
    "ping",
    "dummy",
    "gevent",
    "transformation_chunked",
    "transformation_gzip",
    "transformation_offload",
    "transformation_tofile",
    "transformation_toupper",
    "zergpool",
];

/// Whether a plugin, named with or without its path and `_plugin.so`, is not needed here.
pub(in crate::options) fn is_built_in(plugin: &str) -> bool {
    let name = plugin.rsplit('/').next().unwrap_or_default().trim();
    let name = name.strip_suffix("_plugin.so").unwrap_or(name);
    // `python311` and `python36` are Debian's names of the same.
    let name = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    BUILT_IN.contains(&name) || name.is_empty()
}

/// The plugins that are asked for and not built in, each with the option that asks.
pub(in crate::options) fn missing_plugins(gathered: &Gathered) -> Vec<String> {
    let asked = gathered.all("plugins").flat_map(|given| {
        let names = given.value.split(',');
        names.map(move |name| (name.trim(), &given.origin))
    });
    asked
        .filter(|(name, _)| !is_built_in(name))
        .map(|(name, origin)| format!("`{name}` ({origin})"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_known_by_any_of_its_names() {
        for name in [
            "python3",
            "python",
            "python311",
            "/usr/lib/uwsgi/python3",
            "http",
            "python3_plugin.so",
        ] {
            assert!(is_built_in(name), "{name}");
        }
        for name in ["sentry", "php", "/code/escape_json_plugin.so"] {
            assert!(!is_built_in(name), "{name}");
        }
    }
}
