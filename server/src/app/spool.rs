//! Bodies that are received whole before the application gets them: those whose length nobody
//! announced, and all of them with `post-buffering`.

use std::fs::File;
use std::future::ready;
use std::io::{self, Read, Seek, SeekFrom, Write};

use bytes::{Bytes, BytesMut};
use futures_util::future::{FutureExt, LocalBoxFuture};

use super::{AppError, status_of};
use crate::exchange::{Body, BodyError, Intake, PIECE, Request};

/// Gives a body its length: reads one of unknown length to its end first (CGI-4.2-DECHUNK), into
/// memory up to 64 KiB, beyond that into a file without a name.
///
/// # Errors
/// The body's own, or 500 if the file cannot be written, or 503 if that may be different later.
pub(crate) async fn measured(body: Body) -> Result<Body, AppError> {
    match body.length() {
        Some(_) => Ok(body),
        None => received(body, PIECE as u64, || ()).await,
    }
}

/// `post-buffering`: receives the body before the application is called. One that nobody announced
/// has a length from then on, which the application is told.
///
/// # Errors
/// Those of [`measured`].
pub(crate) async fn buffered(mut request: Request, memory: u64) -> Result<Request, AppError> {
    if request.body.length() == Some(0) {
        return Ok(request);
    }
    let is_announced = request.body.length().is_some();
    request.body = received(request.body, memory, || ()).await?;
    if let Some(length) = request.body.length().filter(|_| !is_announced) {
        request.environ.set("CONTENT_LENGTH", length.to_string());
    }
    Ok(request)
}

/// Reads a body to its end, into memory up to `memory` bytes, beyond that into a file; tells of each
/// piece that came.
pub(super) async fn received(
    mut body: Body,
    memory: u64,
    came: impl Fn(),
) -> Result<Body, AppError> {
    let mut held = BytesMut::new();
    while let Some(chunk) = body.chunk().await? {
        came();
        if (held.len() + chunk.len()) as u64 > memory {
            return in_file(&held, &chunk, body, came).await;
        }
        held.extend_from_slice(&chunk);
    }
    Ok(Body::from_bytes(held.freeze()))
}

async fn in_file(
    held: &[u8],
    chunk: &[u8],
    mut body: Body,
    came: impl Fn(),
) -> Result<Body, AppError> {
    let mut file = tempfile::tempfile().map_err(unwritten)?;
    file.write_all(held).map_err(unwritten)?;
    file.write_all(chunk).map_err(unwritten)?;
    while let Some(chunk) = body.chunk().await? {
        came();
        // Goes to the page cache: no wait worth a thread of its own.
        file.write_all(&chunk).map_err(unwritten)?;
    }
    let length = file.stream_position().map_err(unwritten)?;
    file.seek(SeekFrom::Start(0)).map_err(unwritten)?;
    Ok(Body::incoming(Some(length), Box::new(Spooled { file })))
}

fn unwritten(error: io::Error) -> AppError {
    let folder = std::env::temp_dir();
    AppError::new(
        status_of(&error, 500),
        format!(
            "cannot keep a request body in {}: {error}",
            folder.display()
        ),
    )
}

/// A file read back.
struct Spooled {
    file: File,
}

impl Intake for Spooled {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, BodyError>> {
        ready(self.read()).boxed_local()
    }
}

impl Spooled {
    fn read(&mut self) -> Result<Option<Bytes>, BodyError> {
        let mut piece = vec![0; PIECE];
        let read = self.file.read(&mut piece);
        piece.truncate(
            read.map_err(|error| BodyError::Malformed(format!("cannot read it back: {error}")))?,
        );
        Ok((!piece.is_empty()).then(|| piece.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of a body of unknown length.
    struct Pieces(Vec<Bytes>);

    impl Intake for Pieces {
        fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, BodyError>> {
            let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
            ready(Ok(piece)).boxed_local()
        }
    }

    async fn whole(mut body: Body) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunk().await.unwrap() {
            assert!(chunk.len() <= PIECE);
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }

    #[tokio::test]
    async fn a_body_gets_its_length_in_memory_or_in_a_file() {
        for size in [0, 10, PIECE, PIECE + 1, 5 * PIECE] {
            let bytes: Bytes = (0..size).map(|at| (at % 251) as u8).collect();
            let pieces = bytes.chunks(10_000).map(Bytes::copy_from_slice).collect();
            let body = Body::incoming(None, Box::new(Pieces(pieces)));
            let body = measured(body).await.unwrap();
            assert_eq!(body.length(), Some(size as u64));
            assert!(whole(body).await == bytes, "{size} bytes changed");
        }
    }

    #[tokio::test]
    async fn a_known_length_is_left_alone() {
        let body = Body::incoming(Some(7), Box::new(Pieces(vec!["x".into()])));
        assert_eq!(measured(body).await.unwrap().length(), Some(7));
    }
}
