//! What comes for one request: PARAMS, then STDIN.

use std::sync::Arc;

use tokio::sync::mpsc;
use wire::{
    environ::Environ,
    fastcgi::{BeginRequest, Kind},
};

use super::{
    Active, Connection,
    pairs::{self, Decoded},
    records::Record,
    request::Request,
};
use crate::server::{Trouble, flaw::Flaw, unpoisoned};

impl Connection {
    pub(super) async fn params(&mut self, record: Record) -> Result<(), Trouble> {
        let id = match self.shared.site.does(Flaw::ParamsOfAnyId) {
            true => self.first_in_params().unwrap_or(record.id),
            false => record.id,
        };
        let begun = {
            let mut active = unpoisoned(&self.shared.active);
            match active.get_mut(&id) {
                None => None,
                Some(Active::Runs { .. }) => return Err(Trouble::Gone),
                Some(Active::Params { begin, records }) => {
                    if !record.content.is_empty() {
                        records.push(record.content);
                        return Ok(());
                    }
                    Some((*begin, std::mem::take(records)))
                }
            }
        };
        let Some((begin, records)) = begun else {
            return self.stray(&record);
        };
        match pairs::decode(&self.shared.site, &records) {
            Decoded::Environ(environ) => self.run(id, begin, environ).await,
            Decoded::Malformed => Err(Trouble::Gone),
            Decoded::Stuck => Err(Trouble::Down(gatebench::witness::Health::Stuck)),
        }
    }

    fn first_in_params(&self) -> Option<u16> {
        let active = unpoisoned(&self.shared.active);
        let waiting = active
            .iter()
            .filter(|(_, active)| matches!(active, Active::Params { .. }));
        waiting.map(|(&id, _)| id).min()
    }

    async fn run(&mut self, id: u16, begin: BeginRequest, environ: Environ) -> Result<(), Trouble> {
        let (stdin, body) = mpsc::unbounded_channel();
        let request = Request {
            shared: Arc::clone(&self.shared),
            id,
            environ,
            body,
        };
        let mut active = unpoisoned(&self.shared.active);
        // Inside the lock, so that the request finds itself when it ends.
        let task = tokio::spawn(request.answer()).abort_handle();
        let reads = begin.role != BeginRequest::AUTHORIZER;
        let stdin = Some(stdin).filter(|_| reads);
        active.insert(id, Active::Runs { stdin, task });
        Ok(())
    }

    pub(super) async fn stdin(&mut self, record: Record) -> Result<(), Trouble> {
        let site = Arc::clone(&self.shared.site);
        let is_single = record.content.len() == 1 && record.kind == Kind::STDIN;
        if is_single && site.does(Flaw::SingleStdinOctetsLost) {
            return Ok(());
        }
        {
            let mut active = unpoisoned(&self.shared.active);
            match active.get_mut(&record.id) {
                None => {}
                Some(Active::Params { .. }) => return Err(Trouble::Gone),
                Some(Active::Runs { stdin, .. }) => {
                    if record.content.is_empty() {
                        *stdin = None;
                        return Ok(());
                    }
                    if let Some(stdin) = stdin {
                        stdin.send(record.content.clone()).ok();
                    }
                    if !site.does(Flaw::WaitsForReader) || record.content.len() < 16_384 {
                        return Ok(());
                    }
                }
            }
        }
        self.wait_or_stray(&record).await
    }

    /// A record for no request; of a double that waits for its readers also one that fills a buffer.
    async fn wait_or_stray(&mut self, record: &Record) -> Result<(), Trouble> {
        if !self.shared.site.does(Flaw::WaitsForReader) {
            return self.stray(record);
        }
        while unpoisoned(&self.shared.active).contains_key(&record.id) {
            self.shared.ended.notified().await;
        }
        Ok(())
    }
}
