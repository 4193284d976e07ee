//! What the log says of a start, in uWSGI's words, which people look for.

use crate::clock;
use crate::log;
use crate::options::Settings;

/// What is known at once.
pub(super) fn begin() {
    let (version, bits) = (env!("CARGO_PKG_VERSION"), usize::BITS);
    let date = clock::ctime_of(clock::now());
    log::tell(&format!(
        "*** Starting gateserve {version} ({bits}bit) on [{date}] ***"
    ));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    log::tell(&format!("detected number of CPU cores: {cores}"));
    if let Ok(folder) = std::env::current_dir() {
        log::tell(&format!("current working directory: {}", folder.display()));
    }
}

/// What the sockets and workers will be like.
pub(super) fn serving(settings: &Settings) {
    if let Ok((soft, _)) =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)
    {
        log::tell(&format!("detected max file descriptor number: {soft}"));
    }
    log::tell(&format!(
        "your server socket listen backlog is limited to {} connections",
        settings.sockets.backlog
    ));
    log::tell(&format!(
        "your mercy for graceful operations on workers is {} seconds",
        settings.reload.mercy.as_secs()
    ));
    let (workers, threads) = (settings.processes.workers, settings.processes.threads);
    log::tell(&format!(
        "*** Operational MODE: {} ***",
        mode(workers, threads)
    ));
}

/// uWSGI's name for so many workers of so many threads.
fn mode(workers: u32, threads: u32) -> &'static str {
    match (workers, threads) {
        (0 | 1, 0 | 1) => "single process",
        (_, 0 | 1) => "preforking",
        (0 | 1, _) => "threaded",
        (_, _) => "preforking+threaded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_has_uwsgis_name() {
        assert_eq!(mode(1, 1), "single process");
        assert_eq!(mode(4, 1), "preforking");
        assert_eq!(mode(1, 2), "threaded");
        assert_eq!(mode(4, 2), "preforking+threaded");
    }
}
