//! From what was given to what it means.

use super::error::OptionError;
use super::foreign;
use super::given::Gathered;
use super::groups::apps::AppSettings;
use super::groups::sockets::ListenerSettings;
use super::groups::{
    apps, destinations, harakiri, headers, hooks, http, limits, log, names, processes, recycle,
    reload, sockets, system, writes,
};
use super::settings::Settings;

/// Works out the settings.
///
/// # Errors
/// The first value that cannot be used, or options that do not go together.
pub(super) fn resolve(gathered: &Gathered) -> Result<Settings, OptionError> {
    let strict = gathered.flag("strict")?;
    let mut warnings = warnings(gathered, strict)?;
    let apps = apps::resolve(gathered)?;
    let listeners = sockets::listeners(gathered, apps.upstream.is_some())?;
    check_apps(&listeners, &apps)?;
    let mut settings = Settings {
        listeners,
        sockets: sockets::resolve(gathered)?,
        limits: limits::resolve(gathered)?,
        http: http::resolve(gathered)?,
        headers: headers::resolve(gathered)?,
        writes: writes::resolve(gathered)?,
        apps,
        processes: processes::resolve(gathered)?,
        recycle: recycle::resolve(gathered)?,
        harakiri: harakiri::resolve(gathered)?,
        reload: reload::resolve(gathered)?,
        names: names::resolve(gathered)?,
        system: system::resolve(gathered)?,
        hooks: hooks::resolve(gathered)?,
        log: log::resolve(gathered)?,
        destinations: destinations::resolve(gathered)?,
        check_only: gathered.flag("check-config")?,
        warnings: Vec::new(),
    };
    warnings.extend(gathered.notes());
    settings.warnings = warnings;
    Ok(settings)
}

/// What was given and cannot be followed: told once, or refused under `strict`.
fn warnings(gathered: &Gathered, strict: bool) -> Result<Vec<String>, OptionError> {
    let mut warnings = Vec::new();
    for (name, origin) in &gathered.unknown {
        let unknown = OptionError::UnknownKey {
            name: name.clone(),
            origin: origin.clone(),
            nearest: foreign::nearest(name),
        };
        if strict {
            return Err(unknown);
        }
        warnings.push(unknown.to_string());
    }
    let mut names = gathered.unsupported.clone();
    names.sort();
    names.dedup();
    if !names.is_empty() {
        let names = names.join(", ");
        if strict {
            return Err(OptionError::Unsupported(names));
        }
        warnings.push(format!(
            "options of uWSGI that are not supported yet are left out: {names}"
        ));
    }
    Ok(warnings)
}

/// Every listener needs something behind it.
fn check_apps(listeners: &[ListenerSettings], apps: &AppSettings) -> Result<(), OptionError> {
    let needed = listeners.iter().any(|listener| !listener.forwards);
    if needed && !apps.probe && apps.cgi.is_empty() && apps.python.is_none() {
        Err(OptionError::NoApp)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Protocol;
    use crate::options::CgiMount;
    use crate::options::cli::{Asked, read};

    fn settings(line: &str) -> Result<Settings, OptionError> {
        let args = ["gateserve"]
            .into_iter()
            .chain(line.split_whitespace())
            .map(String::from);
        match read(args)? {
            Asked::Serve { gathered, .. } => resolve(&gathered),
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
        let upstream = |line: &str| settings(line).unwrap().apps.upstream.unwrap();
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
    fn one_upstream_is_all() {
        assert_refused(
            "--http :1 --uwsgi-to :2 --scgi-to :3",
            "`uwsgi-to` and `scgi-to`",
        );
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
        let line = "-s :1 --probe --sharedarea 4 --emperor 60 --sharedarea 2";
        let warnings = settings(line).unwrap().warnings;
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].ends_with(": emperor, sharedarea"),
            "{}",
            warnings[0]
        );
        assert_refused(
            &format!("{line} --strict"),
            "refused because of strict: emperor, sharedarea",
        );
    }
}
