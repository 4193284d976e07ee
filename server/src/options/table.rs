//! The option table: one entry per option, from which the command line, ini files, the
//! environment, the help, the man page and the manual's check all come.

use super::opt::Takes::{Flag, Many, Maybe, One};
use super::opt::Topic::{Applications, Configuration, Gateway, Logging, Processes, Sockets};
use super::opt::{Opt, opt};

/// The option with this long name or alias.
pub(super) fn find(name: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|opt| opt.is_named(name))
}

/// Every option of this server.
pub static OPTIONS: &[Opt] = &[
    opt(
        "socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak --protocol there. ADDR is host:port, :port, [v6]:port, \
         /path of a Unix socket, @abstract or fd://N. Up to 8 sockets in all",
    )
    .short('s'),
    opt(
        "protocol",
        One("NAME"),
        Sockets,
        "What --socket speaks: uwsgi (default), fastcgi, scgi or http",
    )
    .aliases(&["socket-protocol"]),
    opt(
        "uwsgi-socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak uwsgi (nginx: uwsgi_pass)",
    ),
    opt(
        "fastcgi-socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak FastCGI (nginx: fastcgi_pass)",
    ),
    opt(
        "scgi-socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak SCGI (nginx: scgi_pass)",
    ),
    opt(
        "http-socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak HTTP/1.1 (nginx: proxy_pass, or a browser)",
    ),
    opt(
        "listen",
        One("N"),
        Sockets,
        "Length of the queue of connections not yet accepted [default: 100]",
    )
    .short('l'),
    opt(
        "chmod-socket",
        Maybe {
            value: "MODE",
            default: "666",
        },
        Sockets,
        "Permissions of Unix sockets, as three octal digits [without a value: 666]",
    )
    .short('C')
    .aliases(&["chmod"]),
    opt(
        "chown-socket",
        One("USER[:GROUP]"),
        Sockets,
        "Owner of Unix sockets",
    ),
    opt(
        "vacuum",
        Flag,
        Sockets,
        "Remove Unix sockets and the pidfile on exit",
    ),
    opt(
        "buffer-size",
        One("BYTES"),
        Sockets,
        "The most that the meta-variables or header fields of one request may take \
         [default: 65535]",
    )
    .short('b'),
    opt(
        "limit-post",
        One("BYTES"),
        Sockets,
        "Refuse request bodies that are larger with 413 [default: no limit]",
    ),
    opt(
        "socket-timeout",
        One("SECONDS"),
        Sockets,
        "Give up on a peer that sends or takes nothing for so long [default: 60]",
    )
    .short('z'),
    opt(
        "probe",
        Flag,
        Applications,
        "Answer with the probe: a reply that tells what arrived, shaped by the X-Probe \
         header",
    ),
    opt(
        "cgi",
        Many("[/PREFIX=]PATH"),
        Applications,
        "Run the CGI programs of a folder, or one CGI program, below /PREFIX or everywhere",
    ),
    opt(
        "cgi-env",
        Many("NAME=VALUE"),
        Applications,
        "Add a variable to the environment of CGI programs",
    ),
    opt(
        "cgi-timeout",
        One("SECONDS"),
        Applications,
        "Kill a CGI program that stays silent for so long [default: 60]",
    ),
    opt(
        "cgi-helper",
        Many(".EXT=PROGRAM"),
        Applications,
        "Run CGI files that end in .EXT through PROGRAM",
    ),
    opt(
        "cgi-index",
        Many("FILE"),
        Applications,
        "CGI program to look for where a path is a folder",
    ),
    opt(
        "cgi-allowed-ext",
        Many(".EXT"),
        Applications,
        "Run only CGI files that end in .EXT",
    ),
    opt(
        "http",
        Many("ADDR"),
        Gateway,
        "Listen on ADDR as a gateway that forwards to --uwsgi-to, --fastcgi-to or \
         --scgi-to; without one of these it is --http-socket",
    ),
    opt(
        "uwsgi-to",
        One("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this uwsgi server",
    )
    .aliases(&["http-to"]),
    opt(
        "fastcgi-to",
        One("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this FastCGI server",
    ),
    opt(
        "scgi-to",
        One("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this SCGI server",
    ),
    opt(
        "http-timeout",
        One("SECONDS"),
        Gateway,
        "Answer 504 when the server behind stays silent for so long [default: 60]",
    ),
    opt(
        "master",
        Flag,
        Processes,
        "Supervise the workers from a master process; always so here",
    )
    .short('M'),
    opt(
        "processes",
        One("N"),
        Processes,
        "Number of worker processes [default: 1]",
    )
    .short('p')
    .aliases(&["workers"]),
    opt(
        "max-requests",
        One("N"),
        Processes,
        "Replace a worker after so many requests [default: never]",
    )
    .short('R'),
    opt(
        "worker-reload-mercy",
        One("SECONDS"),
        Processes,
        "On shutdown, the time that workers get to finish running requests [default: 60]",
    )
    .aliases(&["reload-mercy"]),
    opt(
        "chdir",
        One("DIR"),
        Processes,
        "Change to DIR before anything else is opened",
    ),
    opt(
        "uid",
        One("USER"),
        Processes,
        "Run as USER (name or number), and as its group unless --gid says else, once the sockets \
         are bound",
    ),
    opt(
        "gid",
        One("GROUP"),
        Processes,
        "Run as GROUP (name or number) once the sockets are bound",
    ),
    opt(
        "pidfile",
        One("FILE"),
        Processes,
        "Write the master's process id to FILE",
    ),
    opt(
        "die-on-term",
        Flag,
        Processes,
        "Stop on SIGTERM; always so here",
    ),
    opt(
        "need-app",
        Maybe {
            value: "BOOL",
            default: "true",
        },
        Processes,
        "Refuse to start without an application; always so here",
    ),
    opt(
        "logto",
        One("FILE"),
        Logging,
        "Append everything that goes to standard error to FILE instead",
    ),
    opt(
        "disable-logging",
        Flag,
        Logging,
        "Write no line per request; errors are still told",
    )
    .short('L'),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_or_letter_is_used_twice() {
        let mut seen = std::collections::HashSet::new();
        for opt in OPTIONS {
            let letter = opt.short.map(String::from);
            let names = [opt.name].into_iter().chain(opt.aliases.iter().copied());
            for name in names.map(String::from).chain(letter) {
                assert!(seen.insert(name.clone()), "{name} is used twice");
            }
        }
    }

    #[test]
    fn an_option_is_found_by_any_of_its_names() {
        assert_eq!(find("workers"), find("processes"));
        assert_eq!(find("http-to").map(|opt| opt.name), Some("uwsgi-to"));
        assert_eq!(find("no-such-option"), None);
    }
}
