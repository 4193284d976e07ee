//! The trial of a configuration, and of the applications that it names, before a reload: in a
//! process of its own, while the old server serves.

use super::{StartError, codes, start};
use crate::Language;
use crate::options::Settings;

/// Loads what a start would load, and ends the process with the exit code that the start would
/// come to. It does not wait for threads that an application has started.
pub(super) fn end(settings: &Settings, language: Option<&dyn Language>) -> ! {
    let code = match load(settings, language) {
        Ok(()) => codes::DONE,
        Err(error) => {
            eprintln!("gateserve: {error}");
            error.exit_code()
        }
    };
    std::process::exit(code)
}

fn load(settings: &Settings, language: Option<&dyn Language>) -> Result<(), StartError> {
    start::change_folder(settings.system.chdir.as_deref())?;
    if let Some(language) = language {
        language.prepare(settings)?;
    }
    start::load_apps(settings, language)
}
