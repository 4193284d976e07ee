//! nginx from the machine, in front of a server under test.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::PATIENCE;

/// An nginx that runs until it is dropped.
pub struct Nginx {
    child: Child,
}

impl Nginx {
    /// Starts with the contents of an `http` block; `socket` is one that it listens on. `None` where
    /// there is no nginx.
    #[track_caller]
    pub fn start(folder: &Path, http: &str, socket: &Path) -> Option<Self> {
        let place = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {place}/{name};\n"))
            .collect();
        let text = format!(
            "daemon off; master_process off; worker_processes 1;\n\
             pid {place}/nginx.pid; error_log {place}/nginx.log;\n\
             events {{}}\nhttp {{\naccess_log off;\n{temporary}{http}\n}}\n"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, text).expect("a file can be written");
        let child = Command::new(program()?)
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let nginx = Self { child };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(socket).is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Some(nginx)
    }
}

impl Nginx {
    /// Ends it.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop();
    }
}

/// It is not on every user's path.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders
        .map(|folder| folder.join("nginx"))
        .find(|program| program.is_file())
}
