//! What can be chosen on the page: the way to the application, and the application.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::Model;

/// A way from the gateway to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A process is started for each request, by fork and exec.
    Cgi,
    /// A process is forked for each request from an interpreter that is up already.
    CgiWarm,
    /// Pre-forked workers, spoken to in FastCGI 1.0.
    #[serde(rename = "fastcgi")]
    FastCgi,
    /// Pre-forked workers, spoken to in the uwsgi protocol.
    Uwsgi,
    /// Pre-forked workers, spoken to in HTTP/1.1.
    Http,
}

impl Way {
    /// All of them, in the order of the lesson.
    pub const ALL: [Self; 5] = [
        Self::Cgi,
        Self::CgiWarm,
        Self::FastCgi,
        Self::Uwsgi,
        Self::Http,
    ];

    /// The word for it, as on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cgi => "cgi",
            Self::CgiWarm => "cgi-warm",
            Self::FastCgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Http => "http",
        }
    }

    /// What is spoken between the gateway and the server. No gateway of the demo executes
    /// programs itself, so CGI is carried over FastCGI.
    pub fn protocol(self) -> Model {
        match self {
            Self::Cgi | Self::CgiWarm | Self::FastCgi => Model::FastCgi,
            Self::Uwsgi => Model::Uwsgi,
            Self::Http => Model::Http,
        }
    }

    /// Whether each request has a process of its own.
    pub fn has_process_per_request(self) -> bool {
        matches!(self, Self::Cgi | Self::CgiWarm)
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|way| way.word() == word);
        found.ok_or_else(|| {
            format!("unknown way `{word}`; there are cgi, cgi-warm, fastcgi, uwsgi and http")
        })
    }
}

/// The application that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum App {
    /// `hello.py`: as a script, or as a WSGI application in the workers.
    Python,
    /// A compiled program, or the same inside the workers.
    Compiled,
}

impl App {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Python, Self::Compiled];

    /// Whether it can be reached that way: only an interpreter can be kept warm.
    pub fn goes(self, way: Way) -> bool {
        (self, way) != (Self::Compiled, Way::CgiWarm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_read_back_from_its_word_here_and_in_json() {
        for way in Way::ALL {
            assert_eq!(way.word().parse(), Ok(way));
            assert_eq!(serde_json::to_value(way).unwrap(), way.word());
        }
        assert!("fcgi".parse::<Way>().unwrap_err().contains("fastcgi"));
    }
}
