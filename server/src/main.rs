//! The program: options in, an exit code out.

use std::process::ExitCode;

use gateserve::{interpreter, program};

fn main() -> ExitCode {
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let ended = program::start(arguments, |settings, given| {
        if settings.apps.python.is_some() {
            return Err(interpreter::enter(settings, &given, std::env::args_os()).into());
        }
        gateserve::run(settings, None)?;
        Ok(0)
    });
    match ended {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("gateserve: {error}");
            ExitCode::FAILURE
        }
    }
}
