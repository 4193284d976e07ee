//! What the exit code of a process means; the numbers are uWSGI's.

/// The server ended because it was asked to, or a worker did its share.
pub(crate) const DONE: i32 = 0;

/// The server's configuration cannot be used, or a worker cannot go on.
pub(crate) const FAILED: i32 = 1;

/// A worker makes room: it keeps its place empty until more of them are needed.
const GO_CHEAP: i32 = 15;

/// A worker ended because it was told to make room for a fresh one.
pub(crate) const RELOAD: i32 = 17;

/// The application does not load: of a worker, and of the server under `need-app`.
pub(crate) const FAILED_APP: i32 = 22;

/// A worker ended without a word about it.
const QUIET: i32 = 29;

/// A worker ended because it was told to end at once.
pub(crate) const END: i32 = 30;

/// A worker asks for all of them, and their master, to be started anew at once.
const BRUTAL_RELOAD: i32 = 31;

/// A worker ended because of an exception that `reload-on-exception` names.
pub(crate) const EXCEPTION: i32 = 5;

/// What a worker's exit code asks of its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A fresh worker for the place.
    Meant,
    /// The same, and no word about it.
    Quiet,
    /// The same, after an exception that was watched for.
    Exception,
    /// The same or, under `need-app`, the end of the server.
    FailedApp,
    /// That the place stays empty.
    GoCheap,
    /// That everything begins anew.
    BrutalReload,
    /// Nothing: the worker did not end as it should.
    Accident,
}

/// What an exit code means.
pub(super) fn meaning(code: i32) -> Meaning {
    match code {
        DONE | RELOAD | END => Meaning::Meant,
        QUIET => Meaning::Quiet,
        EXCEPTION => Meaning::Exception,
        FAILED_APP => Meaning::FailedApp,
        GO_CHEAP => Meaning::GoCheap,
        BRUTAL_RELOAD => Meaning::BrutalReload,
        _ => Meaning::Accident,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_they_mean_in_uwsgi() {
        let meanings = [0, 17, 30, 22, 15, 31, 29, 5, 1, 101].map(meaning);
        assert_eq!(
            meanings,
            [
                Meaning::Meant,
                Meaning::Meant,
                Meaning::Meant,
                Meaning::FailedApp,
                Meaning::GoCheap,
                Meaning::BrutalReload,
                Meaning::Quiet,
                Meaning::Exception,
                Meaning::Accident,
                Meaning::Accident,
            ]
        );
    }
}
