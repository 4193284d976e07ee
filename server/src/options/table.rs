//! The option table: one entry per option, from which the command line, ini files, the
//! environment, the help, the man page and the manual's check all come.

use super::groups::TABLES;
use super::opt::Opt;

/// Every option of this server.
pub fn all() -> impl Iterator<Item = &'static Opt> {
    TABLES.iter().copied().flatten()
}

/// The option with this long name or alias.
pub(super) fn find(name: &str) -> Option<&'static Opt> {
    all().find(|opt| opt.is_named(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_or_letter_is_used_twice() {
        let mut seen = std::collections::HashSet::new();
        for opt in all() {
            let letter = opt.short.map(String::from);
            let names = [opt.name].into_iter().chain(opt.aliases.iter().copied());
            for name in names.map(String::from).chain(letter) {
                assert!(seen.insert(name.clone()), "{name} is used twice");
            }
        }
    }

    #[test]
    fn an_option_is_found_by_any_of_its_names() {
        assert_eq!(find("workers"), find("processes"));
        assert_eq!(find("http-to").map(|opt| opt.name), Some("uwsgi-to"));
        assert_eq!(find("no-such-option"), None);
    }
}
