//! What the tests of gateways share.

use std::{path::Path, sync::LazyLock};

use super::{Gateway, Route};
use crate::{address::Address, model::Model, programs::Programs};

pub(super) static UPSTREAM: LazyLock<Address> =
    LazyLock::new(|| Address::Unix("/run/gb/s/tap.sock".into()));

static PROGRAMS: LazyLock<Programs> = LazyLock::new(|| Programs {
    gateserve: "gateserve".into(),
    probe: "probe".into(),
});

/// A route like any other.
pub(super) fn route(model: Model, variant: &'static str) -> Route<'static> {
    Route {
        model,
        variant,
        listen: "127.0.0.1:8080".parse().unwrap(),
        upstream: &UPSTREAM,
        run: Path::new("/run/gb"),
        about: "",
        programs: &PROGRAMS,
    }
}

#[track_caller]
pub(super) fn assert_version(gateway: &dyn Gateway, about: &str, version: &str) {
    assert_eq!(gateway.version(about).as_deref(), Some(version));
}
