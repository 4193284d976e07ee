//! How a request reaches the application.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The way from the gateway to the application.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// A process per request (RFC 3875), executed by the gateway or carried to a server that does.
    Cgi,
    /// The same, but that a process is forked from a booted interpreter instead of executed.
    CgiWarm,
    /// FastCGI 1.0, responder role.
    #[serde(rename = "fastcgi")]
    FastCgi,
    /// The uwsgi protocol, modifier1 0.
    Uwsgi,
    /// SCGI.
    Scgi,
    /// HTTP/1.1 proxied to an application server.
    Http,
}

impl Model {
    /// Every model, in the order that reports show.
    pub const ALL: [Self; 6] = [
        Self::Cgi,
        Self::CgiWarm,
        Self::FastCgi,
        Self::Uwsgi,
        Self::Scgi,
        Self::Http,
    ];

    /// The three that the main job compares.
    pub const DEFAULT: [Self; 3] = [Self::Cgi, Self::FastCgi, Self::Uwsgi];

    /// The word that command lines and results use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cgi => "cgi",
            Self::CgiWarm => "cgi-warm",
            Self::FastCgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::Http => "http",
        }
    }

    /// Whether every request has a process of its own, executed or forked.
    pub fn is_cgi(self) -> bool {
        self.interface() == Self::Cgi
    }

    /// What the application sees of it: a program cannot tell by its interface whether it was
    /// executed or forked, so whatever holds for `cgi` holds for `cgi-warm`.
    pub fn interface(self) -> Self {
        match self {
            Self::CgiWarm => Self::Cgi,
            own => own,
        }
    }

    /// Whether this model is one of `models`: `cgi` there speaks of `cgi-warm` too.
    pub fn is_among(self, models: &[Self]) -> bool {
        models.contains(&self) || models.contains(&self.interface())
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A model's name that the bench does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown model `{0}`; the models are cgi, cgi-warm, fastcgi, uwsgi, scgi, http")]
pub struct UnknownModel(String);

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(word: &str) -> Result<Self, UnknownModel> {
        Self::ALL
            .into_iter()
            .find(|model| model.word() == word)
            .ok_or_else(|| UnknownModel(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_read_back_from_its_word() {
        for model in Model::ALL {
            assert_eq!(model.word().parse(), Ok(model));
        }
    }

    #[test]
    fn an_unknown_model_lists_the_known_ones() {
        let error = "fcgi".parse::<Model>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown model `fcgi`; the models are cgi, cgi-warm, fastcgi, uwsgi, scgi, http"
        );
    }

    #[test]
    fn what_holds_for_cgi_holds_for_a_forked_program_and_not_the_other_way_round() {
        assert!(Model::CgiWarm.is_among(&[Model::FastCgi, Model::Cgi]));
        assert!(!Model::Cgi.is_among(&[Model::CgiWarm]));
        assert!(!Model::CgiWarm.is_among(&[Model::FastCgi]));
    }
}
