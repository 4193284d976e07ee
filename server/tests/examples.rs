//! The files under `examples`, tried with the programs that read them.

use std::fs::read_to_string;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn example(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "examples", name]
        .iter()
        .collect()
}

fn is_there(program: &str, version: &str) -> bool {
    let mut command = Command::new(program);
    let command = command
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok()
}

#[test]
fn each_ini_file_is_accepted() {
    let folder = example("");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let inis: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|it| it == "ini"))
        .collect();
    assert!(inis.len() >= 3, "{inis:?}");
    for ini in inis {
        let output = Command::new(env!("CARGO_BIN_EXE_gateserve"))
            .arg("--check-config")
            .arg(&ini)
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8(told).unwrap();
        // Only what is not on this machine may be missing.
        let refusals = told.split_once("The server would not start:\n");
        let refusals = refusals.map_or("", |(_, refusals)| refusals);
        let refusals: Vec<_> = refusals
            .lines()
            .filter(|line| {
                !line.contains("there is no f") && !line.contains("no virtual environment")
            })
            .collect();
        assert!(refusals.is_empty(), "{}: {told}", ini.display());
        assert!(told.contains("Understood ("), "{}: {told}", ini.display());
        assert!(!told.contains("Not supported"), "{}: {told}", ini.display());
    }
}

#[test]
fn nginx_accepts_every_way_of_its_file() {
    if !is_there("nginx", "-v") {
        eprintln!("nginx_accepts_every_way_of_its_file is left out: there is no nginx");
        return;
    }
    let text = read_to_string(example("nginx.conf")).unwrap();
    // Each commented location as well, at a path of its own.
    let mut number = 0;
    let mut lines = Vec::new();
    for line in text.lines() {
        let code = match line.strip_prefix('#') {
            Some(code)
                if code.starts_with("location") || code.starts_with("    ") || code == "}" =>
            {
                code
            }
            Some(_) => continue,
            None => line,
        };
        if code.starts_with("location") {
            number += 1;
            lines.push(format!("location /way{number}/ {{"));
        } else if !["server unix", "keepalive"]
            .iter()
            .any(|it| code.trim().starts_with(it))
        {
            lines.push(code.to_owned());
        }
    }
    assert!(number >= 4, "{text}");
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("nginx.conf");
    let whole = format!(
        "pid {0}/pid; error_log stderr; events {{}}\n\
         http {{ access_log off; server {{ listen 127.0.0.1:1;\n{1}\n}} }}\n",
        folder.path().display(),
        lines.join("\n")
    );
    let whole = whole.replace("include ", "include /etc/nginx/");
    std::fs::write(&conf, whole).unwrap();
    let output = Command::new("nginx")
        .arg("-t")
        .arg("-c")
        .arg(&conf)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("syntax is ok"), "{told}");
}

#[test]
fn systemd_accepts_the_units() {
    if !is_there("systemd-analyze", "--version") {
        eprintln!("systemd_accepts_the_units is left out: there is no systemd-analyze");
        return;
    }
    // It wants the program to be there.
    let folder = tempfile::tempdir().unwrap();
    let units = ["gateserve.service", "gateserve.socket"].map(|name| {
        let text = read_to_string(example(name)).unwrap();
        let unit = folder.path().join(name);
        let program = env!("CARGO_BIN_EXE_gateserve");
        std::fs::write(&unit, text.replace("/usr/local/bin/gateserve", program)).unwrap();
        unit
    });
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .args(&units)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<_> = told
        .lines()
        .filter(|line| line.contains("gateserve.s"))
        .collect();
    assert!(ours.is_empty(), "{told}");
}
