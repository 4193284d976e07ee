//! Encoders: what is made of a message before it is written.

use std::ffi::CString;
use std::time::{SystemTime, UNIX_EPOCH};

use super::printable::push_json;
use crate::clock;
use crate::options::{EncoderKind, EncoderSettings};

/// One encoder, ready for use.
#[derive(Debug)]
pub(super) struct Encoder {
    logger: Option<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Prefix(String),
    Suffix(String),
    Pieces { pieces: Vec<Piece>, json: bool },
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The message without a newline at its end.
    Message,
    /// The message as it came.
    WholeMessage,
    Seconds,
    Milliseconds,
    Microseconds,
    Date(CString),
}

impl Encoder {
    pub(super) fn new(settings: &EncoderSettings) -> Self {
        let kind = match &settings.kind {
            EncoderKind::Prefix(text) => Kind::Prefix(text.clone()),
            EncoderKind::Suffix(text) => Kind::Suffix(text.clone()),
            EncoderKind::Newline => Kind::Suffix("\n".to_owned()),
            EncoderKind::Format(text) => Kind::Pieces {
                pieces: pieces(text),
                json: false,
            },
            EncoderKind::Json(text) => Kind::Pieces {
                pieces: pieces(text),
                json: true,
            },
        };
        Self {
            logger: settings.logger.clone(),
            kind,
        }
    }

    /// Whether it is for what this logger writes; one without a name gets the common ones only.
    pub(super) fn is_for(&self, logger: Option<&str>) -> bool {
        self.logger.is_none() || self.logger.as_deref() == logger
    }

    pub(super) fn encode(&self, message: &[u8]) -> Vec<u8> {
        match &self.kind {
            Kind::Prefix(text) => [text.as_bytes(), message].concat(),
            Kind::Suffix(text) => [message, text.as_bytes()].concat(),
            Kind::Pieces { pieces, json } => {
                let mut encoded = Vec::with_capacity(message.len() + 64);
                for piece in pieces {
                    piece.put(&mut encoded, message, *json);
                }
                encoded
            }
        }
    }
}

impl Piece {
    /// What stands for `${name}`; names that nobody knows stand for nothing, as in uWSGI.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "msg" => Self::Message,
            "msgnl" => Self::WholeMessage,
            "unix" => Self::Seconds,
            "millis" => Self::Milliseconds,
            "micros" => Self::Microseconds,
            other => Self::Date(CString::new(other.strip_prefix("strftime:")?).ok()?),
        })
    }

    fn put(&self, encoded: &mut Vec<u8>, message: &[u8], json: bool) {
        let now = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
        };
        match self {
            Self::Text(text) => encoded.extend_from_slice(text.as_bytes()),
            Self::Message => outside(
                encoded,
                message.strip_suffix(b"\n").unwrap_or(message),
                json,
            ),
            Self::WholeMessage => outside(encoded, message, json),
            Self::Date(format) => outside(encoded, &clock::strftime(format, clock::now()), json),
            Self::Seconds => encoded.extend_from_slice(now().as_secs().to_string().as_bytes()),
            Self::Milliseconds => {
                encoded.extend_from_slice(now().as_millis().to_string().as_bytes())
            }
            Self::Microseconds => {
                encoded.extend_from_slice(now().as_micros().to_string().as_bytes())
            }
        }
    }
}

fn outside(encoded: &mut Vec<u8>, text: &[u8], json: bool) {
    if json {
        let mut escaped = String::with_capacity(text.len());
        push_json(&mut escaped, text);
        encoded.extend_from_slice(escaped.as_bytes());
    } else {
        encoded.extend_from_slice(text);
    }
}

/// Text and `${name}`s, apart.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, name, after)) = rest.split_once("${").and_then(|(before, behind)| {
        let (name, after) = behind.split_once('}')?;
        Some((before, name, after))
    }) {
        pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
        pieces.extend(Piece::named(name));
        rest = after;
    }
    pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_encodes(kind: EncoderKind, message: &str, expected: &str) {
        let encoder = Encoder::new(&EncoderSettings { logger: None, kind });
        let encoded = String::from_utf8(encoder.encode(message.as_bytes())).unwrap();
        assert_eq!(encoded, expected);
    }

    #[test]
    fn text_goes_before_behind_or_around_a_message() {
        assert_encodes(EncoderKind::Prefix("> ".into()), "a\n", "> a\n");
        assert_encodes(EncoderKind::Suffix("!".into()), "a\n", "a\n!");
        assert_encodes(EncoderKind::Newline, "a", "a\n");
        let around = EncoderKind::Format("[${msg}] $x ${nothing}${msgnl}${".into());
        assert_encodes(around, "a\n", "[a] $x a\n${");
    }

    #[test]
    fn json_around_a_message_can_be_read() {
        let format = r#"{"at": ${unix}, "day": "${strftime:%Y"}", "message": "${msg}"}"#;
        let encoder = Encoder::new(&EncoderSettings {
            logger: None,
            kind: EncoderKind::Json(format.into()),
        });
        let encoded = encoder.encode(b"Traceback:\n  \"x\"\n");
        let read: serde_json::Value = serde_json::from_slice(&encoded).unwrap();
        assert_eq!(read["message"], "Traceback:\n  \"x\"");
        assert!(read["at"].as_u64().unwrap() > 1_000_000_000);
    }

    #[test]
    fn an_encoder_of_one_logger_is_not_for_the_others() {
        let encoder = |logger: Option<&str>| {
            Encoder::new(&EncoderSettings {
                logger: logger.map(str::to_owned),
                kind: EncoderKind::Newline,
            })
        };
        assert!(encoder(None).is_for(None) && encoder(None).is_for(Some("a")));
        assert!(encoder(Some("a")).is_for(Some("a")));
        assert!(!encoder(Some("a")).is_for(Some("b")) && !encoder(Some("a")).is_for(None));
    }
}
