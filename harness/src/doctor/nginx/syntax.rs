//! nginx's syntax: directives of words that end in `;` or open a block, with includes put in place.

use std::{
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
};

/// A directive, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The first word.
    pub name: String,
    /// The other words, without their quotes.
    pub args: Vec<String>,
    /// The file that it stands in.
    pub file: Rc<Path>,
    /// Its line, from 1.
    pub line: usize,
    /// What stands between its braces.
    pub block: Option<Block>,
}

impl Directive {
    /// The first argument, or nothing.
    pub fn arg(&self) -> &str {
        self.args.first().map_or("", String::as_str)
    }

    /// `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// Directives in order, those of included files in the place of the include.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block(pub Vec<Directive>);

impl Block {
    /// Every directive of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Directive> {
        self.0.iter().filter(move |one| one.name == name)
    }

    /// The last directive of a name.
    pub fn last(&self, name: &str) -> Option<&Directive> {
        self.0.iter().rev().find(|one| one.name == name)
    }

    /// The blocks inside of those directives, whatever stands between.
    pub fn inside<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.all(name).filter_map(|one| one.block.as_ref())
    }
}

/// Why a configuration cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// A file is missing or not to be read.
    #[error("cannot read {}: {error}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is not written as nginx wants it.
    #[error("{}:{line}: {what}", file.display())]
    Syntax {
        /// Where.
        file: PathBuf,
        /// Where in it.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A file includes itself.
    #[error("{} is included too deep: a file that includes itself", .0.display())]
    Deep(PathBuf),
}

/// Files inside of files.
const DEPTH: usize = 16;

/// Reads a file with all that it includes.
///
/// # Errors
/// It, or an included one, cannot be read or understood.
pub(super) fn read(file: &Path) -> Result<Block, Unread> {
    // Includes are relative to the folder of the file that nginx is started with.
    let folder = file.parent().unwrap_or_else(|| Path::new("")).to_owned();
    read_in(file, &folder, 0)
}

fn read_in(file: &Path, folder: &Path, depth: usize) -> Result<Block, Unread> {
    if depth > DEPTH {
        return Err(Unread::Deep(file.to_owned()));
    }
    let octets = fs::read(file).map_err(|error| Unread::File {
        file: file.to_owned(),
        error,
    })?;
    let text = String::from_utf8_lossy(&octets);
    let tokens = tokens(&text).map_err(|(line, what)| syntax(file, line, what))?;
    let reader = &mut Reader {
        file: file.into(),
        folder,
        depth,
        tokens: tokens.into_iter(),
        line: 1,
    };
    reader.block(true)
}

fn syntax(file: &Path, line: usize, what: &'static str) -> Unread {
    Unread::Syntax {
        file: file.to_owned(),
        line,
        what,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    End,
    Open,
    Close,
}

struct Reader<'a> {
    file: Rc<Path>,
    folder: &'a Path,
    depth: usize,
    tokens: std::vec::IntoIter<(usize, Token)>,
    line: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &'static str) -> Unread {
        syntax(&self.file, self.line, what)
    }

    fn block(&mut self, is_file: bool) -> Result<Block, Unread> {
        let mut block = Block::default();
        let mut words: Vec<(usize, String)> = Vec::new();
        while let Some((line, token)) = self.tokens.next() {
            self.line = line;
            match token {
                Token::Word(word) => words.push((line, word)),
                Token::End | Token::Open if words.is_empty() => {
                    return Err(self.wrong("a directive has no name"));
                }
                Token::End => {
                    let directive = self.directive(std::mem::take(&mut words), None);
                    match directive.name.as_str() {
                        "include" => block.0.extend(self.included(&directive)?),
                        _ => block.0.push(directive),
                    }
                }
                Token::Open => {
                    let own = std::mem::take(&mut words);
                    // Lua and the like stand in braces and are no directives.
                    let foreign = own[0].1.ends_with("_by_lua_block");
                    let inner = match foreign {
                        true => self.skip()?,
                        false => self.block(false)?,
                    };
                    block.0.push(self.directive(own, Some(inner)));
                }
                Token::Close if !words.is_empty() => {
                    return Err(self.wrong("a directive in front of `}` does not end in `;`"));
                }
                Token::Close if is_file => return Err(self.wrong("a `}` that nothing opened")),
                Token::Close => return Ok(block),
            }
        }
        match (is_file, words.is_empty()) {
            (true, true) => Ok(block),
            (_, false) => Err(self.wrong("the last directive does not end in `;`")),
            (false, true) => Err(self.wrong("a block is not closed: `}` is missing")),
        }
    }

    fn skip(&mut self) -> Result<Block, Unread> {
        let mut depth = 1;
        for (_, token) in self.tokens.by_ref() {
            match token {
                Token::Open => depth += 1,
                Token::Close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(Block::default());
            }
        }
        Err(self.wrong("a block is not closed: `}` is missing"))
    }

    fn directive(&self, words: Vec<(usize, String)>, block: Option<Block>) -> Directive {
        let line = words.first().map_or(self.line, |(line, _)| *line);
        let mut words = words.into_iter().map(|(_, word)| word);
        Directive {
            name: words.next().unwrap_or_default(),
            args: words.collect(),
            file: self.file.clone(),
            line,
            block,
        }
    }

    /// The directives of the files that an include names, in the order of their names.
    fn included(&self, include: &Directive) -> Result<Vec<Directive>, Unread> {
        let path = self.folder.join(include.arg());
        let mut all = Vec::new();
        for file in matching(&path) {
            all.extend(read_in(&file, self.folder, self.depth + 1)?.0);
        }
        Ok(all)
    }
}

/// The files that a path with `*` and `?` in its last part stands for. One without is there or not.
fn matching(path: &Path) -> Vec<PathBuf> {
    let pattern = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let Some(pattern) = pattern.filter(|name| name.contains(['*', '?', '['])) else {
        return vec![path.to_owned()];
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| fits(pattern.as_bytes(), name.as_bytes()) && !name.starts_with('.'))
        .map(|name| folder.join(name))
        .collect();
    files.sort();
    files
}

/// Whether a name fits a pattern of the shell, sets in brackets left out.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| fits(rest, &name[skip..])),
        ([b'?', rest @ ..], [_, others @ ..]) => fits(rest, others),
        ([one, rest @ ..], [other, others @ ..]) => one == other && fits(rest, others),
        _ => false,
    }
}

/// Words and signs, each with its line.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, (usize, &'static str)> {
    let mut all = Vec::new();
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() => {}
            '\u{feff}' => {}
            '#' => while chars.next_if(|it| *it != '\n').is_some() {},
            ';' => all.push((line, Token::End)),
            '{' => all.push((line, Token::Open)),
            '}' => all.push((line, Token::Close)),
            quote @ ('"' | '\'') => {
                let (begun, mut word) = (line, String::new());
                loop {
                    match chars.next() {
                        None => return Err((begun, "a quote is not closed")),
                        Some(c) if c == quote => break,
                        Some('\\') => match chars.next() {
                            Some(c) if c == quote || c == '\\' => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err((begun, "a quote is not closed")),
                        },
                        Some(c) => {
                            line += usize::from(c == '\n');
                            word.push(c);
                        }
                    }
                }
                all.push((begun, Token::Word(word)));
            }
            first => {
                let mut word = String::from(first);
                if first == '\\' {
                    word.extend(chars.next());
                }
                while let Some(&next) = chars.peek() {
                    // `${name}` is part of a word.
                    let in_braces = next == '{' && word.ends_with('$');
                    if (next.is_whitespace() || matches!(next, ';' | '{')) && !in_braces {
                        break;
                    }
                    chars.next();
                    word.push(next);
                    if next == '\\' {
                        word.extend(chars.next());
                    }
                    if in_braces {
                        while let Some(inner) = chars.next_if(|it| *it != '}') {
                            word.push(inner);
                        }
                    }
                }
                all.push((line, Token::Word(word)));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Block, Unread> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nginx.conf");
        fs::write(&file, text).unwrap();
        read(&file)
    }

    #[track_caller]
    fn words(text: &str) -> Vec<Vec<String>> {
        let line = |one: &Directive| [&[one.name.clone()][..], &one.args].concat();
        read_text(text).unwrap().0.iter().map(line).collect()
    }

    #[test]
    fn words_end_at_white_space_and_signs_unless_they_are_quoted() {
        assert_eq!(
            words("a b;c 'd e' \"f;g\" h\\ i; # j;\nk ${l}m;n \"o\\\"p\";"),
            [
                &["a", "b"][..],
                &["c", "d e", "f;g", "h\\ i"],
                &["k", "${l}m"],
                &["n", "o\"p"]
            ]
        );
        assert_eq!(
            words("fastcgi_split_path_info ^(.+?\\.php)(/.*)$;")[0][1],
            "^(.+?\\.php)(/.*)$"
        );
        assert_eq!(words("location ~ \"^/a{2,3}$\" { }")[0][2], "^/a{2,3}$");
    }

    #[test]
    fn blocks_hold_blocks_and_every_directive_knows_its_line() {
        let all = read_text("http {\n  server {\n    listen 80;\n  }\n}\n").unwrap();
        let server = all.inside("http").next().unwrap().last("server").unwrap();
        assert_eq!(server.line, 2);
        let listen = server.block.as_ref().unwrap().last("listen").unwrap();
        assert_eq!((listen.arg(), listen.line), ("80", 3));
        assert!(listen.place().ends_with("nginx.conf:3"));
    }

    #[test]
    fn an_include_stands_for_what_the_files_hold_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("nginx.conf", "a;\ninclude conf/*.conf;\nd;\n");
        fs::create_dir(folder.path().join("conf")).unwrap();
        write("conf/2.conf", "c;");
        write("conf/1.conf", "b;");
        write("conf/3.txt", "x;");
        let all = read(&folder.path().join("nginx.conf")).unwrap();
        let names: Vec<&str> = all.0.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        assert!(all.0[1].place().ends_with("conf/1.conf:1"));
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        for (text, told) in [
            ("a {\n b;\n", "nginx.conf:2: a block is not closed"),
            ("a;\n}\n", "nginx.conf:2: a `}` that nothing opened"),
            ("a\n{ b\n}", "nginx.conf:3: a directive in front of `}`"),
            ("a 'b;\n", "nginx.conf:1: a quote is not closed"),
            ("a", "does not end in `;`"),
            ("include no-such-file;", "no-such-file: No such file"),
            ("include nginx.conf;", "includes itself"),
        ] {
            let said = read_text(text).unwrap_err().to_string();
            assert!(said.contains(told), "{text:?}: {said}");
        }
    }

    #[test]
    fn whatever_stands_there_it_is_read_or_refused() {
        let pieces = [
            "a", ";", "{", "}", "'", "\"", "\\", "$", "{", "\n", "#", " ", "é",
        ];
        let mut random = 1_u64;
        for _ in 0..2000 {
            let mut text = String::new();
            for _ in 0..12 {
                random = random
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                text.push_str(pieces[(random >> 33) as usize % pieces.len()]);
            }
            let _ = tokens(&text);
        }
    }
}
