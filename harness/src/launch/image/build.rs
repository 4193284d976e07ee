//! Builds an image on the Debian base, with the engine's own builder.

use std::{collections::HashMap, env, fs, io};

use bollard::{
    body_full,
    models::BuildInfo,
    query_parameters::{BuildImageOptions, BuilderVersion},
};
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;

use super::{
    super::engine::root_cause, Engine, Image, ImageSpec, Origin, base, lock, lock_path, present,
    watch,
};
use crate::event::Observer;

/// Lines of a failed build that its error quotes.
const QUOTED: usize = 3;
/// What a builder must know to reach a mirror from behind a proxy, and pip to reach its own.
const PROXY_VARIABLES: [&str; 7] = [
    "PIP_INDEX_URL",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// Builds the image of `spec`, base first, or says in a fragment why that failed.
pub(super) async fn build(
    engine: &Engine,
    spec: &ImageSpec,
    observer: &mut dyn Observer,
) -> Result<Image, String> {
    let _lock = lock(lock_path()).await.map_err(|error| error.to_string())?;
    let image = Image {
        tag: spec.built_tag(),
        origin: Origin::Built,
    };
    let here = present(engine, &image.tag).await;
    if here.map_err(|error| error.to_string())? {
        return Ok(image);
    }
    base::ensure(engine, observer).await?;
    let context = context(spec, &trusted()).map_err(|error| error.to_string())?;
    let options = options(&image.tag);
    let (lines, progress) = mpsc::unbounded_channel();
    let task = engine.spawn(|docker| async move {
        let steps = docker.build_image(options, None, Some(body_full(context.into())));
        drain(steps, &lines).await
    });
    watch(progress, &format!("building {}", image.tag), observer).await;
    let built = task.await.unwrap_or_else(|error| Err(error.to_string()));
    built.map(|()| image)
}

fn options(tag: &str) -> BuildImageOptions {
    BuildImageOptions {
        t: Some(tag.to_owned()),
        dockerfile: "Dockerfile".to_owned(),
        // What reaches a mirror on this machine reaches it in the build.
        networkmode: Some("host".to_owned()),
        buildargs: Some(proxies()),
        rm: true,
        forcerm: true,
        version: BuilderVersion::BuilderV1,
        ..BuildImageOptions::default()
    }
}

fn proxies() -> HashMap<String, String> {
    PROXY_VARIABLES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), env::var(name).ok()?)))
        .collect()
}

/// Where the host names a bundle of certificate authorities that pip has to trust as well.
const BUNDLES: [&str; 2] = ["PIP_CERT", "SSL_CERT_FILE"];

/// The certificate authorities that this machine was told to trust; empty where it was told none.
fn trusted() -> Vec<u8> {
    let named = BUNDLES.into_iter().find_map(env::var_os);
    named
        .and_then(|path| fs::read(path).ok())
        .unwrap_or_default()
}

/// A tar archive with the Dockerfile and what it may copy.
fn context(spec: &ImageSpec, trusted: &[u8]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let files = spec
        .files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()));
    let own = [
        ("Dockerfile", spec.dockerfile.as_bytes()),
        ("ca.pem", trusted),
    ];
    for (name, octets) in own.into_iter().chain(files) {
        let mut header = tar::Header::new_gnu();
        header.set_size(octets.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, octets)?;
    }
    archive.into_inner()
}

async fn drain(
    steps: impl Stream<Item = Result<BuildInfo, bollard::errors::Error>>,
    lines: &mpsc::UnboundedSender<String>,
) -> Result<(), String> {
    let mut steps = Box::pin(steps);
    let mut last = Vec::new();
    while let Some(step) = steps.next().await {
        let step = step.map_err(|error| failure(&root_cause(&error), &last))?;
        if let Some(error) = step.error_detail {
            return Err(failure(&error.message.unwrap_or_default(), &last));
        }
        let line = step.stream.unwrap_or_default().trim().to_owned();
        if !line.is_empty() {
            last.push(line.clone());
            // Nobody watches any more if the run was given up.
            let _ = lines.send(line);
        }
    }
    Ok(())
}

fn failure(reason: &str, lines: &[String]) -> String {
    let last = &lines[lines.len().saturating_sub(QUOTED)..];
    match last {
        [] => reason.to_owned(),
        _ => format!("{reason}; the build's last lines: {}", last.join(" | ")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_context_holds_what_the_dockerfile_may_copy() {
        let spec = ImageSpec {
            name: "one",
            official: None,
            dockerfile: "FROM base\n",
            files: &[("probe.c", "int main;")],
        };
        let tar = context(&spec, b"-----BEGIN").unwrap();
        let mut archive = tar::Archive::new(tar.as_slice());
        let mut found = String::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found += &format!("{}: {text}\n", entry.path().unwrap().display());
        }
        let all = "Dockerfile: FROM base\n\nca.pem: -----BEGIN\nprobe.c: int main;\n";
        assert_eq!(found, all);
    }

    #[test]
    fn a_failed_build_quotes_its_last_lines() {
        let lines = ["one", "two", "three", "four"].map(str::to_owned);
        assert_eq!(
            failure("returned a non-zero code: 100", &lines),
            "returned a non-zero code: 100; the build's last lines: two | three | four"
        );
    }
}
