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
fn read_line(line: &str) -> (Vec<(String, Option<String>)>, Vec<String>) {
    match read(args(line)).unwrap() {
        Asked::Serve { options, files } => (options, files),
        Asked::Print(_) => panic!("{line} prints"),
    }
}

#[track_caller]
fn assert_refused(line: &str, message: &str) {
    assert_eq!(read(args(line)).unwrap_err().to_string(), message);
}

/// The options as `name=value`, bare ones as `name`.
fn options(line: &str) -> Vec<String> {
    let (options, _) = read_line(line);
    let written = options.into_iter().map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => name,
    });
    written.collect()
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[test]
fn options_keep_their_order() {
    assert_eq!(
        options("-s :1 --probe --socket :2 --socket=/run/x"),
        ["socket=:1", "probe", "socket=:2", "socket=/run/x"]
    );
}

#[test]
fn short_letters_and_aliases_are_uwsgis() {
    assert_eq!(
        options("-M -p 4 -ML -p8 --http-to :9 -C -C660"),
        [
            "master",
            "processes=4",
            "master",
            "disable-logging",
            "processes=8",
            "http-to=:9",
            "chmod-socket",
            "chmod-socket=660"
        ]
    );
}

#[test]
fn files_stand_without_an_option() {
    let (_, files) = read_line("--probe app.ini");
    assert_eq!(files, ["app.ini"]);
}

#[test]
fn options_of_uwsgi_alone_are_known_with_their_value() {
    assert_eq!(
        options("--legion-freq 60 --abstract-socket -a --early-emperor --probe"),
        [
            "legion-freq=60",
            "abstract-socket",
            "abstract-socket",
            "early-emperor",
            "probe"
        ]
    );
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
fn the_short_help_fits_a_screen_or_two_and_every_option_of_it_exists() {
    let Asked::Print(help) = read(args("-h")).unwrap() else {
        panic!("help is printed")
    };
    let help = String::from_utf8(help).unwrap();
    assert!(help.lines().count() < 120, "{help}");
    for name in COMMON {
        assert!(help.contains(&format!("--{name}")), "{name}");
    }
    assert!(!help.contains("--static-gzip-dir"), "{help}");
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
