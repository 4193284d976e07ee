//! Nothing stays behind: everything that outlives a function is registered here with the way to
//! undo it, and undone once — on drop, also by a panic, or when a signal ends the program.
//! What even that cannot reach (a `SIGKILL`) is swept by the next start.

use std::{
    collections::BTreeMap,
    io, process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
    iterator::Signals,
};

type Undo = Box<dyn FnOnce() + Send>;

/// By age, so that what was started last is ended first.
static REGISTRY: Mutex<BTreeMap<u64, Undo>> = Mutex::new(BTreeMap::new());

fn registry() -> MutexGuard<'static, BTreeMap<u64, Undo>> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

type LastWords = Box<dyn FnOnce() + Send>;

/// What is left to say where a signal ends the program.
static LAST_WORDS: Mutex<Option<LastWords>> = Mutex::new(None);

fn last_words() -> MutexGuard<'static, Option<LastWords>> {
    LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a signal that ends the program do this last, when everything else is undone; no more once
/// the guard is dropped.
pub(crate) fn at_the_end(words: impl FnOnce() + Send + 'static) -> AtTheEnd {
    *last_words() = Some(Box::new(words));
    AtTheEnd
}

/// See [`at_the_end`].
pub(crate) struct AtTheEnd;

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        last_words().take();
    }
}

/// Something that must not outlive the program; undone on drop.
#[derive(Debug)]
pub(crate) struct Keep(u64);

impl Keep {
    /// Makes something and registers how to undo it, in one step that no signal comes between.
    pub(crate) fn make<T, E>(
        make: impl FnOnce() -> Result<T, E>,
        undo: impl FnOnce(&T) -> Undo,
    ) -> Result<(T, Self), E> {
        let mut registry = registry();
        let made = make()?;
        let id = registry.last_key_value().map_or(0, |(last, _)| last + 1);
        registry.insert(id, undo(&made));
        Ok((made, Self(id)))
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        // The lock is let go first: undoing takes a while. A signal's cleaning keeps it, so that
        // this waits for the program's end instead of overtaking it.
        let undo = registry().remove(&self.0);
        if let Some(undo) = undo {
            undo();
        }
    }
}

/// What the bench exits with where it could not finish.
const UNFINISHED: i32 = 2;

/// Undoes everything on `SIGINT`, `SIGTERM` and `SIGHUP`, then exits with 2, since the work is not
/// finished. A second signal exits at once, with the same. Called once, early in `main`.
///
/// # Errors
/// The handlers cannot be installed.
pub fn clean_on_signals() -> io::Result<()> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, UNFINISHED, Arc::clone(&again))?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if signals.forever().next().is_some() {
                again.store(true, Ordering::SeqCst);
                if QUIET.load(Ordering::SeqCst) {
                    clean_and_exit(0);
                }
                ENDING.store(true, Ordering::SeqCst);
                eprintln!("gatebench: interrupted; stopping what was started");
                clean_and_exit(UNFINISHED);
            }
        })?;
    Ok(())
}

/// For a program that a signal is the ordinary end of: nothing is said, and the exit code is 0.
pub(crate) fn end_quietly() {
    QUIET.store(true, Ordering::SeqCst);
}

static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether a signal ends the program. What subjects do from now on is no verdict on them: they are
/// being stopped.
pub(crate) fn is_ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

static QUIET: AtomicBool = AtomicBool::new(false);

fn clean_and_exit(code: i32) -> ! {
    let mut registry = registry();
    while let Some((_, undo)) = registry.pop_last() {
        undo();
    }
    let words = last_words().take();
    if let Some(words) = words {
        words();
    }
    process::exit(code)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn counted(count: &Arc<AtomicU32>) -> Keep {
        let count = Arc::clone(count);
        let undo = |(): &()| -> Undo {
            Box::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
            })
        };
        let (_, keep) = Keep::make(|| Ok::<_, ()>(()), undo).unwrap();
        keep
    }

    #[test]
    fn dropping_undoes_once() {
        let count = Arc::new(AtomicU32::new(0));
        drop(counted(&count));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_panic_undoes() {
        let count = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&count);
        let panicked = thread::spawn(move || {
            let _keep = counted(&theirs);
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn what_could_not_be_made_is_not_registered() {
        let made = Keep::make(|| Err::<(), _>("no"), |()| unreachable!("nothing was made"));
        assert_eq!(made.unwrap_err(), "no");
    }
}
