//! Configuration files: `ini = FILE:SECTION` and its like, and files named without an option.

use std::sync::Arc;

use super::super::error::OptionError;
use super::super::finding::Finding;
use super::super::given::Origin;
use super::format::{Entry, Format, Trouble};
use super::magic::Dropped;
use super::{Reader, source};

/// How deep files may include each other.
const MAX_DEPTH: usize = 16;

impl Reader {
    /// A file named on the command line without an option.
    ///
    /// # Errors
    /// A name that is no configuration file's, or a file that cannot be read.
    pub(in crate::options) fn add_file(&mut self, name: &str) -> Result<(), OptionError> {
        // uWSGI: a mount point, which belongs to a plugin.
        if name.starts_with('[') {
            return Ok(());
        }
        let (file, _) = split(name);
        if Format::of_file(file).is_none() && !std::path::Path::new(file).is_file() {
            return Err(OptionError::Stray(name.to_owned()));
        }
        self.load_any(name, &Origin::CommandLine)
    }

    /// Reads a file in the format that its name tells; `ini` if it tells none.
    pub(super) fn load_any(&mut self, name: &str, origin: &Origin) -> Result<(), OptionError> {
        let name = self.placeholders_in(name)?;
        let format = Format::of_file(split(&name).0).unwrap_or(Format::Ini);
        self.load_as(format, &name, origin, true)
    }

    /// Reads a file in a format.
    pub(super) fn load(
        &mut self,
        format: Format,
        name: &str,
        origin: &Origin,
    ) -> Result<(), OptionError> {
        let name = self.placeholders_in(name)?;
        self.load_as(format, &name, origin, false)
    }

    /// uWSGI takes the name as it is written, so a placeholder in it would be a missing file.
    fn placeholders_in(&mut self, name: &str) -> Result<String, OptionError> {
        let has_placeholder = ["%(", "$(", "@("].iter().any(|mark| name.contains(mark));
        match self.exported.len().checked_sub(1) {
            Some(at) if has_placeholder => self.expand_now(name, at),
            _ => Ok(name.to_owned()),
        }
    }

    fn load_as(
        &mut self,
        format: Format,
        name: &str,
        origin: &Origin,
        template: bool,
    ) -> Result<(), OptionError> {
        if self.depth >= MAX_DEPTH {
            return Err(OptionError::TooDeep(MAX_DEPTH));
        }
        self.depth += 1;
        let loaded = self.read_in(format, name, origin, template);
        self.depth -= 1;
        loaded
    }

    fn read_in(
        &mut self,
        format: Format,
        name: &str,
        origin: &Origin,
        template: bool,
    ) -> Result<(), OptionError> {
        let (file, section) = split(name);
        let file = self.same_file(format, file);
        self.magic
            .tell_of(&file, section.unwrap_or_default(), template);
        let text = source::read(&file, origin)?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(text) => {
                let says = "begins with a byte order mark: uWSGI does not see the first line of such a file";
                self.find(origin, &file, says.to_owned());
                text
            }
            None => &text,
        };
        if format == Format::Ini {
            self.last_ini.clone_from(&file);
        }
        let path: Arc<str> = file.as_str().into();
        let (substituted, dropped) = self.magic.substitute(text);
        let section = section.unwrap_or("uwsgi");
        let read = format.parse(&substituted, section);
        let entries = read.map_err(|Trouble { line, what }| OptionError::Malformed {
            path: file.clone().into(),
            line,
            what,
        })?;
        if entries.is_empty() {
            let says =
                format!("Can't find section \"{section}\" in {format} configuration file {file}");
            self.find(origin, &file, says);
        }
        self.tell_dropped(&entries, dropped, &path);
        for entry in entries {
            let origin = Origin::File {
                path: Arc::clone(&path),
                line: entry.line,
            };
            if entry.quoted {
                let says = "uWSGI's own reader of YAML keeps the quotes around the value";
                let remark = Finding::remark(&origin, &entry.key, says.to_owned());
                self.findings.push(remark);
            }
            self.add(&entry.key, Some(entry.value), &origin)?;
        }
        Ok(())
    }

    /// `:section` is a section of the ini file read last.
    fn same_file(&self, format: Format, file: &str) -> String {
        if file.is_empty() && format == Format::Ini {
            self.last_ini.clone()
        } else {
            file.to_owned()
        }
    }

    /// What the letters took out of lines that count.
    fn tell_dropped(&mut self, entries: &[Entry], dropped: Vec<Dropped>, path: &Arc<str>) {
        for Dropped { letter, line } in dropped {
            let Some(entry) = entries.iter().find(|entry| entry.line == line) else {
                continue;
            };
            let origin = Origin::File {
                path: Arc::clone(path),
                line,
            };
            let letter = letter.escape_debug();
            let says =
                format!("`%{letter}` stands for nothing and disappears; `%%{letter}` keeps it");
            self.find(&origin, &entry.key, says);
        }
    }
}

/// `FILE:SECTION` in its parts. The colon of `exec://` is none of these.
fn split(name: &str) -> (&str, Option<&str>) {
    let after = match name.rfind('/') {
        Some(slash) if source::has_scheme(name) => slash,
        _ => 0,
    };
    match name[after..].rfind(':') {
        None => (name, None),
        Some(colon) => {
            let section = &name[after + colon + 1..];
            (
                &name[..after + colon],
                Some(section).filter(|section| !section.is_empty()),
            )
        }
    }
}
