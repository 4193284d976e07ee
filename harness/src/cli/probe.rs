//! `gatebench probe`: writes out the application that a server has to run to be judged.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::Verdict;
use crate::backends::libfcgi;

#[derive(Args, Debug)]
pub(super) struct ProbeArgs {
    /// For which servers
    #[arg(long, value_enum)]
    language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    /// WSGI callable `application`, and a CGI program
    Python,
    /// For php-fpm and php-cgi
    Php,
    /// A FastCGI responder on libfcgi
    C,
}

impl Language {
    fn source(self) -> &'static str {
        match self {
            Self::Python => include_str!("../../../scenarios/apps/probe.py"),
            Self::Php => include_str!("../../../scenarios/apps/probe.php"),
            Self::C => libfcgi::SOURCE,
        }
    }
}

/// Writes the file to standard output.
pub(super) fn probe(args: &ProbeArgs) -> anyhow::Result<Verdict> {
    io::stdout()
        .lock()
        .write_all(args.language.source().as_bytes())?;
    Ok(Verdict::Passed)
}
