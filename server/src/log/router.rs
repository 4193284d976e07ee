//! Which message goes where: filters, routes, loggers with their encoders.

use std::borrow::Cow;
use std::io;

use fancy_regex::Regex;

use super::destination::Destination;
use super::encoder::Encoder;
use crate::options::{EncoderSettings, LoggerSettings, LoggersSettings, RouteSettings};

/// Everything that the process that writes the log knows of messages.
#[derive(Debug)]
pub(super) struct Router {
    /// Where messages go that no logger takes.
    original: Destination,
    messages: Way,
    requests: Way,
    drain: Vec<Regex>,
    filter: Vec<Regex>,
}

/// One kind of messages: general ones, or lines of requests.
#[derive(Debug)]
struct Way {
    loggers: Vec<Logger>,
    encoders: Vec<Encoder>,
    /// Patterns, and the places of loggers for general messages: only these have names.
    routes: Vec<(Regex, usize)>,
}

#[derive(Debug)]
struct Logger {
    name: Option<String>,
    /// `None` for the original log.
    destination: Option<Destination>,
}

impl Router {
    /// Opens all destinations. `original` is where the log would go without loggers.
    ///
    /// # Errors
    /// The first destination that cannot be opened.
    pub(super) fn open(settings: &LoggersSettings, original: Destination) -> io::Result<Self> {
        let loggers = |list: &[LoggerSettings]| -> io::Result<Vec<Logger>> {
            let open = |logger: &LoggerSettings| {
                Ok(Logger {
                    name: logger.name.clone(),
                    destination: Destination::open(&logger.kind, settings)?,
                })
            };
            list.iter().map(open).collect()
        };
        let named = &settings.loggers;
        Ok(Self {
            original,
            messages: Way {
                loggers: loggers(named)?,
                encoders: encoders(&settings.encoders),
                routes: routes(&settings.routes, named),
            },
            requests: Way {
                loggers: loggers(&settings.request_loggers)?,
                encoders: encoders(&settings.request_encoders),
                routes: routes(&settings.request_routes, named),
            },
            drain: patterns(&settings.drain),
            filter: patterns(&settings.filter),
        })
    }

    /// Takes a general message.
    pub(super) fn message(&mut self, message: &[u8]) {
        let text = text(message);
        let matches = |patterns: &[Regex]| patterns.iter().any(|it| is_match(it, &text));
        if matches(&self.drain) || !self.filter.is_empty() && !matches(&self.filter) {
            return;
        }
        let Way {
            loggers,
            encoders,
            routes,
        } = &mut self.messages;
        if !route(
            routes,
            &text,
            loggers,
            &mut self.original,
            encoders,
            message,
        ) {
            write_all(loggers, &mut self.original, encoders, message);
        }
    }

    /// Takes the line of a request.
    pub(super) fn request(&mut self, line: &[u8]) {
        let (way, named) = (&mut self.requests, &mut self.messages.loggers);
        let original = &mut self.original;
        if !route(
            &way.routes,
            &text(line),
            named,
            original,
            &way.encoders,
            line,
        ) {
            write_all(&mut way.loggers, &mut self.original, &way.encoders, line);
        }
    }

    /// Opens every file anew.
    pub(super) fn reopen(&mut self) {
        self.original.reopen();
        let loggers = [&mut self.messages.loggers, &mut self.requests.loggers];
        let loggers = loggers.into_iter().flatten();
        for destination in loggers.filter_map(|logger| logger.destination.as_mut()) {
            destination.reopen();
        }
    }

    /// Rotates the file of `logto`, as uWSGI does.
    pub(super) fn rotate(&mut self) {
        self.original.rotate();
    }
}

/// Hands a message to the loggers that its text is routed to, if there are any.
fn route(
    routes: &[(Regex, usize)],
    text: &str,
    loggers: &mut [Logger],
    original: &mut Destination,
    encoders: &[Encoder],
    message: &[u8],
) -> bool {
    let mut routed = false;
    for (_, place) in routes.iter().filter(|(pattern, _)| is_match(pattern, text)) {
        loggers[*place].write(original, encoders, message);
        routed = true;
    }
    routed
}

/// Hands a message to every logger without a name, or to the original log if there is none.
fn write_all(
    loggers: &mut [Logger],
    original: &mut Destination,
    encoders: &[Encoder],
    message: &[u8],
) {
    let mut unnamed = loggers
        .iter_mut()
        .filter(|logger| logger.name.is_none())
        .peekable();
    if unnamed.peek().is_none() {
        return original.write(&encode(encoders, None, message));
    }
    unnamed.for_each(|logger| logger.write(original, encoders, message));
}

impl Logger {
    fn write(&mut self, original: &mut Destination, encoders: &[Encoder], message: &[u8]) {
        let encoded = encode(encoders, self.name.as_deref(), message);
        self.destination
            .as_mut()
            .unwrap_or(original)
            .write(&encoded);
    }
}

fn encode<'m>(encoders: &[Encoder], logger: Option<&str>, message: &'m [u8]) -> Cow<'m, [u8]> {
    let meant = encoders.iter().filter(|encoder| encoder.is_for(logger));
    meant.fold(Cow::Borrowed(message), |message, encoder| {
        Cow::Owned(encoder.encode(&message))
    })
}

/// A message as patterns see it: `$` is the end of its line.
fn text(message: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(message.strip_suffix(b"\n").unwrap_or(message))
}

/// A pattern that takes too long does not match.
fn is_match(pattern: &Regex, text: &str) -> bool {
    pattern.is_match(text).unwrap_or(false)
}

fn encoders(settings: &[EncoderSettings]) -> Vec<Encoder> {
    settings.iter().map(Encoder::new).collect()
}

fn patterns(texts: &[String]) -> Vec<Regex> {
    // The options have let regular expressions through alone.
    let read = |text: &String| Regex::new(text).ok();
    texts.iter().filter_map(read).collect()
}

/// Routes to loggers that are not there lead nowhere, as in uWSGI.
fn routes(routes: &[RouteSettings], loggers: &[LoggerSettings]) -> Vec<(Regex, usize)> {
    let place = |name: &str| {
        let named = |logger: &LoggerSettings| logger.name.as_deref() == Some(name);
        loggers.iter().position(named)
    };
    let read = |route: &RouteSettings| {
        let pattern = Regex::new(&route.pattern).ok()?;
        Some((pattern, place(&route.logger)?))
    };
    routes.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests;
