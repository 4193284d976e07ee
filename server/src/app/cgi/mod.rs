//! CGI/1.1: a process for each request (RFC 3875).
//!
//! ```text
//! request ─▶ script (path to file) ─▶ environment, argv ─▶ spawn ─▶ run ─▶ reply
//!                                                            │       ├─ stdio  body to the script
//!                                                            │       └─ output reply and error text
//!                                                            └─ child (killed, reaped)
//! ```
//!
//! It works alike behind HTTP and behind a gateway that speaks FastCGI, uwsgi or SCGI. A gateway
//! may name the file in `SCRIPT_FILENAME` (or as `DOCUMENT_ROOT` and `SCRIPT_NAME`), as for
//! fcgiwrap; that counts only if the file lies below a mounted folder, or where
//! `cgi-from-script-filename` trusts the gateway.
//!
//! A local redirect is answered here where an application has its path. Else it goes to the gateway
//! in front, who may have it.

mod admission;
mod argv;
mod child;
mod environment;
mod groups;
mod head;
mod hold;
mod named;
mod orphans;
mod output;
mod pidfd;
mod run;
mod script;
pub mod spawn;
mod stdio;
pub mod strings;
#[cfg(test)]
mod tests;
mod warm;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use nix::unistd::{AccessFlags, access};
use tokio::sync::SemaphorePermit;
use wire::environ::Environ;

use self::admission::{Admission, Full};
use self::environment::Extra;
pub(crate) use self::groups::keep_in;
use self::named::Anywhere;
pub(crate) use self::orphans::take_up as take_up_orphans;
use self::run::{Outcome, Run};
use self::script::{Mounted, NoScript, Rules, Script};
use self::spawn::Rights;
use self::strings::{HasNul, Strings};
use self::warm::Warm;
use super::redirect::{Origin, Redirect};
use super::{App, AppError, Mount, full_path, plain_reply, spool};
use crate::exchange::{Protocol, Reply, ReplyError, Request};
use crate::log;
use crate::options::{CgiMount, CgiSettings};

/// Why `--cgi` cannot be set up: the configuration's fault.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The mounted folder or file cannot be reached.
    #[error("cgi {}: {error}", .path.display())]
    Mount {
        /// As it was given.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A `cgi-helper` is not to be found.
    #[error("cgi-helper {0}: no such program on PATH")]
    Helper(String),
}

/// The folders and programs of all `--cgi` options, ready for the [`Router`](super::Router).
///
/// # Errors
/// A folder, program or interpreter that does not exist.
pub fn mounts(mounts: &[CgiMount], settings: &CgiSettings) -> Result<Vec<Mount>, SetupError> {
    let shared = Rc::new(Shared::new(mounts, settings)?);
    // An old kernel cannot; then scripts see what this server was started with.
    let _ = spawn::seal_descriptors();
    let app = |prefix: &str, place| {
        let app = CgiApp {
            shared: Rc::clone(&shared),
            place,
            rights: settings.rights_of(prefix),
            prefix: prefix.trim_end_matches('/').to_owned().into(),
        };
        Mount::new(prefix, Rc::new(app))
    };
    let mounted = mounts.iter().enumerate();
    let mut apps: Vec<_> = mounted
        .map(|(at, mount)| app(&mount.prefix, Place::Mount(at)))
        .collect();
    if settings.from_docroot {
        apps.push(app("", Place::DocumentRoot));
    }
    if settings.from_script_filename {
        apps.push(app("", Place::Anywhere(Anywhere::new(&settings.only))));
    }
    Ok(apps)
}

/// Where the programs of an application lie.
enum Place {
    /// Below the mounted folder of this number, or another one that the gateway names.
    Mount(usize),
    /// Below the folder that comes with the request.
    DocumentRoot,
    /// Where the gateway says.
    Anywhere(Anywhere),
}

/// One `--cgi` mount, or what stands for it.
struct CgiApp {
    shared: Rc<Shared>,
    place: Place,
    rights: Rights,
    prefix: Bytes,
}

/// What all mounts have in common.
struct Shared {
    mounted: Vec<Mounted>,
    rules: Rc<Rules>,
    /// Extension and interpreter.
    helpers: Vec<(String, PathBuf)>,
    extra: Extra,
    admission: Option<Admission>,
    settings: CgiSettings,
    /// `cgi-mode=warm`.
    warm: Option<Warm>,
}

impl Shared {
    fn new(mounts: &[CgiMount], settings: &CgiSettings) -> Result<Self, SetupError> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
        let helper = |(ending, name): &(String, String)| {
            let program = search(name, path.as_bytes());
            let program = program.ok_or_else(|| SetupError::Helper(name.clone()))?;
            Ok((ending.clone(), program))
        };
        let rules = Rc::new(rules(settings));
        let mounted = mounts.iter().map(|mount| mounted(&mount.path, &rules));
        let mut env = settings.env.clone();
        if settings.inherits_env {
            let given: Vec<_> = env.iter().map(|(name, _)| name.clone()).collect();
            let own = environment::inherited().into_iter();
            env.extend(own.filter(|(name, _)| !given.contains(name)));
        }
        let names = env.iter().map(|(name, _)| name.clone());
        let warm = settings.warm.as_ref();
        let warm = warm.map(|warm| Warm::new(&warm.preload, names));
        Ok(Self {
            rules: Rc::clone(&rules),
            mounted: mounted.collect::<Result<_, _>>()?,
            helpers: settings
                .helpers
                .iter()
                .map(helper)
                .collect::<Result<_, _>>()?,
            extra: Extra {
                path: Bytes::copy_from_slice(path.as_bytes()),
                env,
                unset: settings.unset.clone(),
            },
            admission: Admission::new(settings),
            settings: settings.clone(),
            warm,
        })
    }

    /// The interpreter for a script that is not to be executed itself.
    fn helper(&self, file: &Path) -> Option<&Path> {
        let name = file.as_os_str().as_bytes();
        let helper = self
            .helpers
            .iter()
            .find(|(ending, _)| name.ends_with(ending.as_bytes()))?;
        Some(&helper.1)
    }
}

/// What scripts get as `PATH` where this server has none itself.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn mounted(path: &Path, rules: &Rc<Rules>) -> Result<Mounted, SetupError> {
    let root = fs::canonicalize(path).map_err(|error| SetupError::Mount {
        path: path.into(),
        error,
    })?;
    Ok(Mounted {
        root,
        rules: Rc::clone(rules),
    })
}

fn rules(settings: &CgiSettings) -> Rules {
    let endings = settings.helpers.iter().map(|(ending, _)| ending.clone());
    let safe = settings
        .safe
        .iter()
        .filter_map(|it| fs::canonicalize(it).ok());
    Rules {
        index: settings.index.clone(),
        allowed_ext: settings.allowed_ext.clone(),
        helped_ext: endings.collect(),
        safe: safe.collect(),
    }
}

/// Finds a program as a shell does.
fn search(name: &str, path: &[u8]) -> Option<PathBuf> {
    let folders = path
        .split(|&byte| byte == b':')
        .filter(|folder| !folder.is_empty());
    let folders = folders.map(|folder| Path::new(OsStr::from_bytes(folder)));
    let is_program = |file: &PathBuf| file.is_file() && access(file, AccessFlags::X_OK).is_ok();
    match name.contains('/') {
        true => Some(PathBuf::from(name)).filter(is_program),
        false => folders.map(|folder| folder.join(name)).find(is_program),
    }
}

impl App for CgiApp {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        self.answer(request, reply).boxed_local()
    }

    fn has(&self, path: &Bytes) -> bool {
        match &self.place {
            Place::Mount(at) => self.shared.mounted[*at].find(&self.prefix, path).is_ok(),
            // What is there depends on what the gateway says of the path.
            Place::DocumentRoot | Place::Anywhere(_) => false,
        }
    }
}

impl CgiApp {
    async fn answer(&self, request: Request, reply: &mut Reply) -> Result<(), AppError> {
        let origin = Origin::of(&request);
        let mut environ = request.environ;
        let mut script = self
            .script(&environ, origin.protocol)
            .map_err(|reason| AppError::new(reason.status(), reason.to_string()))?;
        if self.shared.settings.keeps_path_info {
            script.path_info = environ.get("PATH_INFO").cloned().unwrap_or_default();
        }
        let announced = request.body.length();
        let body = spool::measured(request.body).await?;
        let counted = body
            .length()
            .filter(|&length| announced.is_none() && length > 0);
        environment::complete(&mut environ, &script, counted);
        let run = Prepared::new(&self.shared, &script, &environ)?;
        let _place = match self.place_among_others(reply).await? {
            Ok(place) => place,
            Err(full) => return busy(&full, reply).await,
        };
        match run
            .as_run(self, &script, origin.protocol)
            .serve(body, reply)
            .await?
        {
            Outcome::Redirect(head) => follow(&script, environ, head, origin, reply),
            Outcome::Answered | Outcome::NoHead(_) => Ok(()),
        }
    }

    /// Waits until the program may run; meanwhile the client may leave.
    async fn place_among_others(
        &self,
        reply: &Reply,
    ) -> Result<Result<Option<SemaphorePermit<'_>>, Full>, AppError> {
        let Some(admission) = &self.shared.admission else {
            return Ok(Ok(None));
        };
        tokio::select! {
            biased;
            place = admission.enter() => Ok(place.map(Some)),
            () = reply.closed() => Err(ReplyError::ClientGone.into()),
        }
    }

    fn script(&self, environ: &Environ, protocol: Protocol) -> Result<Script, NoScript> {
        match &self.place {
            Place::Mount(at) => self.mounted_script(&self.shared.mounted[*at], environ, protocol),
            Place::DocumentRoot => self.below_document_root(environ),
            Place::Anywhere(anywhere) => anywhere.find(environ, &self.shared.rules),
        }
    }

    /// uWSGI's `cgi-from-docroot`.
    fn below_document_root(&self, environ: &Environ) -> Result<Script, NoScript> {
        let root = environ
            .get("DOCUMENT_ROOT")
            .filter(|root| root.starts_with(b"/"));
        let root = Path::new(OsStr::from_bytes(root.ok_or(NoScript::Unnamed)?));
        let mounted = mounted(root, &self.shared.rules);
        let mounted = mounted.map_err(|_| NoScript::Missing(root.into()))?;
        mounted.find(&self.prefix, &full_path(environ))
    }

    /// The script for a request, by its path, or by the file that a gateway names. The split of the
    /// path is ours where both lead to the same file.
    fn mounted_script(
        &self,
        mounted: &Mounted,
        environ: &Environ,
        protocol: Protocol,
    ) -> Result<Script, NoScript> {
        let path = full_path(environ);
        let below = path.slice_ref(path.strip_prefix(&self.prefix[..]).unwrap_or(&path));
        let by_path = mounted.find(&self.prefix, &below);
        let file = match protocol {
            Protocol::Http => None,
            Protocol::Uwsgi | Protocol::FastCgi | Protocol::Scgi => named::file(environ),
        };
        let Some(file) = file else { return by_path };
        match (self.named(&file, environ), by_path) {
            (Ok(named), Ok(found)) if found.file == named.file => Ok(found),
            (Ok(named), _) => Ok(named),
            (Err(NoScript::Missing(_) | NoScript::Folder(_)), by_path) => by_path,
            (Err(_), Ok(found)) => Ok(found),
            (Err(reason), Err(_)) => Err(reason),
        }
    }

    /// The file named by a gateway, in whichever mounted folder it lies.
    fn named(&self, file: &Path, environ: &Environ) -> Result<Script, NoScript> {
        let part = |name| environ.get(name).cloned().unwrap_or_default();
        let (script_name, path_info) = (part("SCRIPT_NAME"), part("PATH_INFO"));
        let mut outcome = Err(NoScript::Outside(file.into()));
        for mounted in &self.shared.mounted {
            outcome = mounted.named(file, script_name.clone(), path_info.clone());
            if !matches!(outcome, Err(NoScript::Outside(_))) {
                break;
            }
        }
        outcome
    }
}

/// How long a client that finds no place is asked to stay away, in seconds.
const RETRY_AFTER: &str = "1";

async fn busy(full: &Full, reply: &mut Reply) -> Result<(), AppError> {
    log::fault(&full.to_string());
    let (head, text) = plain_reply(503);
    reply.head(head.with("Retry-After", RETRY_AFTER)).await?;
    Ok(reply.body(text.into()).await?)
}

/// The strings that `exec` takes.
struct Prepared<'a> {
    program: &'a Path,
    argv: Strings,
    environ: Strings,
}

impl<'a> Prepared<'a> {
    fn new(shared: &'a Shared, script: &'a Script, environ: &Environ) -> Result<Self, AppError> {
        let helper = shared.helper(&script.file);
        let argv = arguments(helper, script, environ);
        let strings = environment::strings(environ, &shared.extra);
        Ok(Self {
            program: helper.unwrap_or(&script.file),
            argv: argv.map_err(|fault| AppError::new(400, fault.to_string()))?,
            environ: strings
                .map_err(|fault| AppError::new(400, format!("gateway or client: {fault}")))?,
        })
    }

    fn as_run(&'a self, app: &'a CgiApp, script: &'a Script, protocol: Protocol) -> Run<'a> {
        let settings = &app.shared.settings;
        Run {
            script,
            program: self.program,
            argv: &self.argv,
            environ: &self.environ,
            timeout: settings.timeout,
            head_bytes: settings.head_bytes,
            protocol,
            stderr_to_log: settings.stderr_to_log,
            keeps_children: settings.keeps_children,
            rights: &app.rights,
            // A warm interpreter's children have its rights.
            warm: app
                .shared
                .warm
                .as_ref()
                .filter(|_| app.rights == Rights::default()),
        }
    }
}

fn arguments(helper: Option<&Path>, script: &Script, environ: &Environ) -> Result<Strings, HasNul> {
    let part = |name| environ.get(name).cloned().unwrap_or_default();
    let mut argv = Strings::default();
    for program in helper.into_iter().chain([script.file.as_path()]) {
        argv.push(&[program.as_os_str().as_bytes()])?;
    }
    for word in argv::words(&part("REQUEST_METHOD"), &part("QUERY_STRING")) {
        argv.push(&[&word])?;
    }
    Ok(argv)
}

fn follow(
    script: &Script,
    environ: Environ,
    head: wire::cgi::CgiHead,
    origin: Origin,
    reply: &mut Reply,
) -> Result<(), AppError> {
    let location = head.location().cloned().unwrap_or_default();
    let redirect = Redirect::new(environ, &location, origin, head).map_err(|fault| {
        let location = location.escape_ascii();
        AppError::new(
            502,
            format!(
                "CGI program {} sent Location {location}: {fault}",
                script.name()
            ),
        )
    })?;
    reply.redirect(redirect);
    Ok(())
}
