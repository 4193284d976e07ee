//! Connections to a peer that may take and send nothing.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use bytes::Bytes;
use futures_util::FutureExt;

use super::*;
use crate::exchange::FilePart;

/// A connection and its peer, who is not waited for longer than a moment.
fn connected() -> (Connection, UnixStream) {
    let (peer, socket) = UnixStream::pair().unwrap();
    let stream = Stream::new(OwnedFd::from(socket).into());
    (Connection::new(stream, Duration::from_millis(50)), peer)
}

async fn send_piece(connection: &Connection) -> Result<(), ReplyError> {
    connection.send(|queue| queue.push(Bytes::from(vec![7; PIECE])));
    poll_fn(|cx| connection.poll_room(cx)).await
}

/// Sends until a piece has to wait; how many went before it.
async fn send_until_full(connection: &Connection) -> usize {
    let mut sent = 0;
    while send_piece(connection).now_or_never().is_some() {
        sent += 1;
        assert!(sent < 1000, "the queue has no end");
    }
    sent
}

#[tokio::test]
async fn a_peer_that_takes_nothing_holds_up_the_sender() {
    let (connection, mut peer) = connected();
    let sent = send_until_full(&connection).await;
    assert!(connection.queue.borrow().len() <= 2 * PIECE);
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; (sent + 1) * PIECE];
        peer.read_exact(&mut bytes).map(|()| peer)
    });
    connection.flush().await;
    assert!(reading.await.unwrap().is_ok());
    assert!(connection.is_whole());
}

#[tokio::test]
async fn a_peer_that_takes_nothing_in_time_is_given_up() {
    let (connection, _peer) = connected();
    send_until_full(&connection).await;
    connection.flush().await;
    assert_eq!(send_piece(&connection).await, Err(ReplyError::TimedOut(0)));
}

#[tokio::test]
async fn a_peer_that_is_gone_ends_the_reply() {
    let (connection, peer) = connected();
    drop(peer);
    connection.closed().await;
    assert_eq!(send_piece(&connection).await, Err(ReplyError::ClientGone));
    assert!(!connection.is_whole());
}

#[tokio::test]
async fn a_peer_that_ended_its_direction_is_not_gone() {
    let (connection, peer) = connected();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(connection.fill(1).await, Filled::End);
    assert!(connection.closed().now_or_never().is_none());
}

#[tokio::test]
async fn silence_is_told_from_the_end() {
    let (connection, peer) = connected();
    assert_eq!(connection.fill(1).await, Filled::TimedOut);
    drop(peer);
    assert_eq!(connection.fill(1).await, Filled::End);
}

#[tokio::test]
async fn what_is_queued_leaves_when_the_work_waits() {
    let (connection, mut peer) = connected();
    let (hear, heard) = tokio::sync::oneshot::channel();
    let reading = std::thread::spawn(move || {
        let mut head = [0; 4];
        peer.read_exact(&mut head).unwrap();
        hear.send(head).unwrap();
        peer
    });
    connection
        .accompany(async {
            connection.send(|queue| queue.push("head".into()));
            assert_eq!(&heard.await.unwrap(), b"head");
        })
        .await;
    reading.join().unwrap();
}

/// A file of zeros.
fn file(length: u64) -> std::fs::File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(length).unwrap();
    file
}

#[tokio::test]
async fn a_long_file_reaches_a_peer_that_reads() {
    let (connection, mut peer) = connected();
    let length = 5_000_000;
    connection.send(|queue| queue.push_file(FilePart::new(file(length), 0, length)));
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![1; 5_000_000];
        peer.read_exact(&mut bytes).map(|()| bytes)
    });
    connection.flush().await;
    assert!(
        reading
            .await
            .unwrap()
            .unwrap()
            .iter()
            .all(|&byte| byte == 0)
    );
}

#[tokio::test]
async fn a_file_that_ends_early_breaks_the_connection() {
    let (connection, _peer) = connected();
    connection.send(|queue| queue.push_file(FilePart::new(file(10), 0, 20)));
    connection.flush().await;
    let error = poll_fn(|cx| connection.poll_room(cx)).await;
    assert!(matches!(error, Err(ReplyError::File(_))), "{error:?}");
}
