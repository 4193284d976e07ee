//! Text of a scenario: octets with a few placeholders.
//!
//! Each code point up to U+00FF is one octet, so that `"\u00E9"` is the octet E9 and nothing is
//! encoded on the way. Placeholders: `{app}`, `{nph}`, `{auth}`, `{host}`, `{port}`, `{127 x a}` (the
//! letter, 127 times). Any other brace stands for itself.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, de};

use super::Place;

/// Text in which placeholders are still open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Plain(String),
    App,
    Nph,
    Auth,
    Host,
    Port,
    Repeat(usize, String),
}

/// Why a string is no text of a scenario.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadText {
    /// An octet is at most U+00FF.
    #[error("`{0}` is no single octet; spell its octets, for example \\u00C3\\u00A9")]
    NotOctet(char),
    /// A word in braces that is no placeholder.
    #[error(
        "unknown placeholder `{{{0}}}`, expected one of `{{app}}`, `{{nph}}`, `{{auth}}`, `{{host}}`, \
         `{{port}}`"
    )]
    Placeholder(String),
}

impl Text {
    /// The text with its placeholders filled in, one code point per octet.
    pub fn at(&self, place: &Place) -> String {
        self.0.iter().map(|piece| piece.at(place)).collect()
    }

    /// These octets, in which nothing is a placeholder.
    pub(super) fn plain(text: String) -> Self {
        Self(vec![Piece::Plain(text)])
    }

    /// Whether it names the probe as an NPH script.
    pub fn names_nph(&self) -> bool {
        self.0.contains(&Piece::Nph)
    }

    /// Whether it names the probe behind access control.
    pub fn names_auth(&self) -> bool {
        self.0.contains(&Piece::Auth)
    }

    /// Whether it begins with this, whatever the placeholders behind it stand for.
    pub fn begins_with(&self, start: &str) -> bool {
        matches!(self.0.first(), Some(Piece::Plain(text)) if text.starts_with(start))
    }

    /// The octets with the placeholders filled in.
    pub fn octets(&self, place: &Place) -> Vec<u8> {
        octets(&self.at(place))
    }
}

impl Piece {
    fn at(&self, place: &Place) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::App => place.app.clone(),
            Self::Nph => place.nph(),
            Self::Auth => place.auth(),
            Self::Host => place.host.clone(),
            Self::Port => place.port().to_owned(),
            Self::Repeat(times, what) => what.repeat(*times),
        }
    }

    /// Reads what stands between two braces: `None` where the braces are plain text.
    fn named(inner: &str) -> Result<Option<Self>, BadText> {
        if let Some((times, what)) = inner.split_once(" x ")
            && let Ok(times) = times.parse()
        {
            return Ok(Some(Self::Repeat(times, what.to_owned())));
        }
        let is_word = !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_lowercase());
        match inner {
            "app" => Ok(Some(Self::App)),
            "nph" => Ok(Some(Self::Nph)),
            "auth" => Ok(Some(Self::Auth)),
            "host" => Ok(Some(Self::Host)),
            "port" => Ok(Some(Self::Port)),
            _ if is_word => Err(BadText::Placeholder(inner.to_owned())),
            _ => Ok(None),
        }
    }
}

/// The octets of text in which each code point is one.
pub fn octets(text: &str) -> Vec<u8> {
    // Text is checked on the way in, so nothing is cut off here.
    text.chars().map(|c| c as u8).collect()
}

/// Octets as text, one code point each.
pub fn latin1(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}

impl TryFrom<String> for Text {
    type Error = BadText;

    fn try_from(text: String) -> Result<Self, BadText> {
        if let Some(wide) = text.chars().find(|&c| u32::from(c) > 0xFF) {
            return Err(BadText::NotOctet(wide));
        }
        let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text.as_str());
        while let Some((before, after)) = rest.split_once('{') {
            plain.push_str(before);
            let inner = after.split_once('}');
            let named = inner.map_or(Ok(None), |(inner, _)| Piece::named(inner))?;
            if let (Some(piece), Some((_, behind))) = (named, inner) {
                pieces.extend([Piece::Plain(std::mem::take(&mut plain)), piece]);
                rest = behind;
            } else {
                plain.push('{');
                rest = after;
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Plain(plain));
        pieces.retain(|piece| *piece != Piece::Plain(String::new()));
        Ok(Self(pieces))
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.0.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::App => f.write_str("{app}"),
            Self::Nph => f.write_str("{nph}"),
            Self::Auth => f.write_str("{auth}"),
            Self::Host => f.write_str("{host}"),
            Self::Port => f.write_str("{port}"),
            Self::Repeat(times, what) => write!(f, "{{{times} x {what}}}"),
        }
    }
}

/// Octets spelled in hexadecimal; spaces are for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Vec<u32> = text
            .split_whitespace()
            .flat_map(str::chars)
            .map(|c| c.to_digit(16))
            .collect::<Option<_>>()
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no hexadecimal")))?;
        if digits.len() % 2 == 1 {
            return Err(de::Error::custom(format!("`{text}` ends in half an octet")));
        }
        let octet = |pair: &[u32]| (pair[0] * 16 + pair[1]) as u8;
        Ok(Self(digits.chunks(2).map(octet).collect()))
    }
}

/// A time such as `300ms` or `3s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Time(pub Duration);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = text[..text.len() - unit.len()].parse();
        match (number, unit) {
            (Ok(number), "ms") => Ok(Self(Duration::from_millis(number))),
            (Ok(number), "s") => Ok(Self(Duration::from_secs(number))),
            _ => Err(format!("`{text}` is no time such as `300ms` or `3s`")),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> Text {
        Text::try_from(source.to_owned()).unwrap()
    }

    #[test]
    fn placeholders_are_filled_in_where_the_probe_is_mounted() {
        let place = Place::new("/probe", "127.0.0.1:8080");
        let filled = text("{app}/x {host} {port} {3 x ab}").at(&place);
        assert_eq!(filled, "/probe/x 127.0.0.1:8080 8080 ababab");
    }

    #[test]
    fn a_code_point_is_an_octet() {
        let place = Place::new("", "h:1");
        assert_eq!(text("\u{e9}\0").octets(&place), b"\xe9\0");
        let wide = Text::try_from("\u{20ac}".to_owned());
        assert_eq!(wide, Err(BadText::NotOctet('\u{20ac}')));
    }

    #[test]
    fn braces_around_anything_else_are_plain() {
        let place = Place::new("", "h:1");
        for plain in ["{", "{}", "{\"a\":1}", "a{b", "}{"] {
            assert_eq!(text(plain).at(&place), plain);
        }
    }

    #[test]
    fn an_unknown_placeholder_is_refused() {
        let error = Text::try_from("{ap}/".to_owned()).unwrap_err().to_string();
        assert!(error.starts_with("unknown placeholder `{ap}`"), "{error}");
    }

    #[test]
    fn times_have_a_unit() {
        let time = |text: &str| Time::try_from(text.to_owned()).map(|time| time.0);
        assert_eq!(time("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(time("3s"), Ok(Duration::from_secs(3)));
        for bad in ["3", "s", "3 s", "-1s", "3m", ""] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
