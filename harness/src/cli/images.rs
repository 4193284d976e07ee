//! `gatebench images`: pulls or builds what a run would wait for.

use super::{Verdict, args::ImagesArgs, run::block_on};
use crate::{
    event::{Event, Observer},
    images,
    launch::Engine,
    report::terminal::Progress,
};

/// Prepares the images that were named, or all of them.
pub(super) fn images(args: &ImagesArgs) -> anyhow::Result<Verdict> {
    block_on(async {
        let engine = Engine::connect().await?;
        let mut progress = Progress::on_stderr();
        images::prepare(&engine, &args.names, &mut progress).await?;
        progress.event(&Event::Finished);
        Ok(Verdict::Passed)
    })
}
