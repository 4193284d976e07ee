//! What the test programs of the bench share.

use std::{process::Command, sync::OnceLock};

/// Builds gateserve, its Python side and the probe beside the test programs: cargo builds no other package's
/// programs for an integration test.
pub(crate) fn build_programs() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(build);
}

fn build() {
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "-p",
            "gateserve",
            "-p",
            "gatebench-probe",
            "-p",
            "gateserve-python",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "gateserve and the probe do not build");
}
