//! Options with uWSGI's names, from the command line, ini files and the environment.

pub mod cli;
mod error;
pub mod foreign;
mod given;
mod settings;
pub mod table;

pub use error::OptionError;
pub use given::{Gathered, Given, Origin};
pub use settings::{CgiMount, CgiSettings, Upstream};
