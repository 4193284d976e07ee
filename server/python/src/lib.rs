//! gateserve's Python side, a library that the user's own interpreter loads.
//!
//! ```text
//! gateserve (program) ── exec ──▶ python3 ── loads ──▶ this library: main(args)
//!                                                        └─ gateserve::run(settings, Interpreter)
//! one request
//!   Call ──▶ environ, input ──▶ application(environ, start_response) ──▶ response ──▶ Call
//! ```
//!
//! The stable ABI (`abi3`) makes one build serve every CPython from 3.9 on.

#![deny(unsafe_code)]

mod app;
mod body;
mod descriptor;
mod environ;
mod errors;
mod file_wrapper;
mod head;
mod input;
mod interpreter;
mod load;
mod names;
mod packaged;
mod piece;
mod policy;
mod response;
mod source;
mod start_response;
mod startup;
mod table;
mod tell;
mod uwsgi_module;

use std::fmt::Display;

use gateserve::options::{self, Gathered, Settings};
use pyo3::prelude::*;

use interpreter::Interpreter;

/// The module that the interpreter loads.
#[pymodule]
mod _gateserve {
    use std::path::PathBuf;

    use pyo3::prelude::*;

    use crate::packaged;

    /// Goes on as the server where the program has become an interpreter; returns the exit code.
    /// The arguments begin with the program's name; the configuration was read already and waits
    /// in the descriptor `handed`.
    #[pyfunction]
    fn main(py: Python<'_>, args: Vec<String>, handed: i32) -> i32 {
        super::serve(py, args, handed)
    }

    /// The whole program, for an interpreter that runs it as a script; `library` is the file of
    /// this module. Returns the exit code.
    #[pyfunction]
    fn start(py: Python<'_>, args: Vec<String>, library: PathBuf) -> i32 {
        packaged::start(py, args, &library)
    }
}

fn serve(py: Python<'_>, args: Vec<String>, handed: i32) -> i32 {
    let handed = match descriptor::inherited(handed) {
        Ok(handed) => handed,
        Err(error) => return failed(1, &error),
    };
    match options::take_over(handed, args.clone()) {
        Ok((settings, given)) => run(py, &args, &settings, given),
        Err(error) => failed(1, &error),
    }
}

/// Runs the server in this interpreter.
fn run(py: Python<'_>, args: &[String], settings: &Settings, given: Gathered) -> i32 {
    let interpreter =
        startup::clean(py, args).and_then(|()| Interpreter::new(py, settings, given.given));
    match interpreter {
        Ok(interpreter) => gateserve::run(settings, Some(&interpreter))
            .map_or_else(|error| failed(error.exit_code(), &error), |()| 0),
        Err(error) => failed(1, &error),
    }
}

fn failed(code: i32, error: &dyn Display) -> i32 {
    eprintln!("gateserve: {error}");
    code
}
