//! From what was given to what it means.

use super::error::OptionError;
use super::finding::Finding;
use super::foreign;
use super::given::Gathered;
use super::groups::apps::AppSettings;
use super::groups::sockets::ListenerSettings;
use super::groups::{
    accepted, apps, cron, daemons, destinations, files, harakiri, headers, hooks, http, limits,
    log, loggers, memory, names, processes, recycle, reload, routing, sockets, stats, system,
    writes,
};
use super::settings::Settings;

/// Works out the settings.
///
/// # Errors
/// The first value that cannot be used, or options that do not go together.
pub(super) fn resolve(gathered: &Gathered) -> Result<Settings, OptionError> {
    let refused = refused(gathered);
    if gathered.switch("strict", false) && !refused.is_empty() {
        return Err(OptionError::Strict(refused.join(", ")));
    }
    let apps = apps::resolve(gathered)?;
    let listeners = sockets::listeners(gathered, !apps.upstreams.is_empty())?;
    let files = files::resolve(gathered)?;
    if !files.is_used() {
        check_apps(&listeners, &apps)?;
    }
    let processes = processes::resolve(gathered)?;
    let mut settings = Settings {
        listeners,
        sockets: sockets::resolve(gathered)?,
        limits: limits::resolve(gathered)?,
        http: http::resolve(gathered)?,
        headers: headers::resolve(gathered)?,
        writes: writes::resolve(gathered)?,
        files,
        routes: routing::resolve(gathered)?,
        apps,
        cheaper: super::groups::cheaper::resolve(gathered, processes.workers)?,
        processes,
        recycle: recycle::resolve(gathered)?,
        harakiri: harakiri::resolve(gathered)?,
        memory: memory::resolve(gathered)?,
        reload: reload::resolve(gathered)?,
        touch: super::groups::touch::resolve(gathered)?,
        names: names::resolve(gathered)?,
        system: system::resolve(gathered)?,
        hooks: hooks::resolve(gathered)?,
        daemons: daemons::resolve(gathered)?,
        crons: cron::resolve(gathered)?,
        stats: stats::resolve(gathered)?,
        trace: super::groups::trace::resolve(gathered)?,
        log: log::resolve(gathered)?,
        destinations: destinations::resolve(gathered)?,
        loggers: loggers::resolve(gathered)?,
        prints: gathered.texts("print"),
        show_config: gathered.switch("show-config", false),
        notices: accepted::notices(gathered),
        arguments: Vec::new(),
        environment: Vec::new(),
        given: String::new(),
        warnings: Vec::new(),
    };
    settings.warnings = warnings(gathered);
    Ok(settings)
}

/// What `strict` refuses. As in uWSGI, a variable of the user must come from `set-placeholder`.
fn refused(gathered: &Gathered) -> Vec<String> {
    let variables = gathered.variables.iter().filter(|stray| !stray.placeholder);
    let keys = gathered.unknown.iter().chain(variables).map(|stray| {
        let nearest = foreign::nearest(&stray.name);
        let hint = nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        format!(
            "there is no option `{}` ({}){hint}",
            stray.name, stray.origin
        )
    });
    let unsupported = gathered
        .unsupported
        .iter()
        .map(|stray| format!("`{}` ({}) is not supported", stray.name, stray.origin));
    let plugins = accepted::missing_plugins(gathered)
        .into_iter()
        .map(|plugin| format!("there is no plugin {plugin}"));
    keys.chain(unsupported).chain(plugins).collect()
}

/// What was given and cannot be followed, or is surely not as it was meant.
fn warnings(gathered: &Gathered) -> Vec<String> {
    let unknown = gathered.unknown.iter().map(|stray| {
        OptionError::UnknownKey {
            name: stray.name.clone(),
            origin: stray.origin.clone(),
            nearest: foreign::nearest(&stray.name),
        }
        .to_string()
    });
    let plugins = accepted::missing_plugins(gathered)
        .into_iter()
        .map(|plugin| format!("there is no plugin {plugin}: it is left out"));
    let findings = gathered
        .findings
        .iter()
        .filter(|finding| finding.warns)
        .map(Finding::sentence);
    unknown
        .chain(unsupported(gathered))
        .chain(plugins)
        .chain(findings)
        .chain(gathered.notes())
        .collect()
}

/// One sentence for all of uWSGI's options that are left out.
fn unsupported(gathered: &Gathered) -> Option<String> {
    let mut names: Vec<_> = gathered
        .unsupported
        .iter()
        .map(|stray| stray.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| {
        format!(
            "options of uWSGI that are not supported are left out: {}",
            names.join(", ")
        )
    })
}

/// Every listener needs something behind it.
fn check_apps(listeners: &[ListenerSettings], apps: &AppSettings) -> Result<(), OptionError> {
    let needed = listeners.iter().any(|listener| !listener.forwards);
    let has_app = apps.probe
        || !apps.cgi.is_empty()
        || apps.cgi_settings.mounts_itself()
        || apps.python.is_some();
    match needed && apps.need_app && !has_app {
        true => Err(OptionError::NoApp),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Protocol;
    use crate::options::CgiMount;
    use crate::options::cli::{Asked, read};
    use crate::options::gather;

    fn settings(line: &str) -> Result<Settings, OptionError> {
        let args = ["gateserve"]
            .into_iter()
            .chain(line.split_whitespace())
            .map(String::from);
        match read(args)? {
            Asked::Serve { options, files } => resolve(&gather([], options, files)?),
            Asked::Print(_) => panic!("{line} prints"),
        }
    }

    #[track_caller]
    fn assert_refused(line: &str, part: &str) {
        let message = settings(line).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }

    #[test]
    fn a_plain_socket_speaks_the_protocol_asked_for() {
        let spoken = |line: &str| settings(line).unwrap().listeners[0].protocol;
        assert_eq!(spoken("--socket :1 --probe"), Protocol::Uwsgi);
        assert_eq!(
            spoken("--socket :1 --probe --protocol scgi"),
            Protocol::Scgi
        );
        assert_refused(
            "--socket :1 --probe --protocol spdy",
            "uwsgi, fastcgi, scgi or http",
        );
    }

    #[test]
    fn a_ninth_socket_is_refused() {
        let eight = "--probe".to_owned() + &" -s :1".repeat(8);
        assert_eq!(settings(&eight).unwrap().listeners.len(), 8);
        assert_refused(&(eight + " --http :2"), "9 sockets are given, at most 8");
    }

    #[test]
    fn http_forwards_only_where_there_is_an_upstream() {
        let gateway = settings("--http :1 --fastcgi-to /x").unwrap();
        assert!(gateway.listeners[0].forwards);
        let direct = settings("--http :1 --probe").unwrap();
        assert!(!direct.listeners[0].forwards);
    }

    #[test]
    fn a_listener_without_an_application_is_refused() {
        assert_refused("--http :1", "no application");
        assert_refused("--http :1 --uwsgi-to :2 --socket :3", "no application");
        assert_refused("--probe", "nothing to listen on");
    }

    #[test]
    fn an_upstream_may_have_a_prefix() {
        let upstream = |line: &str| settings(line).unwrap().apps.upstreams.remove(0);
        let below = upstream("--http :1 --fastcgi-to /app/=/run/x.sock");
        assert_eq!(
            (below.prefix.as_str(), below.address.to_string().as_str()),
            ("/app", "/run/x.sock")
        );
        let whole = upstream("--http :1 --fastcgi-to /run/x.sock");
        assert_eq!(
            (whole.prefix.as_str(), whole.address.to_string().as_str()),
            ("", "/run/x.sock")
        );
    }

    #[test]
    fn a_path_has_one_upstream() {
        assert_refused(
            "--http :1 --uwsgi-to :2 --scgi-to :3",
            "below / is to be forwarded to :2 and to :3",
        );
        assert_refused(
            "--http :1 --uwsgi-to /a=:2 --uwsgi-to /a/=:3",
            "below /a/ is to be forwarded",
        );
        let line = "--http :1 --uwsgi-to /a=:2 --uwsgi-to /b=:3 --fastcgi-to :4";
        assert_eq!(settings(line).unwrap().apps.upstreams.len(), 3);
        assert_refused(
            "--http-socket :1 --probe --scgi-to :3",
            "nothing to forward",
        );
    }

    #[test]
    fn a_cgi_mount_is_a_prefix_and_a_path() {
        let mounts = settings("-s :1 --cgi /cgi-bin/=/srv --cgi a=b")
            .unwrap()
            .apps
            .cgi;
        assert_eq!(
            mounts[0],
            CgiMount {
                prefix: "/cgi-bin".into(),
                path: "/srv".into()
            }
        );
        assert_eq!(
            mounts[1],
            CgiMount {
                prefix: String::new(),
                path: "a=b".into()
            }
        );
    }

    #[test]
    fn a_bad_value_is_told_with_its_place() {
        assert_refused(
            "-s :1 --probe --processes=-1",
            "`processes` takes a number from 0 up, not `-1` (command line)",
        );
        assert_refused("-s host: --probe", "has no valid port");
    }

    #[test]
    fn options_of_uwsgi_alone_are_told_once_or_refused() {
        let line = "-s :1 --probe --legion-freq 4 --early-emperor --legion-freq 2";
        let warnings = settings(line).unwrap().warnings;
        assert_eq!(
            warnings[0],
            "options of uWSGI that are not supported are left out: early-emperor, legion-freq"
        );
        assert_refused(
            &format!("{line} --strict"),
            "refused because of strict: `legion-freq` (command line) is not supported, \
             `early-emperor` (command line) is not supported, ",
        );
    }

    #[test]
    fn greenlets_are_threads_of_which_there_are_at_most_64() {
        let threads = |line: &str| settings(line).unwrap().processes.threads;
        assert_eq!(threads("-s :1 --probe --gevent 100"), 64);
        assert_eq!(threads("-s :1 --probe --gevent 2"), 2);
        assert_eq!(threads("-s :1 --probe --gevent 2 --threads 4"), 4);
    }

    #[test]
    fn a_plugin_that_is_not_built_in_is_told_or_refused() {
        let line = "-s :1 --probe --plugins python3,php";
        let warnings = settings(line).unwrap().warnings;
        assert_eq!(
            warnings,
            ["there is no plugin `php` (command line): it is left out"]
        );
        assert_refused(&format!("{line} --strict"), "there is no plugin `php`");
    }
}
