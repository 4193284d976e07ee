//! Configuration as uWSGI 2.0.31 gathers it (`uwsgi_setup`, `core/config.c`), before any value is
//! looked at.
//!
//! ```text
//! UWSGI_… ──▶ command line ──▶ files named without an option ──▶ $(ENV) ──▶ @(file) ──▶ %(option)
//!             with `ini`, `include`, `if-…`, `for-…` done where they stand
//! ```
//!
//! Everything is appended to one list. An option that takes one value has the last one;
//! `%(name)` is the first one.

mod block;
mod expand;
mod format;
mod load;
mod magic;
mod sort;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use super::error::OptionError;
use super::finding::Finding;
use super::given::{Gathered, Origin};
use block::Block;
use format::Format;
use magic::Magic;

/// One option as it was met, known or not.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exported {
    key: String,
    /// `None` for an option of the command line that stood alone.
    value: Option<String>,
    origin: Origin,
    /// Whether it did its work when it was met: placeholders in it stay as they are.
    settled: bool,
    /// Whether it was made with `set-placeholder`.
    placeholder: bool,
}

/// Gathers options in the order in which they are added.
pub(super) struct Reader {
    environment: BTreeMap<String, String>,
    exported: Vec<Exported>,
    magic: Magic,
    block: Option<Block>,
    /// Whether what is added comes out of a block, which it must not be put into again.
    in_block: bool,
    /// The ini file that `ini = :section` means.
    last_ini: String,
    depth: usize,
    /// Names that placeholders and conditions asked for.
    used: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Reader {
    /// A reader that has the options of the environment.
    ///
    /// # Errors
    /// Those of [`Self::add`].
    pub(super) fn new(
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, OptionError> {
        let mut reader = Self {
            environment: environment.into_iter().collect(),
            exported: Vec::new(),
            magic: Magic::new(),
            block: None,
            in_block: false,
            last_ini: String::new(),
            depth: 0,
            used: BTreeSet::new(),
            findings: Vec::new(),
        };
        for (name, value) in super::env::options(&reader.environment) {
            reader.add(&name, Some(value), &Origin::Environment)?;
        }
        Ok(reader)
    }

    /// Adds an option, through the `if-…` or `for-…` block that is open.
    ///
    /// # Errors
    /// A file that it names and that cannot be read, or a block within a block.
    pub(super) fn add(
        &mut self,
        key: &str,
        value: Option<String>,
        origin: &Origin,
    ) -> Result<(), OptionError> {
        if !self.in_block {
            if block::is_end(key) {
                self.block = None;
            } else if let Some(block) = self.block.clone() {
                let values = block.values(value, self)?;
                self.in_block = true;
                let added = values
                    .into_iter()
                    .try_for_each(|value| self.export(key, value, origin));
                self.in_block = false;
                return added;
            }
        }
        self.export(key, value, origin)
    }

    /// Puts an option on the list, and does at once what cannot wait.
    fn export(
        &mut self,
        key: &str,
        value: Option<String>,
        origin: &Origin,
    ) -> Result<(), OptionError> {
        let text = value.clone().unwrap_or_default();
        let immediate = is_immediate(key) || block::is_block(key);
        self.push(key, value, origin, immediate);
        match key {
            "set" => self.set(&text, origin, false),
            "set-placeholder" | "set-ph" => self.set(&text, origin, true),
            "include" | "config" => self.load_any(&text, origin),
            "else" => {
                self.find(origin, "else", "uWSGI 2.0 has no `else`: it is left out, and the lines below it belong to the same block".to_owned());
                Ok(())
            }
            _ if block::is_block(key) => self.open_block(key, text, origin),
            _ => match Format::of_option(key) {
                Some(format) => self.load(format, &text, origin),
                None => Ok(()),
            },
        }
    }

    fn push(&mut self, key: &str, value: Option<String>, origin: &Origin, settled: bool) {
        self.exported.push(Exported {
            key: key.to_owned(),
            value,
            origin: origin.clone(),
            settled,
            placeholder: false,
        });
    }

    /// `set = name=value` and `set-placeholder = name=value`.
    fn set(&mut self, text: &str, origin: &Origin, placeholder: bool) -> Result<(), OptionError> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(OptionError::NotAPair {
                value: text.to_owned(),
                origin: origin.clone(),
            });
        };
        if !placeholder {
            return self.add(name, Some(value.to_owned()), origin);
        }
        if super::table::find(name).is_some() || super::foreign::find(name).is_some() {
            return Err(OptionError::PlaceholderIsOption {
                name: name.to_owned(),
                origin: origin.clone(),
            });
        }
        self.push(name, Some(value.to_owned()), origin, true);
        if let Some(last) = self.exported.last_mut() {
            last.placeholder = true;
        }
        Ok(())
    }

    fn open_block(&mut self, key: &str, text: String, origin: &Origin) -> Result<(), OptionError> {
        if self.block.is_some() {
            return Err(OptionError::BlockInBlock {
                name: key.to_owned(),
                origin: origin.clone(),
            });
        }
        self.block = Some(Block::open(key, text, origin)?);
        Ok(())
    }

    /// The first value of an option.
    fn first(&self, key: &str) -> Option<&str> {
        let exported = self.exported.iter().find(|exported| exported.key == key)?;
        exported.value.as_deref()
    }

    fn find(&mut self, origin: &Origin, option: &str, says: String) {
        self.findings.push(Finding::warning(origin, option, says));
    }

    /// Fills in the placeholders and sorts everything by what it is.
    ///
    /// # Errors
    /// `@(file)` that cannot be read, or placeholders that never end.
    pub(super) fn finish(mut self) -> Result<Gathered, OptionError> {
        self.expand_from(0)?;
        self.inherit()?;
        Ok(sort::sort(self))
    }

    /// `inherit` files come last, when everything else is known.
    fn inherit(&mut self) -> Result<(), OptionError> {
        let files: Vec<_> = self
            .exported
            .iter()
            .filter(|exported| exported.key == "inherit")
            .map(|exported| {
                (
                    exported.value.clone().unwrap_or_default(),
                    exported.origin.clone(),
                )
            })
            .collect();
        let first = self.exported.len();
        for (file, origin) in files {
            self.load_any(&file, &origin)?;
        }
        self.expand_from(first)
    }
}

/// Options that uWSGI obeys before it fills in placeholders.
fn is_immediate(key: &str) -> bool {
    matches!(
        key,
        "set" | "set-placeholder" | "set-ph" | "include" | "config" | "strict"
    ) || Format::of_option(key).is_some()
}

#[cfg(test)]
mod tests;
