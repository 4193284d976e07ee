//! Static files.

use std::path::PathBuf;
use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Many, One};
use crate::options::opt::Topic::Files;
use crate::options::opt::{Opt, opt};
use crate::options::pattern::Pattern;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "static-map",
        Many("/URL=PATH"),
        Files,
        "Serve what lies below /URL from a folder, or /URL itself from a file; what is not there \
         goes to the application",
    ),
    opt(
        "static-map2",
        Many("/URL=FOLDER"),
        Files,
        "The same with the whole path, /URL included, below FOLDER",
    ),
    opt(
        "check-static",
        Many("FOLDER"),
        Files,
        "Look in FOLDER for a file of the request's path before the application is asked",
    )
    .aliases(&["static-check"]),
    opt(
        "check-static-docroot",
        Flag,
        Files,
        "Look in the DOCUMENT_ROOT that the gateway names too",
    ),
    opt(
        "static-index",
        Many("FILE"),
        Files,
        "File to look for where a path is a folder",
    ),
    opt(
        "static-skip-ext",
        Many(".EXT"),
        Files,
        "Leave paths and files that end in .EXT to the application",
    ),
    opt(
        "static-safe",
        Many("PATH"),
        Files,
        "Serve files below PATH although a symbolic link leads there, out of the folder mapped",
    ),
    opt(
        "static-gzip-all",
        Flag,
        Files,
        "Send FILE.br or FILE.gz in place of FILE where it exists and the client takes it",
    ),
    opt(
        "static-gzip",
        Many("REGEX"),
        Files,
        "The same for files whose path matches",
    ),
    opt(
        "static-gzip-dir",
        Many("PATH"),
        Files,
        "The same for files whose path begins with PATH",
    )
    .aliases(&["static-gzip-prefix"]),
    opt(
        "static-gzip-ext",
        Many(".EXT"),
        Files,
        "The same for files that end in .EXT",
    )
    .aliases(&["static-gzip-suffix"]),
    opt(
        "static-expires",
        Many("REGEX SECONDS"),
        Files,
        "Add Expires, so many seconds from now, to files whose path matches",
    ),
    opt(
        "static-expires-mtime",
        Many("REGEX SECONDS"),
        Files,
        "The same, counted from the file's last change",
    ),
    opt(
        "static-expires-uri",
        Many("REGEX SECONDS"),
        Files,
        "Add Expires where REQUEST_URI matches",
    ),
    opt(
        "static-expires-uri-mtime",
        Many("REGEX SECONDS"),
        Files,
        "The same, counted from the file's last change",
    ),
    opt(
        "static-expires-path-info",
        Many("REGEX SECONDS"),
        Files,
        "Add Expires where PATH_INFO matches",
    ),
    opt(
        "static-expires-path-info-mtime",
        Many("REGEX SECONDS"),
        Files,
        "The same, counted from the file's last change",
    ),
    opt(
        "static-expires-type",
        Many("TYPE=SECONDS"),
        Files,
        "Add Expires to files of a media type",
    ),
    opt(
        "static-expires-type-mtime",
        Many("TYPE=SECONDS"),
        Files,
        "The same, counted from the file's last change",
    ),
    opt(
        "static-cache-paths",
        One("SECONDS"),
        Files,
        "Accepted; paths are looked up anew, so that a new release shows at once",
    ),
    opt(
        "mimefile",
        Many("FILE"),
        Files,
        "Media types by file extension [default: /etc/mime.types, or a small list of its own]",
    )
    .aliases(&["mime-file"]),
    opt(
        "fileserve-mode",
        One("MODE"),
        Files,
        "Let the web server in front send the file: x-sendfile, or x-accel-redirect (nginx)",
    )
    .aliases(&["file-serve-mode"]),
    opt(
        "offload-threads",
        One("N"),
        Files,
        "Let so many threads of each worker send long files, so that they go on while an \
         application holds the worker [default: 0, the event loop sends them]",
    )
    .aliases(&["offload-thread"]),
    opt(
        "honour-range",
        Flag,
        Files,
        "Send part of a file where the client asks for it; always so here",
    ),
];

/// One `static-map`, `static-map2` or `check-static`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticMap {
    /// What the path begins with; empty for any.
    pub url: String,
    /// The folder or file.
    pub path: PathBuf,
    /// Whether `url` stays part of the path below the folder.
    pub keeps_url: bool,
}

/// What an Expires rule looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpiresOn {
    /// The file's path, links resolved.
    File(Pattern),
    /// `PATH_INFO`.
    PathInfo(Pattern),
    /// `REQUEST_URI`.
    Uri(Pattern),
    /// The media type, exactly.
    Type(String),
}

/// One `static-expires…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expires {
    /// Which files.
    pub on: ExpiresOn,
    /// After how long they expire.
    pub after: Duration,
    /// Whether that counts from the file's last change instead of from now.
    pub from_mtime: bool,
}

/// `fileserve-mode`: who sends the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileServeMode {
    /// This server.
    #[default]
    Own,
    /// nginx, told by `X-Accel-Redirect`.
    Accel,
    /// Apache and others, told by `X-Sendfile`.
    Sendfile,
}

/// Static files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSettings {
    /// Where to look, in order.
    pub maps: Vec<StaticMap>,
    /// `check-static-docroot`.
    pub docroot: bool,
    /// `static-index`.
    pub index: Vec<String>,
    /// `static-skip-ext`.
    pub skip_ext: Vec<String>,
    /// `static-safe`.
    pub safe: Vec<PathBuf>,
    /// `static-gzip-all`.
    pub gzip_all: bool,
    /// `static-gzip`.
    pub gzip: Vec<Pattern>,
    /// `static-gzip-dir`.
    pub gzip_dirs: Vec<String>,
    /// `static-gzip-ext`.
    pub gzip_ext: Vec<String>,
    /// `static-expires…`, in the order in which they are looked at.
    pub expires: Vec<Expires>,
    /// `mimefile`; empty for the default.
    pub mime_files: Vec<PathBuf>,
    /// `fileserve-mode`.
    pub mode: FileServeMode,
    /// `offload-threads`: threads of each worker that send files.
    pub offload_threads: u32,
}

impl FileSettings {
    /// Whether any file is to be served.
    pub fn is_used(&self) -> bool {
        !self.maps.is_empty() || self.docroot
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<FileSettings, OptionError> {
    gathered.flag("honour-range")?;
    Ok(FileSettings {
        maps: maps(gathered)?,
        docroot: gathered.flag("check-static-docroot")?,
        index: gathered.texts("static-index"),
        skip_ext: gathered.texts("static-skip-ext"),
        safe: gathered.paths("static-safe"),
        gzip_all: gathered.flag("static-gzip-all")?,
        gzip: gathered
            .all("static-gzip")
            .map(|given| Pattern::of(given, &given.value))
            .collect::<Result<_, _>>()?,
        gzip_dirs: gathered.texts("static-gzip-dir"),
        gzip_ext: gathered.texts("static-gzip-ext"),
        expires: expires(gathered)?,
        mime_files: gathered.paths("mimefile"),
        mode: gathered
            .last("fileserve-mode")
            .map_or(FileServeMode::Own, mode),
        offload_threads: gathered.number("offload-threads", 0, 0, 1024)?,
    })
}

/// uWSGI's order: `check-static` first, then `static-map`, then `static-map2`.
fn maps(gathered: &Gathered) -> Result<Vec<StaticMap>, OptionError> {
    let checks = gathered.all("check-static").map(|given| {
        Ok(StaticMap {
            url: String::new(),
            path: given.value.as_str().into(),
            keeps_url: true,
        })
    });
    let mapped = |keeps_url: bool| {
        move |given: &Given| {
            let pair = given.value.split_once('=');
            let (url, path) = pair.ok_or_else(|| given.refuse("/URL=PATH"))?;
            Ok(StaticMap {
                url: url.to_owned(),
                path: path.into(),
                keeps_url,
            })
        }
    };
    let maps = gathered.all("static-map").map(mapped(false));
    checks
        .chain(maps)
        .chain(gathered.all("static-map2").map(mapped(true)))
        .collect()
}

/// uWSGI's order: by file, by path, by URI, by type, and of each those that count from now first.
fn expires(gathered: &Gathered) -> Result<Vec<Expires>, OptionError> {
    type Looks = fn(Pattern) -> ExpiresOn;
    let kinds: [(&str, Looks); 3] = [
        ("static-expires", ExpiresOn::File),
        ("static-expires-path-info", ExpiresOn::PathInfo),
        ("static-expires-uri", ExpiresOn::Uri),
    ];
    let mut rules = Vec::new();
    for (name, on) in kinds {
        for (suffix, from_mtime) in [("", false), ("-mtime", true)] {
            for given in gathered.all(&format!("{name}{suffix}")) {
                let (regex, seconds) = given
                    .value
                    .split_once(' ')
                    .ok_or_else(|| given.refuse("a regular expression, a space and seconds"))?;
                rules.push(Expires {
                    on: on(Pattern::of(given, regex)?),
                    after: seconds_of(seconds),
                    from_mtime,
                });
            }
        }
    }
    for (name, from_mtime) in [
        ("static-expires-type", false),
        ("static-expires-type-mtime", true),
    ] {
        for (media_type, seconds) in gathered.pairs(name, "TYPE=SECONDS")? {
            rules.push(Expires {
                on: ExpiresOn::Type(media_type),
                after: seconds_of(&seconds),
                from_mtime,
            });
        }
    }
    Ok(rules)
}

/// The leading digits, as uWSGI reads it.
fn seconds_of(text: &str) -> Duration {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Duration::from_secs(text[..digits].parse::<u32>().unwrap_or(0).into())
}

/// What uWSGI does not know is no mode to it either.
fn mode(given: &Given) -> FileServeMode {
    match given.value.to_ascii_lowercase().as_str() {
        "x-sendfile" | "xsendfile" => FileServeMode::Sendfile,
        "x-accel-redirect" | "xaccelredirect" | "nginx" => FileServeMode::Accel,
        _ => FileServeMode::Own,
    }
}
