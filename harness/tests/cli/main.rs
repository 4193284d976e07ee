//! The command line as a user meets it.

mod addresses;
mod bad_input;
mod deaths;
mod examples;
mod lists;
mod plans;
mod profiles;
mod reports;
mod runs;
#[path = "../support/mod.rs"]
mod support;

use assert_cmd::Command;

fn gatebench() -> Command {
    support::build_programs();
    let mut command = Command::cargo_bin("gatebench").unwrap();
    command.env("NO_COLOR", "1").env_remove("RUST_LOG");
    command
}
