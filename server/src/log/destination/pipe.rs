//! Messages for the standard input of a command: `pipe:COMMAND`.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

/// A command, started for the first message and anew after it has ended.
#[derive(Debug)]
pub(in super::super) struct Pipe {
    command: String,
    child: Option<Child>,
}

impl Pipe {
    pub(super) fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            child: None,
        }
    }

    pub(super) fn write(&mut self, message: &[u8]) -> io::Result<()> {
        let stopped = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        if self.child.as_mut().is_none_or(stopped) {
            self.child = Some(self.start()?);
        }
        let input = self.child.as_mut().and_then(|child| child.stdin.as_mut());
        input.map_or(Ok(()), |input| input.write_all(message))
    }

    fn start(&self) -> io::Result<Child> {
        Command::new("/bin/sh")
            .args(["-c", &format!("exec {}", self.command)])
            .stdin(Stdio::piped())
            .spawn()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It reads to the end of what was written.
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_what_is_written_and_is_started_anew() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let mut pipe = Pipe::new(&format!("head -n 1 >> {}", out.display()));
        pipe.write(b"one\n").unwrap();
        let mut first = pipe.child.take().unwrap();
        drop(first.stdin.take());
        first.wait().unwrap();
        pipe.write(b"two\n").unwrap();
        drop(pipe);
        assert_eq!(std::fs::read_to_string(out).unwrap(), "one\ntwo\n");
    }
}
