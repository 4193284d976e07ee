//! The probe as a CGI program (RFC 3875).

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use nix::sys::signal::{Signal, raise};
use probe::cgi::{self, Ending, Streams};
use probe::command::latin1;
use probe::{Interface, Report};

fn main() -> ExitCode {
    let streams = Streams {
        stdin: io::stdin().lock(),
        stdout: io::BufWriter::with_capacity(64 * 1024, io::stdout().lock()),
        stderr: io::stderr().lock(),
    };
    match cgi::run(request(), streams) {
        // the low byte is what a process can say
        Ok(Ending::Exit(status)) => ExitCode::from(status as u8),
        Ok(Ending::Killed) => killed(),
        Err(error) => {
            // nobody may be left to read it
            let _ = writeln!(io::stderr(), "gatebench-probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn request() -> Report {
    let environ: Vec<_> = std::env::vars_os().collect();
    let pairs = environ
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let argv = std::env::args_os().map(|word| latin1(word.as_bytes()));
    let cwd = std::env::current_dir().ok();
    Report {
        argv: Some(argv.collect()),
        cwd: cwd.map(|path| latin1(path.as_os_str().as_bytes())),
        ..Report::new(Interface::Cgi, pairs)
    }
}

/// Dies as a crashed program does: at once, by a signal that cannot be caught.
fn killed() -> ExitCode {
    match raise(Signal::SIGKILL) {
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "gatebench-probe: cannot kill itself: {error}");
            ExitCode::FAILURE
        }
    }
}
