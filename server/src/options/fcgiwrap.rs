//! fcgiwrap's command line, for those who replace it.
//!
//! The program behaves so when it is called `fcgiwrap` (by a link, say), or as `gateserve fcgiwrap`.

use std::ffi::OsStr;
use std::path::Path;

use super::error::OptionError;

/// What a command line in fcgiwrap's words means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// The same in this server's own words, program name first.
    Serve(Vec<String>),
    /// `-h`: to print this.
    Help(&'static str),
}

/// What holds unless options behind `--` say otherwise. The parameters of a request may be as large
/// as they can be here, and a program may think for as long as a gateway has patience.
const ALWAYS: [&str; 12] = [
    "--cgi-from-script-filename",
    "--cgi-inherit-env",
    "--disable-logging",
    "--vacuum",
    "--buffer-size",
    "65535",
    "--socket-timeout",
    "60",
    "--cgi-timeout",
    "600",
    "--listen",
    "511",
];

const HELP: &str = "\
Usage: fcgiwrap [OPTION]... [-- OPTION OF GATESERVE...]
Runs CGI programs for a web server that speaks FastCGI.

  -c NUMBER   worker processes [default: 1]; each runs many programs at a time
  -f          send what programs write on standard error to the web server, too
  -s ADDRESS  unix:/path, tcp:IPv4:port or tcp6:[IPv6]:port
              [default: the socket that systemd or spawn-fcgi has opened]
  -p PATH     run this program and no other; may be repeated
  -h          print this and exit
";

/// Reads a command line in fcgiwrap's words; `None` if it is in this server's own. `activated`:
/// whether systemd has opened a socket for this process.
///
/// # Errors
/// A flag or address that fcgiwrap does not have.
pub(super) fn read(line: &[String], activated: bool) -> Result<Option<Meant>, OptionError> {
    let called = |word: Option<&String>| {
        word.map(Path::new).and_then(Path::file_name) == Some(OsStr::new("fcgiwrap"))
    };
    let flags = match line {
        _ if called(line.first()) => &line[1..],
        [_, word, ..] if word == "fcgiwrap" => &line[2..],
        _ => return Ok(None),
    };
    meant(flags, activated).map(Some)
}

fn meant(flags: &[String], activated: bool) -> Result<Meant, OptionError> {
    let end = flags.iter().position(|flag| flag == "--");
    let (flags, rest) = match end {
        Some(end) => (&flags[..end], &flags[end + 1..]),
        None => (flags, &[][..]),
    };
    let mut parser = lexopt::Parser::from_args(flags);
    let (mut address, mut workers, mut to_gateway) = (None, "1".to_owned(), false);
    let mut line: Vec<String> = ["gateserve"]
        .into_iter()
        .chain(ALWAYS)
        .map(String::from)
        .collect();
    while let Some(flag) = parser.next().map_err(|error| told(&error))? {
        let lexopt::Arg::Short(letter) = flag else {
            return Err(told(&flag.unexpected()));
        };
        match letter {
            'h' => return Ok(Meant::Help(HELP)),
            'f' => to_gateway = true,
            'c' => workers = value(&mut parser)?,
            's' => address = Some(listen_on(&value(&mut parser)?)?),
            'p' => line.extend(["--cgi-only".into(), value(&mut parser)?]),
            _ => return Err(told(&lexopt::Arg::Short(letter).unexpected())),
        }
    }
    // As in fcgiwrap, what systemd has opened goes before `-s`.
    let address = match address {
        _ if activated => "fd://3".into(),
        Some(address) => address,
        None => "fd://0".into(),
    };
    line.extend(["--fastcgi-socket".into(), address, "--processes".into()]);
    line.push(if workers == "0" { "1".into() } else { workers });
    if !to_gateway {
        line.push("--cgi-stderr-to-log".into());
    }
    line.extend_from_slice(rest);
    Ok(Meant::Serve(line))
}

fn value(parser: &mut lexopt::Parser) -> Result<String, OptionError> {
    let value = parser.value().map_err(|error| told(&error))?;
    Ok(value.to_string_lossy().into_owned())
}

/// An address as fcgiwrap writes it, in uWSGI's spelling.
fn listen_on(address: &str) -> Result<String, OptionError> {
    let known = match address.split_once(':') {
        Some(("unix", path)) if !path.is_empty() => Some(path),
        Some(("tcp", rest)) if rest.contains(':') => Some(rest),
        Some(("tcp6", rest)) if rest.starts_with('[') && rest.contains("]:") => Some(rest),
        _ => None,
    };
    known.map(str::to_owned).ok_or_else(|| {
        OptionError::CommandLine(format!(
            "fcgiwrap's -s takes unix:/path, tcp:IPv4:port or tcp6:[IPv6]:port, not `{address}`"
        ))
    })
}

fn told(error: &lexopt::Error) -> OptionError {
    OptionError::CommandLine(format!("fcgiwrap: {error}; see fcgiwrap -h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, activated: bool) -> Result<Option<Meant>, OptionError> {
        let words: Vec<_> = text.split_whitespace().map(String::from).collect();
        read(&words, activated)
    }

    #[track_caller]
    fn assert_meant(text: &str, activated: bool, expected: &str) {
        let Ok(Some(Meant::Serve(words))) = line(text, activated) else {
            panic!("{text} does not serve");
        };
        assert_eq!(words[ALWAYS.len() + 1..].join(" "), expected);
    }

    #[test]
    fn the_name_decides() {
        assert_eq!(line("gateserve --probe", false).unwrap(), None);
        assert_eq!(line("gateserve --ini fcgiwrap", false).unwrap(), None);
        for called in ["/usr/sbin/fcgiwrap", "gateserve fcgiwrap"] {
            let expected = "--fastcgi-socket fd://0 --processes 1 --cgi-stderr-to-log";
            assert_meant(called, false, expected);
        }
    }

    #[test]
    fn each_flag_has_its_option() {
        assert_meant(
            "fcgiwrap -f -c4 -s unix:/run/x.sock -p /a -p /b -- --cgi-timeout 5",
            false,
            "--cgi-only /a --cgi-only /b --fastcgi-socket /run/x.sock --processes 4 --cgi-timeout 5",
        );
        assert_meant(
            "fcgiwrap -fs tcp6:[::1]:9000",
            false,
            "--fastcgi-socket [::1]:9000 --processes 1",
        );
    }

    #[test]
    fn a_socket_of_systemd_goes_first() {
        let expected = "--fastcgi-socket fd://3 --processes 2";
        assert_meant("fcgiwrap -f -c 2 -s unix:/x", true, expected);
    }

    #[test]
    fn what_fcgiwrap_does_not_know_is_refused() {
        for text in [
            "fcgiwrap -x",
            "fcgiwrap -s /run/x",
            "fcgiwrap -s tcp:9",
            "fcgiwrap --help",
        ] {
            assert!(line(text, false).is_err(), "{text}");
        }
        assert_eq!(line("fcgiwrap -h", false).unwrap(), Some(Meant::Help(HELP)));
    }
}
