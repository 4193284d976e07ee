//! `gatebench`: parses, dispatches, and maps the end to an exit code.

use std::{io, process::ExitCode};

use clap::Parser;
use gatebench::{
    cli::{Cli, Verdict},
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
        // Whoever read the output has seen enough, as in `gatebench list scenarios | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("gatebench: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
