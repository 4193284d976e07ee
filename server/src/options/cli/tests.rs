//! Command lines and what is made of them.

use super::*;
use crate::options::opt::Topic;

fn args(line: &str) -> impl Iterator<Item = String> {
    ["gateserve"]
        .into_iter()
        .chain(line.split_whitespace())
        .map(String::from)
}

#[track_caller]
fn read_line(line: &str) -> (Gathered, Vec<String>) {
    match read(args(line)).unwrap() {
        Asked::Serve { gathered, files } => (gathered, files),
        Asked::Print(_) => panic!("{line} prints"),
    }
}

#[track_caller]
fn assert_refused(line: &str, message: &str) {
    assert_eq!(read(args(line)).unwrap_err().to_string(), message);
}

fn values(gathered: &Gathered, name: &str) -> Vec<String> {
    gathered
        .all(name)
        .map(|given| given.value.clone())
        .collect()
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[test]
fn repeated_options_keep_their_order() {
    let (gathered, _) = read_line("-s :1 --socket :2 --socket=/run/x");
    assert_eq!(values(&gathered, "socket"), [":1", ":2", "/run/x"]);
}

#[test]
fn short_letters_and_aliases_are_uwsgis() {
    let (gathered, _) = read_line("-M -p 4 -L --http-to :9 -C");
    assert_eq!(values(&gathered, "master"), ["true"]);
    assert_eq!(values(&gathered, "processes"), ["4"]);
    assert_eq!(values(&gathered, "disable-logging"), ["true"]);
    assert_eq!(values(&gathered, "uwsgi-to"), [":9"]);
    assert_eq!(values(&gathered, "chmod-socket"), ["666"]);
}

#[test]
fn files_stand_without_an_option() {
    let (_, files) = read_line("--probe app.ini");
    assert_eq!(files, ["app.ini"]);
}

#[test]
fn options_of_uwsgi_alone_are_put_aside_with_their_value() {
    let (gathered, files) = read_line("--sharedarea 60 -A30 --emperor-tyrant --emperor=2 --probe");
    assert_eq!(
        gathered.unsupported,
        ["sharedarea", "sharedarea", "emperor-tyrant", "emperor"]
    );
    assert_eq!(values(&gathered, "probe"), ["true"]);
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn a_misspelt_option_is_refused_with_the_nearest_name() {
    assert_refused(
        "--sokcet :1",
        "there is no option `--sokcet`; did you mean `--socket`?",
    );
    assert_refused("--xyzzy", "there is no option `--xyzzy`");
}

#[test]
fn a_missing_value_is_named() {
    assert_refused("--socket", "option `--socket` needs a value");
}

#[test]
fn a_value_for_a_flag_is_refused() {
    assert_refused("--probe=1", "option `--probe` takes no value");
}

#[test]
fn help_is_grouped_by_topic() {
    let Asked::Print(help) = read(args("--help")).unwrap() else {
        panic!("help is printed")
    };
    let help = String::from_utf8(help).unwrap();
    for topic in Topic::ALL.iter().copied() {
        assert!(
            help.contains(topic.heading()),
            "{} is missing",
            topic.heading()
        );
    }
}
