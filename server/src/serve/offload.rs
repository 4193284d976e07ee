//! `offload-threads`: files that are sent by threads of their own, so that neither a slow client
//! nor an application that holds the event loop matters to them.

use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::FutureExt;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::connection::Connection;
use crate::exchange::{FilePart, Offloaded};

/// As many threads as may send files at a time, shared by all connections of a worker.
pub(crate) type Threads = Arc<Semaphore>;

/// Sends part of a file on a thread, behind what is queued; hands it back if no thread is free or
/// the connection is no plain socket.
pub(super) fn send(connection: &Rc<Connection>, mut part: FilePart) -> Result<Offloaded, FilePart> {
    let permit = connection
        .threads()
        .and_then(|threads| Arc::clone(threads).try_acquire_owned().ok());
    let Some((permit, socket)) = permit.zip(connection.stream().aside()) else {
        return Err(part);
    };
    let connection = Rc::clone(connection);
    let sending = async move {
        connection.flush().await;
        connection.check()?;
        let patience = connection.patience();
        let sent = spawn_blocking(move || {
            let sent = part.send_all(&socket, patience);
            drop(permit);
            sent
        });
        let sent = sent
            .await
            .unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into()));
        if let Err(error) = sent {
            connection.fail_with(&error);
        }
        connection.check()
    };
    Ok(sending.boxed_local())
}
