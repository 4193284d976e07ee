//! Actions of hooks, read from `ACTION:ARG`.

use std::path::PathBuf;

use nix::sys::signal::Signal;
use nix::unistd::{Gid, Group, Uid, User};

/// uWSGI's actions that need uWSGI's own code or rights that a server should not have.
pub const UNSUPPORTED: [&str; 9] = [
    "call",
    "callret",
    "callint",
    "callintret",
    "rpc",
    "retryrpc",
    "alarm",
    "mount",
    "umount",
];

/// What a hook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Runs a shell command, which must succeed.
    Exec(String),
    /// Runs a shell command, whatever comes of it.
    SafeExec(String),
    /// Changes the folder of the process.
    Chdir(PathBuf),
    /// Makes a folder.
    Mkdir(PathBuf),
    /// Sets a variable, or removes it.
    Putenv(String, Option<String>),
    /// Writes a line to the log.
    Print(String),
    /// Writes a text to a file, in place of what it holds or behind it.
    Write {
        /// Which file.
        file: PathBuf,
        /// The whole text, with the newline that `writen` and `appendn` add.
        text: String,
        /// Whether what the file holds is kept.
        append: bool,
    },
    /// Writes a text to a fifo, if somebody reads there.
    WriteFifo {
        /// Which fifo.
        file: PathBuf,
        /// The text.
        text: String,
    },
    /// Makes a file, or empties it.
    Create(PathBuf),
    /// Makes a file if it is not there, and gives it the present time.
    Touch(PathBuf),
    /// Removes a file.
    Unlink(PathBuf),
    /// Sets permissions.
    Chmod(PathBuf, u32),
    /// Sets owner and group.
    Chown(PathBuf, Uid, Gid),
    /// Sets the sticky bit.
    Sticky(PathBuf),
    /// Sets the name of the machine.
    Hostname(String),
    /// Waits until a path exists.
    WaitFor(PathBuf),
    /// Waits until something accepts connections there.
    WaitForSocket(String),
    /// Gives a signal to the master the meaning of another.
    UnixSignal(Signal, Signal),
    /// Ends the process.
    Exit(i32),
}

impl Action {
    /// Reads `ACTION:ARG`; `None` if there is no such action, or its argument is not what it needs.
    pub fn read(text: &str) -> Option<Self> {
        let (name, arg) = text.split_once(':')?;
        Some(match name {
            "exec" => Self::Exec(arg.into()),
            "safeexec" => Self::SafeExec(arg.into()),
            "chdir" | "cd" => Self::Chdir(arg.into()),
            "mkdir" => Self::Mkdir(arg.into()),
            "putenv" | "setenv" => match arg.split_once('=') {
                Some((name, value)) => Self::Putenv(name.into(), Some(value.into())),
                None => Self::Putenv(arg.into(), None),
            },
            "print" | "log" => Self::Print(arg.into()),
            "write" => write(arg, "", false)?,
            "writen" => write(arg, "\n", false)?,
            "append" => write(arg, "", true)?,
            "appendn" => write(arg, "\n", true).unwrap_or_else(|| newline(arg)),
            "writefifo" => {
                let (file, text) = arg.split_once(' ')?;
                Self::WriteFifo {
                    file: file.into(),
                    text: text.into(),
                }
            }
            "create" | "creat" => Self::Create(arg.into()),
            "touch" => Self::Touch(arg.into()),
            "unlink" => Self::Unlink(arg.into()),
            "chmod" => {
                let (file, mode) = arg.split_once(' ')?;
                let mode = u32::from_str_radix(mode, 8).ok()?;
                Self::Chmod(file.into(), mode)
            }
            "chown" | "chown2" => chown(arg)?,
            "sticky" => Self::Sticky(arg.into()),
            "hostname" => Self::Hostname(arg.into()),
            "wait_for_fs" | "wait_for_file" | "wait_for_dir" => Self::WaitFor(arg.into()),
            "wait_for_socket" => Self::WaitForSocket(arg.into()),
            "unix_signal" => {
                let (number, function) = arg.split_once(' ')?;
                let signal = Signal::try_from(number.parse::<i32>().ok()?).ok()?;
                Self::UnixSignal(signal, meaning(function)?)
            }
            "exit" => Self::Exit(arg.parse().unwrap_or_default()),
            _ => return None,
        })
    }
}

fn write(arg: &str, end: &str, append: bool) -> Option<Action> {
    let (file, text) = arg.split_once(' ')?;
    Some(Action::Write {
        file: file.into(),
        text: text.to_owned() + end,
        append,
    })
}

/// `appendn` with a file alone.
fn newline(file: &str) -> Action {
    Action::Write {
        file: file.into(),
        text: "\n".into(),
        append: true,
    }
}

/// `FILE USER GROUP`, by name or number.
fn chown(arg: &str) -> Option<Action> {
    let mut words = arg.splitn(3, ' ');
    let (file, user, group) = (words.next()?, words.next()?, words.next()?);
    let uid = match user.parse() {
        Ok(number) => Uid::from_raw(number),
        Err(_) => User::from_name(user).ok()??.uid,
    };
    let gid = match group.parse() {
        Ok(number) => Gid::from_raw(number),
        Err(_) => Group::from_name(group).ok()??.gid,
    };
    Some(Action::Chown(file.into(), uid, gid))
}

/// The signal that has by itself the meaning of a function of uWSGI's master, the only ones that
/// its users bind.
fn meaning(function: &str) -> Option<Signal> {
    Some(match function.trim() {
        "gracefully_kill_them_all" => Signal::SIGTERM,
        "kill_them_all" => Signal::SIGQUIT,
        "grace_them_all" => Signal::SIGHUP,
        "stats" => Signal::SIGUSR1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_and_its_argument_are_split_at_the_first_colon() {
        assert_eq!(
            Action::read("exec:echo a:b"),
            Some(Action::Exec("echo a:b".into()))
        );
        assert_eq!(
            Action::read("chmod:/tmp/x y 644"),
            None,
            "the mode follows the first space"
        );
        assert_eq!(
            Action::read("chmod:/tmp/x 640"),
            Some(Action::Chmod("/tmp/x".into(), 0o640))
        );
    }

    #[test]
    fn texts_are_written_whole() {
        let write = |file: &str, text: &str, append| Action::Write {
            file: file.into(),
            text: text.into(),
            append,
        };
        assert_eq!(
            Action::read("write:/f a b"),
            Some(write("/f", "a b", false))
        );
        assert_eq!(Action::read("appendn:/f a"), Some(write("/f", "a\n", true)));
        assert_eq!(Action::read("appendn:/f"), Some(write("/f", "\n", true)));
        assert_eq!(Action::read("append:/f"), None);
    }

    #[test]
    fn the_recipe_that_drains_on_term_is_known() {
        assert_eq!(
            Action::read("unix_signal:15 gracefully_kill_them_all"),
            Some(Action::UnixSignal(Signal::SIGTERM, Signal::SIGTERM))
        );
        assert_eq!(Action::read("unix_signal:15 uwsgi_no_such"), None);
    }

    #[test]
    fn what_needs_uwsgis_own_code_is_no_action() {
        for name in UNSUPPORTED {
            assert_eq!(Action::read(&format!("{name}:x y")), None, "{name}");
        }
    }
}
