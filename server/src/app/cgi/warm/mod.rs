//! `cgi-mode=warm`: a process for each request as ever, but forked from an interpreter that is
//! already booted instead of executed.
//!
//! ```text
//! script ─▶ interpreter (#! or cgi-helper) ─▶ zygote, one for each boot environment
//!                                               │ packet: folder, words, environment, descriptors
//!                                               ▼
//!                                           zygote.py ─fork─▶ the script as __main__
//!                                               │ link: process, exit
//!                                               ▼
//!                                            Child, as if it had been executed
//! ```
//!
//! Whatever is not such a script, does not compile, or needs another boot runs by exec.

mod interpreter;
mod link;
mod zygote;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::rc::Rc;

use self::interpreter::Interpreter;
pub(super) use self::link::Link;
use self::link::Start;
use self::zygote::Zygote;
use super::child::Child;
use super::spawn::{Program, Stdio};
use super::strings::Strings;
use crate::log;

/// The most interpreters that a worker keeps; scripts that need one more run by exec.
const MOST: usize = 8;

/// The largest packet, well below what a socket takes; a larger request runs by exec.
const PACKET: usize = 100 * 1024;

/// The interpreters of a worker.
#[derive(Debug)]
pub(super) struct Warm {
    /// Modules, with commas between them.
    preload: String,
    /// Variables of every script's environment, which a module may look at while it is imported.
    fixed: Vec<String>,
    /// `None` for one that does not boot.
    zygotes: RefCell<HashMap<Key, Option<Rc<Zygote>>>>,
}

/// What one interpreter is good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    interpreter: Interpreter,
    /// The environment that it is booted with, as far as a boot depends on it.
    boot: Vec<Vec<u8>>,
}

impl Warm {
    pub(super) fn new(preload: &str, fixed: impl Iterator<Item = String>) -> Self {
        Self {
            preload: preload.to_owned(),
            fixed: fixed.collect(),
            zygotes: RefCell::default(),
        }
    }

    /// Starts a script, unless it has to run by exec. `program` is what exec would get.
    ///
    /// # Errors
    /// The interpreter ended when it had the request, which so may or may not have run.
    pub(super) async fn start(
        &self,
        script: &Path,
        folder: &[u8],
        program: &Program<'_>,
        stdio: Stdio<'_>,
    ) -> io::Result<Option<Child>> {
        let Some((key, packet)) = self.plan(script, folder, program) else {
            return Ok(None);
        };
        let Some((mut link, theirs)) = Link::pair().ok() else {
            return Ok(None);
        };
        let fds = [stdio.stdin, stdio.stdout, stdio.stderr].map(|fd| fd.as_raw_fd());
        let fds = [fds[0], fds[1], fds[2], theirs.as_raw_fd()];
        // An interpreter that has ended since its last request is replaced, once.
        for _ in 0..2 {
            let Some(zygote) = self.zygote(&key).await else {
                return Ok(None);
            };
            if zygote.send(&packet, fds).await.is_ok() {
                drop(theirs);
                return match link.start().await? {
                    Start::Process(pid) => Ok(Some(Child::warm(pid, link))),
                    Start::Exec => Ok(None),
                };
            }
            self.forget(&key, &zygote);
        }
        Ok(None)
    }

    fn plan(&self, script: &Path, folder: &[u8], program: &Program<'_>) -> Option<(Key, Vec<u8>)> {
        let is_script = program.argv.iter().next()? == path_bytes(script);
        let interpreter = if is_script {
            let path = program
                .environ
                .iter()
                .find_map(|it| it.strip_prefix(b"PATH="));
            Interpreter::of_script(script, path.unwrap_or_default())?
        } else {
            Interpreter::helper(Path::new(os_str(program.path.to_bytes())))?
        };
        let own = is_script.then_some(&interpreter.name[..]);
        let words: Vec<_> = own.into_iter().chain(program.argv.iter()).collect();
        let packet = packet(folder, &words, program.environ)?;
        let boot = program.environ.iter();
        let boot = boot.filter(|variable| self.is_for_boot(variable));
        let boot = boot.map(<[u8]>::to_vec).collect();
        Some((Key { interpreter, boot }, packet))
    }

    /// Whether an interpreter, its C library or a preloaded module may look at a variable when it
    /// starts, so that scripts with different values cannot share one.
    fn is_for_boot(&self, variable: &[u8]) -> bool {
        let name = variable.split(|&byte| byte == b'=').next();
        let name = name.unwrap_or_default();
        let families: [&[u8]; 7] = [
            b"PYTHON", b"PYENV", b"LC_", b"LD_", b"LANG", b"MALLOC_", b"GLIBC_",
        ];
        let families = families.iter().any(|family| name.starts_with(family));
        let others: [&[u8]; 4] = [b"PATH", b"HOME", b"TZ", b"VIRTUAL_ENV"];
        let others = others.contains(&name);
        families || others || self.fixed.iter().any(|fixed| fixed.as_bytes() == name)
    }

    /// The interpreter for this, started if need be; `None` if there is to be none.
    async fn zygote(&self, key: &Key) -> Option<Rc<Zygote>> {
        let known = self.zygotes.borrow().get(key).cloned();
        let zygote = match known {
            Some(known) => known?,
            None => self.boot(key)?,
        };
        if zygote.is_ready().await {
            return Some(zygote);
        }
        let failed = self.zygotes.borrow_mut().insert(key.clone(), None);
        if failed.is_some_and(|failed| failed.is_some()) {
            complain(key, "did not boot");
        }
        None
    }

    fn boot(&self, key: &Key) -> Option<Rc<Zygote>> {
        if self.zygotes.borrow().len() >= MOST {
            return None;
        }
        let mut environ = Strings::default();
        for variable in &key.boot {
            environ.push(&[variable]).ok()?;
        }
        let started = match key.interpreter.is_wrapped() {
            true => Err(io::Error::other("is a script itself")),
            false => Zygote::start(&key.interpreter, &environ, &self.preload),
        };
        if let Err(error) = &started {
            complain(key, &error.to_string());
        }
        let zygote = started.ok().map(Rc::new);
        self.zygotes
            .borrow_mut()
            .insert(key.clone(), zygote.clone());
        zygote
    }

    /// Makes room for a fresh interpreter, unless another request has done that already.
    fn forget(&self, key: &Key, ended: &Rc<Zygote>) {
        let mut zygotes = self.zygotes.borrow_mut();
        let is_it = |known: &Option<Rc<Zygote>>| {
            known.as_ref().is_some_and(|known| Rc::ptr_eq(known, ended))
        };
        if zygotes.get(key).is_some_and(is_it) {
            zygotes.remove(key);
            let file = key.interpreter.file.display();
            log::tell(&format!("the warm {file} has ended, starting another"));
        }
    }
}

fn complain(key: &Key, why: &str) {
    let file = key.interpreter.file.display();
    log::tell(&format!(
        "cgi-mode warm: {file} {why}; its scripts run by exec"
    ));
}

/// A request as `zygote.py` reads it, unless it is too large.
fn packet(folder: &[u8], words: &[&[u8]], environ: &Strings) -> Option<Vec<u8>> {
    let count = words.len().to_string();
    let head = [folder, count.as_bytes()];
    let strings = head.iter().copied().chain(words.iter().copied());
    let mut packet = Vec::with_capacity(4096);
    for string in strings.chain(environ.iter()) {
        packet.extend_from_slice(string);
        packet.push(0);
    }
    (packet.len() <= PACKET).then_some(packet)
}

fn path_bytes(path: &Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}

fn os_str(bytes: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}
