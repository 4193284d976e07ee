//! Options that are given more than once although only the last counts.

use super::super::finding::Finding;
use super::super::given::{Gathered, Given, Origin};
use super::super::opt::Takes;

pub(super) fn look(gathered: &Gathered) -> Vec<Finding> {
    let overwritten = gathered.given.iter().enumerate().filter_map(|(at, given)| {
        let later = &gathered.given[at + 1..];
        let last = later.iter().rev().find(|later| later.opt == given.opt)?;
        overwritten(given, last)
    });
    overwritten.collect()
}

fn overwritten(given: &Given, last: &Given) -> Option<Finding> {
    let lists = matches!(
        given.opt.takes,
        Takes::Many(_) | Takes::Maybe { value: "", .. }
    );
    if lists || given.origin == Origin::Environment {
        return None;
    }
    let Given { opt, value, .. } = last;
    let says = format!(
        "is overwritten by `{} = {value}` ({})",
        opt.name, last.origin
    );
    let name = given.opt.name;
    // People expect the command line to have the last word.
    let surprise = given.origin == Origin::CommandLine
        && matches!(last.origin, Origin::File { .. })
        && *value != given.value;
    Some(if surprise {
        let says = format!(
            "{says}: a file named without an option is read last, `--ini FILE` where it stands"
        );
        Finding::warning(&given.origin, name, says)
    } else {
        Finding::remark(&given.origin, name, says)
    })
}
