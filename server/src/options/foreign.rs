//! Options that uWSGI has and this server does not: known by name, so that they can be told from
//! spelling mistakes and skipped on a command line together with their argument.

use super::table;

/// Name, argument (`no`, `required`, `optional`) and short letter of each of uWSGI's options.
static LIST: &str = include_str!("uwsgi-options.txt");

/// One of uWSGI's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    /// Its long name.
    pub(super) name: &'static str,
    /// Whether it takes the next argument of a command line.
    pub(super) takes_next: bool,
    short: Option<char>,
}

fn all() -> impl Iterator<Item = Foreign> {
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split(' ');
            let (name, argument, short) = (columns.next()?, columns.next()?, columns.next()?);
            let short = short.chars().next().filter(|&letter| letter != '-');
            Some(Foreign {
                name,
                takes_next: argument == "required",
                short,
            })
        })
}

/// uWSGI's option of this name, unless this server has it too.
pub(super) fn find(name: &str) -> Option<Foreign> {
    table::find(name)
        .is_none()
        .then(|| all().find(|foreign| foreign.name == name))?
}

/// uWSGI's option with this short letter, unless this server has the letter or the option.
pub(super) fn find_short(letter: char) -> Option<Foreign> {
    let ours = table::all().any(|opt| opt.short == Some(letter)) || matches!(letter, 'h' | 'V');
    let foreign = all().find(|foreign| foreign.short == Some(letter))?;
    (!ours && table::find(foreign.name).is_none()).then_some(foreign)
}

/// The known option name that looks most like `name`, if any looks like it at all.
pub(super) fn nearest(name: &str) -> Option<String> {
    let ours =
        table::all().flat_map(|opt| [opt.name].into_iter().chain(opt.aliases.iter().copied()));
    let scored = ours.chain(all().map(|foreign| foreign.name));
    let (score, known) = scored
        .map(|known| (strsim::jaro_winkler(name, known), known))
        // On a tie the first wins, so that our own names come before uWSGI's.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    (score > 0.85).then(|| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_of_uwsgi_alone_is_known() {
        let area = find("sharedarea").unwrap();
        assert!(area.takes_next);
        assert_eq!(find_short('A'), Some(area));
        assert!(!find("emperor-tyrant").unwrap().takes_next);
    }

    #[test]
    fn an_option_of_this_server_is_not_foreign() {
        assert_eq!(find("socket"), None);
        assert_eq!(find_short('s'), None);
    }

    #[test]
    fn a_slip_of_the_finger_finds_its_option() {
        assert_eq!(nearest("sokcet").as_deref(), Some("socket"));
        assert_eq!(nearest("vaccum").as_deref(), Some("vacuum"));
        assert_eq!(nearest("process").as_deref(), Some("processes"));
        assert_eq!(nearest("xyzzy"), None);
    }
}
