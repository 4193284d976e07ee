//! Doing what a hook says.

use std::fs::{File, OpenOptions, Permissions, set_permissions};
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use nix::libc::{ENODEV, ENXIO, O_NONBLOCK};

use super::action::Action;
use crate::log;
use crate::system::{command, environment};

/// How long `wait_for_…` waits, as in uWSGI.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Does it; what goes wrong is told as a reason.
pub(super) fn perform(action: &Action) -> Result<(), String> {
    match action {
        Action::Exec(text) => exec(text),
        Action::SafeExec(text) => {
            let _ = exec(text);
            Ok(())
        }
        Action::Print(text) => {
            log::tell(text);
            Ok(())
        }
        Action::Putenv(name, value) => {
            environment::change(&[(name.clone(), value.clone())]);
            Ok(())
        }
        // The master looks for it when it hears a signal.
        Action::UnixSignal(..) => Ok(()),
        Action::Exit(code) => std::process::exit(*code),
        Action::WaitFor(path) => wait(&format!("{}", path.display()), || path.exists()),
        Action::WaitForSocket(address) => wait(address, || answers(address)),
        Action::Hostname(name) => nix::unistd::sethostname(name).map_err(|error| error.to_string()),
        file => on_file(file).map_err(|error| error.to_string()),
    }
}

fn exec(text: &str) -> Result<(), String> {
    let code = command::run(text).map_err(|error| format!("/bin/sh cannot be run: {error}"))?;
    if code == 0 {
        return Ok(());
    }
    log::tell(&format!(
        "command \"{text}\" exited with non-zero code: {code}"
    ));
    Err(format!("the command exited with {code}"))
}

fn on_file(action: &Action) -> io::Result<()> {
    match action {
        Action::Chdir(folder) => std::env::set_current_dir(folder),
        Action::Mkdir(folder) => std::fs::create_dir(folder),
        Action::Write { file, text, append } => {
            let mut options = OpenOptions::new();
            let options = options.create(true).append(*append).write(true);
            let mut file = options.truncate(!append).open(file)?;
            file.write_all(text.as_bytes())
        }
        Action::WriteFifo { file, text } => write_fifo(file, text),
        Action::Create(file) => File::create(file).map(drop),
        Action::Touch(file) => {
            let file = OpenOptions::new().create(true).append(true).open(file)?;
            file.set_modified(SystemTime::now())
        }
        Action::Unlink(file) => std::fs::remove_file(file),
        Action::Chmod(file, mode) => set_permissions(file, Permissions::from_mode(*mode)),
        Action::Chown(file, uid, gid) => {
            std::os::unix::fs::chown(file, Some(uid.as_raw()), Some(gid.as_raw()))
        }
        Action::Sticky(file) => {
            let mode = file.metadata()?.permissions().mode();
            set_permissions(file, Permissions::from_mode(mode | 0o1000))
        }
        _ => Ok(()),
    }
}

/// A fifo without a reader is left alone, as in uWSGI.
fn write_fifo(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    match options.write(true).custom_flags(O_NONBLOCK).open(file) {
        Ok(mut fifo) => fifo.write_all(text.as_bytes()),
        Err(error) if matches!(error.raw_os_error(), Some(ENXIO | ENODEV)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn wait(what: &str, there: impl Fn() -> bool) -> Result<(), String> {
    log::tell(&format!(
        "waiting for {what} (max {} seconds) ...",
        PATIENCE.as_secs()
    ));
    let deadline = Instant::now() + PATIENCE;
    while !there() {
        if Instant::now() > deadline {
            return Err(format!(
                "{what} is not there after {} seconds",
                PATIENCE.as_secs()
            ));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn answers(address: &str) -> bool {
    match address.contains(':') {
        true => TcpStream::connect(address).is_ok(),
        false => UnixStream::connect(address).is_ok(),
    }
}
