//! From the parts of a format to the line of one request.

use std::fmt::{self, Write};

use super::super::printable::{push_json, push_printable};
use super::compile::Part;
use super::variables::{Plain, Variable};
use super::{Subject, Worker};
use crate::clock;

/// How text from outside is put into a line.
type Push = fn(&mut String, &[u8]);

const MEGABYTE: u64 = 1024 * 1024;

impl Part {
    pub(super) fn render(&self, line: &mut String, subject: &Subject<'_>) {
        match self {
            Self::Text(text) => line.push_str(text),
            Self::Variable(variable) => variable.render(line, subject, push_printable),
            Self::Json(variable) => variable.render(line, subject, push_json),
        }
    }
}

impl Variable {
    fn render(&self, line: &mut String, subject: &Subject<'_>, push: Push) {
        let before = line.len();
        match self {
            Self::Plain(plain) => plain.render(line, subject, push),
            Self::Date(date) => date.at(subject.facts.second(), |text| push(line, text)),
            Self::Wanted(place) => {
                let value = subject.facts.wanted.get(*place);
                value.into_iter().for_each(|value| push(line, value));
            }
            // What is not measured is 0, as in uWSGI.
            Self::Metric(_) => line.push('0'),
            Self::Noted(name) => {
                let noted = &subject.notes.variables;
                let named = noted.iter().find(|(noted, _)| noted == name.as_bytes());
                named.into_iter().for_each(|(_, value)| push(line, value));
            }
        }
        if line.len() == before {
            line.push('-');
        }
    }
}

impl Plain {
    fn render(self, line: &mut String, subject: &Subject<'_>, push: Push) {
        let facts = subject.facts;
        let text = match self {
            Self::Uri => &facts.uri,
            Self::Method => &facts.method,
            Self::User => &facts.remote_user,
            Self::Addr => &facts.remote_addr,
            Self::Host => &facts.host,
            Self::Proto => &facts.protocol,
            Self::Uagent => &facts.user_agent,
            Self::Referer => &facts.referer,
            // Writing to memory cannot fail.
            figure => return figure.figure(line, subject).unwrap_or_default(),
        };
        push(line, text);
    }

    fn figure(self, line: &mut String, subject: &Subject<'_>) -> fmt::Result {
        let Subject {
            facts,
            sent,
            notes,
            took,
            worker,
        } = subject;
        let Worker {
            pid,
            number,
            rss,
            vsz,
        } = worker;
        let head_bytes = sent.head_bytes as u64;
        match self {
            Self::Status => write!(line, "{}", sent.status),
            Self::Rsize => write!(line, "{}", sent.body_bytes),
            Self::Hsize => write!(line, "{head_bytes}"),
            Self::Size => write!(line, "{}", head_bytes + sent.body_bytes),
            Self::Headers => write!(line, "{}", sent.fields),
            Self::Cl => write!(line, "{}", facts.body_length()),
            Self::Vars => write!(line, "{}", facts.vars),
            Self::Pktsize => write!(line, "{}", facts.vars_bytes),
            Self::Micros => write!(line, "{}", took.as_micros()),
            Self::Msecs => write!(line, "{}", took.as_millis()),
            Self::Secs => write!(line, "{:.6}", took.as_secs_f64()),
            Self::Time => write!(line, "{}", facts.began.as_secs()),
            Self::Tmsecs => write!(line, "{}", facts.began.as_millis()),
            Self::Tmicros => write!(line, "{}", facts.began.as_micros()),
            Self::Ctime => write!(line, "{}", clock::ctime_of(facts.second())),
            Self::Epoch => write!(line, "{}", clock::now()),
            Self::Pid => write!(line, "{pid}"),
            Self::Wid => write!(line, "{number}"),
            Self::Switches => write!(line, "{}", notes.switches),
            Self::Core => write!(line, "{}", notes.core),
            Self::Vsz => write!(line, "{vsz}"),
            Self::Rss => write!(line, "{rss}"),
            Self::VszM => write!(line, "{}", vsz / MEGABYTE),
            Self::RssM => write!(line, "{}", rss / MEGABYTE),
            Self::Werr => write!(line, "{}", notes.write_errors),
            Self::Rerr => write!(line, "{}", notes.read_errors),
            Self::Ioerr => write!(line, "{}", notes.read_errors + notes.write_errors),
            Self::Modifier1 | Self::Modifier2 => line.write_char('0'),
            Self::Uri
            | Self::Method
            | Self::User
            | Self::Addr
            | Self::Host
            | Self::Proto
            | Self::Uagent
            | Self::Referer => Ok(()),
        }
    }
}
