//! `gatebench`: parses, dispatches, and maps the end to an exit code.

use std::process::ExitCode;

use clap::Parser;
use gatebench::{
    cli::{Cli, Verdict, is_broken_pipe, sentence},
    launch::leftovers,
};

fn main() -> ExitCode {
    if let Err(error) = leftovers::clean_on_signals() {
        anstream::eprintln!("gatebench: signals cannot be handled: {error}");
        return ExitCode::from(2);
    }
    match Cli::parse().carry_out() {
        Ok(Verdict::Passed) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::from(1),
        Ok(Verdict::Incomplete) => ExitCode::from(2),
        // Whoever read the list has seen enough, as in `gatebench list scenarios | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("gatebench: {}", sentence(&error));
            ExitCode::from(2)
        }
    }
}
