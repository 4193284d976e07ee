//! The formats of configuration files. Each gives the same: keys with values, in order.

mod ini;
mod toml;
mod xml;
mod yaml;

use std::fmt;

/// One `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    /// Counted from 1.
    pub(super) line: usize,
    /// Whether quotes were around the value that uWSGI's own reader would not take away.
    pub(super) quoted: bool,
}

/// A file that is not what it should be.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Counted from 1.
    pub(super) line: usize,
    /// In the words of the format's parser.
    pub(super) what: String,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Ini,
    Yaml,
    Json,
    Toml,
    Xml,
}

impl Format {
    /// The format of `ini = FILE`, `yaml = FILE` and so on.
    pub(super) fn of_option(key: &str) -> Option<Self> {
        match key {
            "ini" => Some(Self::Ini),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" | "js" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            "xml" | "xmlconfig" => Some(Self::Xml),
            _ => None,
        }
    }

    /// The format that a file's name tells.
    pub(super) fn of_file(file: &str) -> Option<Self> {
        let (_, extension) = file.rsplit_once('.')?;
        Self::of_option(extension).filter(|_| extension != "xmlconfig")
    }

    /// The entries of one section, without any if there is no such section.
    ///
    /// # Errors
    /// The first thing that the format does not allow. An ini file allows everything.
    pub(super) fn parse(self, text: &str, section: &str) -> Result<Vec<Entry>, Trouble> {
        match self {
            Self::Ini => Ok(ini::parse(text, section)),
            Self::Yaml | Self::Json => yaml::parse(text, section, self == Self::Json),
            Self::Toml => toml::parse(text, section),
            Self::Xml => xml::parse(text, section),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ini => "INI",
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Toml => "TOML",
            Self::Xml => "XML",
        })
    }
}

/// The line of a place in a text, counted from 1.
fn line_at(text: &str, place: usize) -> usize {
    1 + text
        .bytes()
        .take(place)
        .filter(|&byte| byte == b'\n')
        .count()
}
