//! How an error that ends a command is told.

use std::io;

/// The error and its causes as one sentence. Most errors quote their cause already, so only what is
/// not yet said is added.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

/// Whether the reader of the output went away.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_that_is_quoted_is_not_told_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read a: {0}")]
        struct Unread(#[source] io::Error);

        let error = anyhow::Error::from(Unread(io::ErrorKind::NotFound.into()));
        assert_eq!(sentence(&error), "cannot read a: entity not found");
    }

    #[test]
    fn a_cause_that_is_new_follows_a_colon() {
        let refused: Result<(), _> = Err(io::Error::from(io::ErrorKind::PermissionDenied));
        let error = refused
            .context("the folder a cannot be written")
            .unwrap_err();
        let said = "the folder a cannot be written: permission denied";
        assert_eq!(sentence(&error), said);
    }

    #[test]
    fn only_a_reader_that_is_gone_is_a_broken_pipe() {
        let of = |kind: io::ErrorKind| is_broken_pipe(&io::Error::from(kind).into());
        assert!(of(io::ErrorKind::BrokenPipe));
        assert!(!of(io::ErrorKind::NotFound));
    }
}
