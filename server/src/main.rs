//! The program: options in, an exit code out.

use std::io::Write;
use std::process::ExitCode;

use gateserve::options::{self, Wanted};
use gateserve::{interpreter, system};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateserve: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    match options::load(arguments, variables)? {
        Wanted::Print(text) => Ok(std::io::stdout().write_all(&text)?),
        Wanted::Serve(settings, given) => {
            for warning in &settings.warnings {
                eprintln!("gateserve: warning: {warning}");
            }
            if settings.check_only {
                return Ok(write!(std::io::stdout(), "{}", options::show(&given))?);
            }
            // An interpreter reads the environment once, when it starts.
            system::environment::change(&settings.system.environment);
            if let Some(python) = &settings.apps.python {
                return Err(interpreter::enter(python, std::env::args_os()).into());
            }
            Ok(gateserve::run(&settings, None)?)
        }
    }
}
