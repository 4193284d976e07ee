//! The files that a running server makes: Unix sockets and the pidfile.

use std::path::PathBuf;

use crate::log;

/// Files made so far. A start that fails takes them with it.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<PathBuf>);

impl Files {
    pub(super) fn add(&mut self, file: PathBuf) {
        self.0.push(file);
    }

    /// At the end of a server that ran: `vacuum` removes the files, else they stay.
    pub(super) fn settle(mut self, vacuum: bool) {
        let files = std::mem::take(&mut self.0);
        for file in files.iter().filter(|_| vacuum) {
            let file_name = file.display();
            match std::fs::remove_file(file) {
                Ok(()) => log::tell(&format!("VACUUM: {file_name} removed.")),
                Err(error) => log::tell(&format!("VACUUM: {file_name} not removed: {error}")),
            }
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for file in &self.0 {
            // The error that ends the start is the one to be told.
            let _ = std::fs::remove_file(file);
        }
    }
}
