//! What the demo has running, between one question of the page and the next.

use std::collections::{HashMap, hash_map::Entry};

use tokio::sync::{Mutex, watch};

use super::{
    breaks::{self, Played},
    load::{Load, Moment, Wish},
    send::{self, Ask, Sent},
    site::{Kit, Order, Shown, Site},
    way::{App, Way},
};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The page asked for something that there is not.
    #[error("{0}")]
    Asked(String),
    /// A server did not start.
    #[error("{0}")]
    Failed(String),
}

/// All that runs.
pub(super) struct Stage {
    pub(super) kit: Kit,
    /// For single requests; one of a kind, kept for the next.
    sites: Mutex<HashMap<(Way, App), Site>>,
    load: Mutex<Option<Load>>,
    /// One trouble at a time.
    breaking: Mutex<()>,
}

impl Stage {
    pub(super) fn new(kit: Kit) -> Self {
        Self {
            kit,
            sites: Mutex::default(),
            load: Mutex::default(),
            breaking: Mutex::default(),
        }
    }

    /// One request, looked at from all sides.
    pub(super) async fn send(&self, way: Way, app: App, ask: &Ask) -> Result<Sent, Refusal> {
        let mut sites = self.sites.lock().await;
        let site = self.site(&mut sites, way, app).await?;
        let sent = send::send(site, ask).await;
        if sent.status.is_none() {
            // Whatever is wrong with it, the next visitor gets a new one.
            sites.remove(&(way, app));
        }
        Ok(sent)
    }

    /// The configuration of a way, running.
    pub(super) async fn shown(&self, way: Way, app: App) -> Result<Vec<Shown>, Refusal> {
        let mut sites = self.sites.lock().await;
        let site = self.site(&mut sites, way, app).await?;
        Ok(site.shown().to_vec())
    }

    async fn site<'a>(
        &self,
        sites: &'a mut HashMap<(Way, App), Site>,
        way: Way,
        app: App,
    ) -> Result<&'a mut Site, Refusal> {
        if !app.goes(way) {
            let why = "only an interpreter can be kept warm: choose Python";
            return Err(Refusal::Asked(why.to_owned()));
        }
        match sites.entry((way, app)) {
            Entry::Occupied(there) => Ok(there.into_mut()),
            Entry::Vacant(free) => {
                let order = Order {
                    tapped: true,
                    ..Order::new(way, app)
                };
                let started = Site::start(&self.kit, order).await;
                let site = started.map_err(|error| Refusal::Failed(error.to_string()))?;
                Ok(free.insert(site))
            }
        }
    }

    /// Begins a load; one that runs is ended first.
    pub(super) async fn begin_load(&self, wish: Wish) -> Result<(), Refusal> {
        wish.check().map_err(Refusal::Asked)?;
        let mut load = self.load.lock().await;
        if let Some(running) = load.take() {
            running.end().await;
        }
        let begun = Load::begin(&self.kit, wish).await;
        *load = Some(begun.map_err(|error| Refusal::Failed(error.to_string()))?);
        Ok(())
    }

    /// Another rate, other connections.
    pub(super) async fn change_load(&self, connections: u32, rate: u32) -> Result<(), Refusal> {
        match self.load.lock().await.as_ref() {
            Some(load) => load.change(connections, rate).map_err(Refusal::Asked),
            None => Err(Refusal::Asked("no load runs".to_owned())),
        }
    }

    /// Ends the load and its lanes.
    pub(super) async fn end_load(&self) {
        if let Some(load) = self.load.lock().await.take() {
            load.end().await;
        }
    }

    /// The moments of the load that runs.
    pub(super) async fn moments(&self) -> Option<watch::Receiver<Moment>> {
        self.load.lock().await.as_ref().map(Load::moments)
    }

    /// Lets something go wrong.
    pub(super) async fn play(&self, id: &str, way: Way, mended: bool) -> Result<Played, Refusal> {
        let trouble = breaks::named(id)
            .ok_or_else(|| Refusal::Asked(format!("there is no trouble called {id}")))?;
        let _alone = self.breaking.lock().await;
        let played = breaks::play(&self.kit, trouble, way, mended).await;
        played.map_err(|error| Refusal::Failed(error.to_string()))
    }

    /// Stops all that runs.
    pub(super) async fn close(&self) {
        self.end_load().await;
        for (_, site) in self.sites.lock().await.drain() {
            site.stop().await;
        }
    }
}
