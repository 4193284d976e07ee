//! The manual says what the program does.

use std::path::PathBuf;

use gateserve::options;

const BEGIN: &str = "<!-- options: written by the test `manual` -->\n";
const END: &str = "<!-- end of options -->\n";

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/gateserve.md")
}

/// With `UPDATE_MANUAL=1` in the environment the manual is brought up to date instead.
#[test]
fn the_manual_lists_every_option_as_the_program_knows_it() {
    let text = std::fs::read_to_string(file()).unwrap();
    let (before, rest) = text
        .split_once(BEGIN)
        .expect("the manual has an options section");
    let (written, after) = rest.split_once(END).expect("the options section ends");
    let expected = format!("\n{}", options::manual());
    if std::env::var_os("UPDATE_MANUAL").is_some() {
        let updated = [before, BEGIN, &expected, END, after].concat();
        return std::fs::write(file(), updated).unwrap();
    }
    assert!(
        written == expected,
        "docs/gateserve.md is out of date: run this test with UPDATE_MANUAL=1"
    );
}
