//! Placeholders: `$(ENV)`, then `@(file)`, then `%(option)`, each over all options.

use super::super::error::OptionError;
use super::super::finding::Finding;
use super::super::values::leading_number;
use super::{Exported, Reader, source};

/// The most placeholders that one value may have filled in, and the longest that it may become:
/// more means that they name each other in a circle.
const MOST: usize = 1000;
const LONGEST: usize = 1 << 20;

impl Reader {
    /// Fills in the placeholders of the options from `first` on that wait for it.
    pub(super) fn expand_from(&mut self, first: usize) -> Result<(), OptionError> {
        for symbol in [b'$', b'@', b'%'] {
            for at in first..self.exported.len() {
                if self.exported[at].settled {
                    continue;
                }
                if let Some(value) = self.exported[at].value.clone() {
                    self.expand(symbol, value.clone(), at, true)?;
                    self.look_at_order(at, &value);
                }
            }
        }
        Ok(())
    }

    /// uWSGI reads a few options before it fills in placeholders.
    fn look_at_order(&mut self, at: usize, before: &str) {
        const EARLY: [&str; 5] = ["listen", "umask", "plugin", "plugins", "spooler-processes"];
        let Exported {
            key, value, origin, ..
        } = &self.exported[at];
        if EARLY.contains(&key.as_str()) && value.as_deref() != Some(before) {
            let says = format!(
                "uWSGI reads `{before}` as it is: `{key}` counts before placeholders are filled in"
            );
            self.findings.push(Finding::remark(origin, key, says));
        }
    }

    /// A text with all its placeholders filled in at once; `at` is the option that it belongs to.
    pub(super) fn expand_now(&mut self, text: &str, at: usize) -> Result<String, OptionError> {
        let mut text = text.to_owned();
        for symbol in [b'$', b'@', b'%'] {
            text = self.expand(symbol, text, at, false)?;
        }
        Ok(text)
    }

    /// One kind of placeholder in one value. `keep`: it is the value of the option at `at`, which
    /// may name itself and then finds what it has come to so far.
    fn expand(
        &mut self,
        symbol: u8,
        value: String,
        at: usize,
        keep: bool,
    ) -> Result<String, OptionError> {
        let mut value = value;
        let mut from = 0;
        for _ in 0..MOST {
            let Some((text, range)) = self.next_placeholder(symbol, &value, from, at)? else {
                return Ok(value);
            };
            value.replace_range(range, &text);
            if value.len() > LONGEST {
                break;
            }
            if keep {
                self.exported[at].value = Some(value.clone());
            }
            // uWSGI begins anew, but never looks at the first character again.
            from = 1;
        }
        let Exported { key, origin, .. } = self.exported[at].clone();
        Err(OptionError::Circle { name: key, origin })
    }

    /// The text of the next placeholder that stands for something, and where it is.
    ///
    /// This is uWSGI's scanner (`uwsgi_apply_config_pass`): a placeholder within a placeholder is
    /// found first, while a plain bracket within one is part of its name.
    fn next_placeholder(
        &mut self,
        symbol: u8,
        value: &str,
        from: usize,
        at: usize,
    ) -> Result<Option<(String, std::ops::Range<usize>)>, OptionError> {
        let mut state = State::Outside;
        for (place, byte) in value.bytes().enumerate().skip(from) {
            state = match (state, byte) {
                (_, byte) if byte == symbol => State::Symbol,
                (State::Symbol, b'(') => State::Name {
                    start: place + 1,
                    depth: 0,
                },
                (State::Name { start, depth }, b'(') => State::Name {
                    start,
                    depth: depth + 1,
                },
                (State::Name { start, depth }, b')') if depth > 0 => State::Name {
                    start,
                    depth: depth - 1,
                },
                (State::Name { start, .. }, b')') => {
                    let text = match &value[start..place] {
                        "" => None,
                        name => self.stands_for(symbol, name, at)?,
                    };
                    if let Some(text) = text {
                        return Ok(Some((text, start - 2..place + 1)));
                    }
                    State::Outside
                }
                (state @ State::Name { .. }, _) => state,
                _ => State::Outside,
            };
        }
        Ok(None)
    }

    fn stands_for(
        &mut self,
        symbol: u8,
        name: &str,
        at: usize,
    ) -> Result<Option<String>, OptionError> {
        match symbol {
            b'$' => Ok(self.environment.get(name).cloned()),
            b'@' => source::read(name, &self.exported[at].origin)
                .map(|text| Some(text.strip_suffix(['\n', '\r']).unwrap_or(&text).to_owned())),
            _ => Ok(self.option(name, at)),
        }
    }

    /// `%(name)`, or the sum of `%(name + 1)`.
    fn option(&mut self, name: &str, at: usize) -> Option<String> {
        if name.contains(' ') {
            let result = self.pipeline(name);
            self.look_at_sum(name, &result, at);
            return Some(result);
        }
        self.used.insert(name.to_owned());
        self.first(name).map(String::from)
    }

    /// uWSGI's arithmetic: strictly from left to right; what has no sign between is joined.
    fn pipeline(&mut self, text: &str) -> String {
        let mut current = String::new();
        let mut sign = "";
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            match token {
                "+" | "-" | "*" | "/" => sign = token,
                "++" | "--" => {
                    let step = if token == "++" { 1 } else { -1 };
                    current = leading_number(&current).wrapping_add(step).to_string();
                    sign = "";
                }
                _ => {
                    current = apply(sign, &current, &self.operand(token));
                    sign = "";
                }
            }
        }
        current
    }

    /// Tells where uWSGI's arithmetic differs from that of school.
    fn look_at_sum(&mut self, text: &str, result: &str, at: usize) {
        let tokens: Vec<_> = text.split(' ').collect();
        let place = |signs: [&str; 2]| tokens.iter().position(|token| signs.contains(token));
        let missing = tokens.iter().find(|token| {
            token.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && self.first(token).is_none()
        });
        let why = if text.contains('(') {
            "brackets within brackets are not understood".to_owned()
        } else if let Some(name) = missing {
            format!("there is no `{name}`")
        } else if matches!((place(["+", "-"]), place(["*", "/"])), (Some(sum), Some(product)) if sum < product)
        {
            "signs count from left to right".to_owned()
        } else {
            return;
        };
        let Exported { key, origin, .. } = self.exported[at].clone();
        self.find(
            &origin,
            &key,
            format!("`%({text})` comes to `{result}`: {why}"),
        );
    }

    /// A number itself, or the value of an option; nothing where there is no such option.
    fn operand(&mut self, token: &str) -> String {
        if token.bytes().all(|byte| byte.is_ascii_digit()) {
            return token.to_owned();
        }
        self.used.insert(token.to_owned());
        self.first(token).unwrap_or_default().to_owned()
    }
}

fn apply(sign: &str, left: &str, right: &str) -> String {
    let (a, b) = (leading_number(left), leading_number(right));
    let number = match sign {
        "+" => a.wrapping_add(b),
        "-" => a.wrapping_sub(b),
        "*" => a.wrapping_mul(b),
        "/" => a.checked_div(b).unwrap_or(0),
        _ => return format!("{left}{right}"),
    };
    number.to_string()
}

/// Where the scanner is.
#[derive(Clone, Copy)]
enum State {
    Outside,
    Symbol,
    Name { start: usize, depth: usize },
}
