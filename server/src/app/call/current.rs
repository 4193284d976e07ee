//! The call that a thread is at, for code that is called from the application without it.

use std::cell::RefCell;

use super::ask::Ask;
use super::asks::WeakAsks;
use bytes::Bytes;

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Weak, so that a call that was dropped unanswered ends.
struct Current {
    asks: WeakAsks,
    variables: Vec<(Bytes, Bytes)>,
}

/// The calling thread is at this call from now on.
pub(super) fn enter(asks: WeakAsks) {
    let entered = Current {
        asks,
        variables: Vec::new(),
    };
    CURRENT.set(Some(entered));
}

/// Sets a variable for the line of the request log; false where this thread answers no request.
pub fn set_log_variable(name: Bytes, value: Bytes) -> bool {
    CURRENT.with_borrow_mut(|current| {
        let Some(current) = current else { return false };
        let Some(asks) = current.asks.upgrade() else {
            return false;
        };
        current.variables.retain(|(known, _)| *known != name);
        current.variables.push((name.clone(), value.clone()));
        asks.send(Ask::Note(name, value))
    })
}

/// A variable that was set for the line of the request log.
pub fn log_variable(name: &[u8]) -> Option<Bytes> {
    CURRENT.with_borrow(|current| {
        let variables = &current.as_ref()?.variables;
        let (_, value) = variables.iter().find(|(known, _)| known == name)?;
        Some(value.clone())
    })
}
