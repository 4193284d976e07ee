//! The teaching demo: real servers, one request at a time or many, in the browser or as text.
//!
//! ```text
//!  page (assets) ──HTTP──▶ routes ──▶ send   one request: timeline, bytes, process tree
//!                                 ├─▶ load   lanes under the same load, told moment by moment
//!                                 └─▶ breaks what goes wrong, and the option that mends it
//!                                        └──▶ site: a gateway and gateserve, started for it
//! ```
//!
//! Nothing is shown that did not happen: every number comes from a clock or a counter that was
//! read, and every process has the id that it really had.

mod breaks;
mod clock;
mod load;
mod machine;
mod routes;
mod send;
mod site;
mod stage;
pub mod terminal;
mod timeline;
mod tree;
mod way;

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

pub use site::{Kit, Nginx};
pub use way::{App, Way};

/// The demo, listening.
pub struct Demo {
    listener: TcpListener,
    stage: stage::Stage,
}

impl Demo {
    /// Listens for browsers; nothing else is started before somebody asks.
    ///
    /// # Errors
    /// The address is taken or not of this machine.
    pub async fn open(listen: SocketAddr, kit: Kit) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("the demo cannot listen at {listen}; choose another with --listen")
        })?;
        Ok(Self {
            listener,
            stage: stage::Stage::new(kit),
        })
    }

    /// Where browsers find it.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `ended`, then stops what it started.
    ///
    /// # Errors
    /// The listener breaks.
    pub async fn serve(
        self,
        ended: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let stage = std::sync::Arc::new(self.stage);
        let served = axum::serve(self.listener, routes::routes(stage.clone()));
        // A page that still listens for moments does not hold the end up.
        let served = tokio::select! {
            served = served.into_future() => served,
            () = ended => Ok(()),
        };
        stage.close().await;
        served.context("the demo stopped serving")
    }
}
