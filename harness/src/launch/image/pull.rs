//! Pulls an image from its registry.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bollard::{models::CreateImageInfo, query_parameters::CreateImageOptionsBuilder};
use futures_util::{Stream, StreamExt};
use tokio::{sync::mpsc, time::timeout};

use super::{super::engine::root_cause, Engine, watch};
use crate::event::{Event, Observer};

/// How long a pull may stand still.
const STILL: Duration = Duration::from_secs(20);

/// Pulls that failed, by image: within one run a registry is not asked twice.
static FAILED: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// Pulls `image`, or says in a fragment why that failed.
pub(super) async fn pull(
    engine: &Engine,
    image: &str,
    observer: &mut dyn Observer,
) -> Result<(), String> {
    if let Some(reason) = failed_before(image) {
        return Err(reason);
    }
    let title = format!("pulling {image}");
    observer.event(&Event::Busy(&title));
    let (lines, progress) = mpsc::unbounded_channel();
    let from = with_tag(image);
    let task = engine.spawn(|docker| async move {
        let options = CreateImageOptionsBuilder::default().from_image(&from);
        let steps = docker.create_image(Some(options.build()), None, None);
        drain(steps, &lines).await
    });
    watch(progress, &title, observer).await;
    let pulled = task.await.unwrap_or_else(|error| Err(error.to_string()));
    if let Err(reason) = &pulled {
        remember(image, reason);
    }
    pulled
}

async fn drain(
    steps: impl Stream<Item = Result<CreateImageInfo, bollard::errors::Error>>,
    lines: &mpsc::UnboundedSender<String>,
) -> Result<(), String> {
    let mut steps = Box::pin(steps);
    loop {
        match timeout(STILL, steps.next()).await {
            Err(_) => return Err(format!("nothing moved for {} s", STILL.as_secs())),
            Ok(None) => return Ok(()),
            Ok(Some(Err(error))) => return Err(root_cause(&error)),
            Ok(Some(Ok(step))) => {
                if let Some(error) = step.error_detail {
                    return Err(error.message.unwrap_or_default());
                }
                // Nobody watches any more if the run was given up.
                let _ = lines.send(step.status.unwrap_or_default());
            }
        }
    }
}

/// Without a tag the engine would pull every version there is.
fn with_tag(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) {
        image.to_owned()
    } else {
        format!("{image}:latest")
    }
}

fn failed_before(image: &str) -> Option<String> {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    failed.as_ref()?.get(image).cloned()
}

fn remember(image: &str, reason: &str) {
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = failed.get_or_insert_default();
    failed.insert(image.to_owned(), reason.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_version_means_the_latest() {
        assert_eq!(with_tag("nginx"), "nginx:latest");
        assert_eq!(with_tag("host:5000/nginx"), "host:5000/nginx:latest");
        assert_eq!(with_tag("nginx:1.29"), "nginx:1.29");
        assert_eq!(with_tag("nginx@sha256:00"), "nginx@sha256:00");
    }

    #[test]
    fn a_failed_pull_is_remembered() {
        assert_eq!(failed_before("gatebench-test:1"), None);
        remember("gatebench-test:1", "no such host");
        assert_eq!(
            failed_before("gatebench-test:1").as_deref(),
            Some("no such host")
        );
    }
}
