//! What the master looks after beside the workers.

use super::files::Files;
use crate::options::Settings;
use crate::system::hooks::{self, HookPhase};
use crate::system::procname;

/// What runs or lies beside the workers.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    settings: &'a Settings,
    files: Files,
}

impl<'a> Beside<'a> {
    /// For a server that is about to fork its workers.
    pub(super) fn new(settings: &'a Settings, files: Files) -> Self {
        if let Some(name) = settings.names.master() {
            procname::set(&name);
        }
        Self { settings, files }
    }

    /// All workers accept.
    pub(super) fn ready(&mut self) {
        for file in &self.settings.system.pidfiles.when_ready {
            self.files.write_pidfile(file);
        }
    }

    /// Writes the process id into all pidfiles again.
    pub(super) fn write_pidfiles(&mut self) {
        let pidfiles = &self.settings.system.pidfiles;
        let files = [&pidfiles.as_root, &pidfiles.as_user].into_iter().flatten();
        for file in files.chain(&pidfiles.when_ready) {
            self.files.write_pidfile(file);
        }
    }

    /// The server has ended: nothing that it made or ran is to be left.
    pub(super) fn settle(self) {
        hooks::run_all(&self.settings.hooks, HookPhase::AtExit);
        self.files.settle(self.settings.sockets.vacuum);
    }
}
