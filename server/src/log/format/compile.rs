//! From the text of a log format to its parts.

use std::ffi::CString;

use super::super::facts::Wanted;
use super::variables::{Date, Variable};
use super::{COMMON_LOG, Subject};

/// A log format, ready to be filled in.
#[derive(Debug)]
pub(in super::super) struct LineFormat {
    parts: Vec<Part>,
    /// Names of the variables that `%(var.NAME)` asks for.
    variables: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Variable(Variable),
    /// The same as the inside of a JSON string.
    Json(Variable),
}

impl LineFormat {
    /// Takes a format apart just as uWSGI does: `%(name)` is a variable, everything else is text.
    /// `date` is how `%(ftime)` is written, where it is not as `%(ltime)`.
    pub(in super::super) fn new(format: &str, date: Option<&str>) -> Self {
        let mut made = Self {
            parts: Vec::new(),
            variables: Vec::new(),
        };
        let (mut text, mut name) = (0, None);
        // uWSGI's states: nothing, a percent sign, an opening bracket behind one.
        let mut state = 0;
        for (at, byte) in format.bytes().enumerate() {
            match byte {
                b'%' if state == 0 => state = 1,
                b'(' if state == 1 => state = 2,
                b'%' | b'(' => {}
                b')' => {
                    if let Some(start) = name.take() {
                        made.variable(&format[start..at], date);
                        state = 0;
                        text = at + 1;
                    }
                }
                _ => {
                    if state == 2 {
                        made.text(&format[text..at - 2]);
                        name = Some(at);
                    }
                    state = 0;
                }
            }
        }
        made.text(&format[text..]);
        made.text("\n");
        made
    }

    /// What must be kept of a request to fill this in.
    pub(in super::super) fn wanted(&self, forwarded: bool) -> Wanted {
        Wanted {
            forwarded,
            variables: self.variables.clone(),
        }
    }

    /// Appends the line of one request.
    pub(in super::super) fn render(&self, line: &mut String, subject: &Subject<'_>) {
        for part in &self.parts {
            part.render(line, subject);
        }
    }

    fn text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(before)) => before.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    fn variable(&mut self, name: &str, date: Option<&str>) {
        let noted = || Variable::Noted(name.to_owned());
        let part = match (self.known(name, date), name.strip_prefix("json_")) {
            (Some(variable), _) => Part::Variable(variable),
            (None, Some(inner)) => Part::Json(self.known(inner, date).unwrap_or_else(noted)),
            (None, None) => Part::Variable(noted()),
        };
        self.parts.push(part);
    }

    fn known(&mut self, name: &str, date: Option<&str>) -> Option<Variable> {
        if let Some(name) = name.strip_prefix("var.") {
            return Some(Variable::Wanted(self.place(name)));
        }
        if let Some(name) = name.strip_prefix("metric.") {
            return Some(Variable::Metric(name.to_owned()));
        }
        Some(match name {
            "ltime" => Variable::Date(Date::new(COMMON_LOG.to_owned())),
            "ftime" => {
                let format = date.and_then(|format| CString::new(format).ok());
                Variable::Date(Date::new(format.unwrap_or_else(|| COMMON_LOG.to_owned())))
            }
            name => Variable::Plain(name.parse().ok()?),
        })
    }

    /// Where a request's facts keep the variable of this name.
    fn place(&mut self, name: &str) -> usize {
        let known = self.variables.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.variables.push(name.to_owned());
            self.variables.len() - 1
        })
    }
}
