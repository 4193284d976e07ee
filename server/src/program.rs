//! What a program of this server does with its options before it serves.

use std::io::Write;
use std::path::PathBuf;

use crate::options::{self, Gathered, Settings, Wanted};
use crate::system;

/// The file that this program was called by, its links not followed: a reload follows them anew, to
/// what may be another version by then. `None` if the name that it was given names no such file.
pub fn called_by() -> Option<PathBuf> {
    let name = PathBuf::from(std::env::args_os().next()?);
    let runs = std::env::current_exe().ok()?.canonicalize().ok()?;
    let folders = match name.components().count() {
        // A bare name was looked for; any other counts from the folder that this is.
        1 if !name.has_root() => std::env::var_os("PATH").unwrap_or_default(),
        _ => ".".into(),
    };
    let places = std::env::split_paths(&folders).map(|folder| folder.join(&name));
    let mut places = places.filter_map(|place| std::path::absolute(place).ok());
    places.find(|place| place.canonicalize().is_ok_and(|file| file == runs))
}

/// Reads the options, answers what they ask to be printed, and has `serve` do the rest. `arguments`
/// begin with the program's name. Returns the exit code.
///
/// # Errors
/// Options that cannot be used, output that cannot be written, or what `serve` says.
pub fn start(
    arguments: impl IntoIterator<Item = String>,
    serve: impl FnOnce(&Settings, Gathered) -> anyhow::Result<u8>,
) -> anyhow::Result<u8> {
    let environment = system::environment::of_the_start();
    let variables = environment.clone().into_iter();
    let variables = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    match options::load(arguments, variables)? {
        Wanted::Print(text) => {
            std::io::stdout().write_all(&text)?;
            Ok(0)
        }
        Wanted::Checked { report, starts } => {
            // In colour on a terminal alone.
            write!(anstream::stdout(), "{report}")?;
            Ok(u8::from(!starts))
        }
        Wanted::Serve(mut settings, given) => {
            settings.environment = environment;
            for warning in &settings.warnings {
                eprintln!("gateserve: warning: {warning}");
            }
            for notice in &settings.notices {
                eprintln!("gateserve: {notice}");
            }
            for line in &settings.prints {
                println!("{line}");
            }
            if settings.show_config {
                eprint!("{}", options::listing(&given));
            }
            // An interpreter reads the environment once, when it starts.
            system::environment::change(&settings.system.environment);
            serve(&settings, given)
        }
    }
}
