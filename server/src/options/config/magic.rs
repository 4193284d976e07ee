//! The one-letter variables: `%p`, `%n`, `%k` and so on, replaced in the whole text of a file
//! before it is parsed.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::unistd::{Group, User, getgid, gethostname, getuid};

/// What each letter stands for. A letter that stands for nothing disappears with its sign, as in
/// uWSGI.
pub(super) struct Magic {
    letters: BTreeMap<char, String>,
    host: String,
    /// Whether the capital letters, which tell of the first file, are set.
    capitals: bool,
}

/// A sign that disappeared from a text.
pub(super) struct Dropped {
    /// What followed the percent sign.
    pub(super) letter: char,
    /// Counted from 1.
    pub(super) line: usize,
}

impl Magic {
    pub(super) fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let folder = std::env::current_dir().unwrap_or_default();
        let host =
            gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into());
        let program = std::env::current_exe().unwrap_or_default();
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let (uid, gid) = (getuid(), getgid());
        let user = User::from_uid(uid).ok().flatten().map(|user| user.name);
        let group = Group::from_gid(gid).ok().flatten().map(|group| group.name);
        let letters = [
            ('%', "%".to_owned()),
            ('(', "%(".to_owned()),
            ('[', "\x1b".to_owned()),
            ('b', program.display().to_string()),
            ('v', folder.display().to_string()),
            ('h', host.clone()),
            ('t', now.as_secs().to_string()),
            ('T', now.as_micros().to_string()),
            ('V', env!("CARGO_PKG_VERSION").to_owned()),
            ('k', cpus.to_string()),
            ('u', uid.to_string()),
            ('U', user.unwrap_or_else(|| uid.to_string())),
            ('g', gid.to_string()),
            ('G', group.unwrap_or_else(|| gid.to_string())),
        ];
        Self {
            letters: letters.into(),
            host,
            capitals: false,
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Makes the letters tell of a file. `template`: leave the capitals alone, which happens for
    /// a file named without an option, and whatever is included.
    pub(super) fn tell_of(&mut self, file: &str, section: &str, template: bool) {
        self.set('o', file);
        self.set('x', section);
        if !file.is_empty() && file != "-" && !file.contains("://") {
            self.tell_of_path(file);
        }
        if !template && !self.capitals {
            for (capital, letter) in [
                ('O', 'o'),
                ('D', 'd'),
                ('S', 's'),
                ('P', 'p'),
                ('C', 'c'),
                ('E', 'e'),
                ('N', 'n'),
                ('X', 'x'),
                ('I', 'i'),
                ('J', 'j'),
            ] {
                let text = self.letters.get(&letter).cloned().unwrap_or_default();
                self.set(capital, &text);
            }
            self.capitals = true;
        }
    }

    fn tell_of_path(&mut self, file: &str) {
        let full = full_name(file);
        let (folder, name) = full.rsplit_once('/').unwrap_or(("", &full));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        self.set('p', &full);
        self.set('d', &format!("{folder}/"));
        self.set('s', name);
        self.set('n', stem);
        self.set('e', extension);
        self.set('c', folder.rsplit('/').next().unwrap_or_default());
        self.set('j', &hash(&full));
        if let Ok(about) = std::fs::symlink_metadata(&full) {
            self.set('i', &about.ino().to_string());
        }
        let mut parts = folder.split('/').filter(|part| !part.is_empty());
        for digit in '0'..='9' {
            self.set(digit, parts.next().unwrap_or_default());
        }
    }

    fn set(&mut self, letter: char, text: &str) {
        self.letters.insert(letter, text.to_owned());
    }

    /// The text with its letters replaced, and what disappeared from it.
    pub(super) fn substitute(&self, text: &str) -> (String, Vec<Dropped>) {
        let mut substituted = String::with_capacity(text.len());
        let (mut dropped, mut line) = (Vec::new(), 1);
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            line += usize::from(letter == '\n');
            if letter != '%' {
                substituted.push(letter);
                continue;
            }
            match letters.next() {
                // A sign at the very end disappears too.
                None => {}
                Some(letter) => match self.letters.get(&letter) {
                    Some(text) => substituted.push_str(text),
                    None => dropped.push(Dropped { letter, line }),
                },
            }
        }
        (substituted, dropped)
    }
}

/// The absolute name, links resolved unless the file itself is one.
fn full_name(file: &str) -> String {
    let path = Path::new(file);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let full = if path.is_symlink() {
        absolute
    } else {
        path.canonicalize().unwrap_or(absolute)
    };
    full.display().to_string()
}

/// uWSGI's hash of a name (`djb33x_hash`), as its four bytes in hexadecimal.
fn hash(name: &str) -> String {
    let hash = name.bytes().fold(5381_u32, |hash, byte| {
        hash.wrapping_shl(5).wrapping_add(hash) ^ u32::from(byte)
    });
    hash.to_ne_bytes()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect()
}
