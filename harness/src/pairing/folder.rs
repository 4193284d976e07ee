//! What the run folder of a pairing holds, and where it listens.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::StartError;
use crate::{gateways::CGI_BIN, launch, scenario::NPH};

pub(crate) fn preparing(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError::Prepare { what, error }
}

/// Copies the probe to where CGI programs live: a link would lead out of the folder.
pub(crate) fn scripts(run: &Path, probe: &Path) -> io::Result<()> {
    let folder = run.join(CGI_BIN);
    launch::make_folders(run, Path::new(CGI_BIN))?;
    for name in ["probe".to_owned(), format!("{NPH}probe")] {
        place(probe, &folder.join(name))?;
    }
    // A newly made file may not be executed; this one may, but by nobody who is there.
    fs::write(folder.join("not-executable"), "#!/bin/sh\necho gatebench\n")?;
    let script = folder.join("bad-interpreter");
    fs::write(&script, "#!/nonexistent/gatebench-interpreter\n")?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
}

/// Puts a program into the run folder, where a gateway's user may execute it.
pub(super) fn place(program: &Path, at: &Path) -> io::Result<()> {
    match fs::hard_link(program, at) {
        Ok(()) => Ok(()),
        Err(_) => fs::copy(program, at).map(drop),
    }
}

/// A port of 127.0.0.1 that nobody listens at in this moment.
pub(crate) fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

pub(super) fn is_free(at: SocketAddr) -> bool {
    TcpListener::bind(at).is_ok()
}
