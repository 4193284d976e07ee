//! The program: options in, an exit code out.

use std::io::Write;
use std::process::ExitCode;

use gateserve::options::{self, Wanted};
use gateserve::{interpreter, system};

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("gateserve: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<ExitCode> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    match options::load(arguments, variables)? {
        Wanted::Print(text) => {
            std::io::stdout().write_all(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Wanted::Checked { report, starts } => {
            // In colour on a terminal alone.
            write!(anstream::stdout(), "{report}")?;
            Ok(if starts {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Wanted::Serve(settings, given) => {
            for warning in &settings.warnings {
                eprintln!("gateserve: warning: {warning}");
            }
            for notice in &settings.notices {
                eprintln!("gateserve: {notice}");
            }
            for line in &settings.prints {
                println!("{line}");
            }
            if settings.show_config {
                eprint!("{}", options::listing(&given));
            }
            // An interpreter reads the environment once, when it starts.
            system::environment::change(&settings.system.environment);
            if settings.apps.python.is_some() {
                return Err(interpreter::enter(&settings, std::env::args_os()).into());
            }
            gateserve::run(&settings, None)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
