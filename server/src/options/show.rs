//! The configuration as `--check-config` and `show-config` print it.

use std::fmt::Write;

use super::given::{Gathered, Given};
use super::opt::{Opt, Takes, Topic};
use super::table;

/// What counts, as an ini file that means the same, each option with where it was given.
pub fn show(gathered: &Gathered) -> String {
    let mut text = String::from("[uwsgi]\n");
    for opt in table::all().filter(|opt| opt.topic != Topic::Configuration) {
        for given in counting(opt, gathered) {
            let Given { opt, value, origin } = given;
            writeln!(text, "; {origin}\n{} = {value}", opt.name)
                .expect("writing to memory cannot fail");
        }
    }
    text
}

/// Everything given, in its order and with nothing left out: uWSGI's `show-config`.
pub fn listing(gathered: &Gathered) -> String {
    let mut text = String::from("\n;gateserve instance configuration\n[uwsgi]\n");
    for (key, value) in &gathered.exported {
        let value = value.as_deref().unwrap_or("true");
        writeln!(text, "{key} = {value}").expect("writing to memory cannot fail");
    }
    text + ";end of configuration\n\n"
}

/// The values of one option that count.
fn counting<'g>(opt: &'static Opt, gathered: &'g Gathered) -> Vec<&'g Given> {
    match opt.takes {
        Takes::Many(_) => gathered.all(opt.name).collect(),
        _ => gathered.last(opt.name).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::given::Origin;

    #[test]
    fn the_last_of_an_option_counts_and_lists_are_whole() {
        let given = |name, value: &str| Given {
            opt: table::find(name).unwrap(),
            value: value.into(),
            origin: Origin::CommandLine,
        };
        let gathered = Gathered {
            given: vec![
                given("processes", "2"),
                given("socket", ":1"),
                given("socket", ":2"),
                given("processes", "4"),
            ],
            ..Gathered::default()
        };
        insta::assert_snapshot!(show(&gathered), @r"
        [uwsgi]
        ; command line
        socket = :1
        ; command line
        socket = :2
        ; command line
        processes = 4
        ");
    }
}
