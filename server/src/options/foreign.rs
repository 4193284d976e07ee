//! Options that uWSGI has and this server does not: known by name, so that they can be told from
//! spelling mistakes and skipped on a command line together with their argument.

use super::opt::Takes;
use super::table;

/// Name, argument (`no`, `required`, `optional`), short letter, kind of value and help of each of
/// uWSGI's options.
static LIST: &str = include_str!("uwsgi-options.txt");

/// Whether an option has a value on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// Never.
    No,
    /// Only behind `=`.
    Optional,
    /// Always.
    Required,
}

impl Argument {
    /// The same for an option of this server.
    pub(super) fn of(takes: Takes) -> Self {
        match takes {
            Takes::Flag => Self::No,
            Takes::Maybe { .. } => Self::Optional,
            Takes::One(_) | Takes::Many(_) => Self::Required,
        }
    }
}

/// How uWSGI reads the value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// `uwsgi_opt_true`.
    Flag,
    /// `uwsgi_opt_set_int`, `uwsgi_opt_set_64bit`, `uwsgi_opt_set_megabytes`.
    Number,
    /// `uwsgi_opt_set_16bit`.
    Number16,
    /// As a text, or in a way of its own.
    Text,
}

/// One of uWSGI's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    /// Its long name.
    pub(super) name: &'static str,
    /// Whether it takes the next argument of a command line.
    pub(super) argument: Argument,
    /// How its value is read.
    pub(super) reads: Reads,
    /// What uWSGI says that it does.
    pub(super) help: &'static str,
    short: Option<char>,
}

fn all() -> impl Iterator<Item = Foreign> {
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.splitn(5, ' ');
            let mut column = || columns.next();
            let (name, argument, short, reads) = (column()?, column()?, column()?, column()?);
            Some(Foreign {
                name,
                argument: match argument {
                    "required" => Argument::Required,
                    "optional" => Argument::Optional,
                    _ => Argument::No,
                },
                reads: match reads {
                    "flag" => Reads::Flag,
                    "int" | "long" | "megabytes" => Reads::Number,
                    "short" => Reads::Number16,
                    _ => Reads::Text,
                },
                help: column().unwrap_or_default(),
                short: short.chars().next().filter(|&letter| letter != '-'),
            })
        })
}

/// uWSGI's option of this name, whether or not this server has it too.
pub(super) fn of_uwsgi(name: &str) -> Option<Foreign> {
    all().find(|foreign| foreign.name == name)
}

/// uWSGI's option of this name, unless this server has it too.
pub(super) fn find(name: &str) -> Option<Foreign> {
    table::find(name).is_none().then(|| of_uwsgi(name))?
}

/// uWSGI's option with this short letter, unless this server has the letter or the option.
pub(super) fn find_short(letter: char) -> Option<Foreign> {
    let ours = table::all().any(|opt| opt.short == Some(letter)) || matches!(letter, 'h' | 'V');
    let foreign = all().find(|foreign| foreign.short == Some(letter))?;
    (!ours && table::find(foreign.name).is_none()).then_some(foreign)
}

/// Keys of real configurations that are no options, and what was meant.
const MEANT: [(&str, &str); 6] = [
    ("app", "module"),
    ("chown", "chown-socket"),
    ("exec-pre", "exec-pre-app"),
    ("logging", "disable-logging"),
    ("port", "http-socket"),
    ("reload", "touch-reload"),
];

/// The known option name that looks most like `name`, if any looks like it at all.
pub(super) fn nearest(name: &str) -> Option<String> {
    if let Some((_, meant)) = MEANT.iter().find(|(slip, _)| *slip == name) {
        return Some((*meant).to_owned());
    }
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
        let freq = find("legion-freq").unwrap();
        assert_eq!(freq.argument, Argument::Required);
        assert_eq!(freq.reads, Reads::Number);
        assert_eq!(freq.help, "set the frequency of legion packets");
        let abstract_socket = find("abstract-socket").unwrap();
        assert_eq!(find_short('a'), Some(abstract_socket));
        assert_eq!(abstract_socket.argument, Argument::No);
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
        assert_eq!(nearest("port").as_deref(), Some("http-socket"));
        assert_eq!(nearest("xyzzy"), None);
    }
}
