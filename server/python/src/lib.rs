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
mod piece;
mod policy;
mod response;
mod source;
mod start_response;
mod startup;
mod table;
mod tell;
mod uwsgi_module;

use gateserve::options::{self, Wanted};
use pyo3::prelude::*;

use interpreter::Interpreter;

/// The module that the interpreter loads.
#[pymodule]
mod _gateserve {
    use pyo3::prelude::*;

    /// Runs the server with these arguments, program name first; returns the exit code.
    #[pyfunction]
    fn main(py: Python<'_>, args: Vec<String>) -> i32 {
        super::serve(py, args)
    }
}

fn serve(py: Python<'_>, args: Vec<String>) -> i32 {
    match start(py, args) {
        Ok(()) => 0,
        Err((code, text)) => {
            eprintln!("gateserve: {text}");
            code
        }
    }
}

fn start(py: Python<'_>, args: Vec<String>) -> Result<(), (i32, String)> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    startup::clean(py, &args).map_err(|error| (1, error.to_string()))?;
    let wanted = options::load(args, variables).map_err(|error| (1, error.to_string()))?;
    // The program has answered everything else before it became an interpreter.
    let Wanted::Serve(settings, given) = wanted else {
        return Ok(());
    };
    let interpreter =
        Interpreter::new(py, &settings, given.given).map_err(|error| (1, error.to_string()))?;
    gateserve::run(&settings, Some(&interpreter))
        .map_err(|error| (error.exit_code(), error.to_string()))
}
