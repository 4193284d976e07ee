//! FastCGI: one connection, any number of requests at a time.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::{Mutex as AsyncMutex, Notify, mpsc},
    task::AbortHandle,
    time::{sleep, timeout},
};
use wire::fastcgi::{BeginRequest, EndRequest, Kind, ProtocolStatus, record};

use super::{
    Site, Trouble, died,
    flaw::Flaw,
    peer::{self, Incoming},
    unpoisoned,
};

mod input;
mod manage;
mod pairs;
mod records;
mod request;

use records::Record;

/// One connection.
struct Connection {
    incoming: Incoming,
    shared: Arc<Shared>,
    /// One of its requests came without KEEP_CONN.
    closing: bool,
    /// Requests that began so far.
    begun: usize,
    /// The ids that were in use, for a double that forgets none.
    used: HashSet<u16>,
}

/// What a connection shares with its requests.
struct Shared {
    site: Arc<Site>,
    out: AsyncMutex<OwnedWriteHalf>,
    active: Mutex<HashMap<u16, Active>>,
    /// A request has ended.
    ended: Notify,
    /// How often something came.
    reads: AtomicUsize,
}

/// A request from its BEGIN_REQUEST to its END_REQUEST.
enum Active {
    /// PARAMS still come.
    Params {
        begin: BeginRequest,
        records: Vec<Bytes>,
    },
    /// The probe runs.
    Runs {
        /// Where STDIN goes, until its end.
        stdin: Option<mpsc::UnboundedSender<Bytes>>,
        task: AbortHandle,
    },
}

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, site: &Arc<Site>) -> Result<(), Trouble> {
    let (incoming, out) = stream.into_split();
    let shared = Arc::new(Shared {
        site: Arc::clone(site),
        out: AsyncMutex::new(out),
        active: Mutex::default(),
        ended: Notify::new(),
        reads: AtomicUsize::new(0),
    });
    let mut connection = Connection {
        incoming: Incoming::new(incoming),
        shared,
        closing: false,
        begun: 0,
        used: HashSet::new(),
    };
    let served = connection.records().await;
    for (_, active) in unpoisoned(&connection.shared.active).drain() {
        if let Active::Runs { task, .. } = active {
            task.abort();
        }
    }
    served?;
    connection.close().await;
    Ok(())
}

impl Connection {
    /// Takes records until the connection is to be closed.
    async fn records(&mut self) -> Result<(), Trouble> {
        loop {
            while let Some(record) = records::decode(&self.shared.site, &mut self.incoming)? {
                self.take(record).await?;
            }
            if self.should_close() {
                return Ok(());
            }
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                read = self.incoming.fill() => {
                    if read? == 0 {
                        return self.finish().await;
                    }
                    shared.reads.fetch_add(1, Ordering::Relaxed);
                }
                () = shared.ended.notified() => {}
                () = sleep(Duration::from_millis(100)), if self.loses_patience() => return Ok(()),
            }
        }
    }

    fn site(&self) -> &Site {
        &self.shared.site
    }

    fn is_idle(&self) -> bool {
        unpoisoned(&self.shared.active).is_empty()
    }

    /// FCGI-3.5-KEEP0-CLOSE.
    fn should_close(&self) -> bool {
        self.closing && self.is_idle() && !self.site().does(Flaw::KeepsOpen)
    }

    fn loses_patience(&self) -> bool {
        self.begun > 0 && self.is_idle() && self.site().does(Flaw::ClosesWhenIdle)
    }

    /// The gateway sends no more: what runs is answered still.
    async fn finish(&mut self) -> Result<(), Trouble> {
        if self.site().does(Flaw::HalfCloseAborts) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let all = async {
            while !unpoisoned(&shared.active)
                .values()
                .all(|active| matches!(active, Active::Params { .. }))
            {
                shared.ended.notified().await;
            }
        };
        for active in unpoisoned(&shared.active).values_mut() {
            if let Active::Runs { stdin, .. } = active {
                *stdin = None;
            }
        }
        timeout(Duration::from_secs(30), all).await.ok();
        Ok(())
    }

    async fn close(self) {
        let Self {
            mut incoming,
            shared,
            ..
        } = self;
        if shared.site.does(Flaw::ResetsBehindReply) {
            sleep(Duration::from_millis(50)).await;
            if let Ok(shared) = Arc::try_unwrap(shared).map(|shared| shared.out.into_inner()) {
                peer::reset(incoming, shared);
            }
            return;
        }
        incoming.linger(&mut *shared.out.lock().await).await;
    }

    async fn take(&mut self, record: Record) -> Result<(), Trouble> {
        let (kind, id) = (record.kind, record.id);
        let flawed = |flaw| self.shared.site.does(flaw);
        if id == 0 && kind != Kind::BEGIN_REQUEST {
            return self.manage(&record).await;
        }
        match kind {
            Kind::GET_VALUES => self.manage(&record).await,
            Kind::BEGIN_REQUEST => self.begin(&record).await,
            Kind::PARAMS => self.params(record).await,
            Kind::STDIN => self.stdin(record).await,
            Kind::ABORT_REQUEST => self.abort(id).await,
            Kind::STDOUT if flawed(Flaw::StdoutTaken) => self.stdin(record).await,
            Kind::END_REQUEST if flawed(Flaw::EndTaken) => self.abort(id).await,
            Kind::DATA | Kind::STDOUT | Kind::STDERR | Kind::END_REQUEST => Ok(()),
            _ if flawed(Flaw::UnknownTypeIsStdin) => self.stdin(record).await,
            _ => Ok(()),
        }
    }

    /// Something for an id that is not active, which is ignored (FCGI-3.3-ID-INACTIVE).
    fn stray(&mut self, record: &Record) -> Result<(), Trouble> {
        if self.site().does(Flaw::LateStdinTakesAll) && record.kind == Kind::STDIN {
            self.incoming.buf.clear();
        }
        match self.site().does(Flaw::InactiveCloses) {
            true => Err(Trouble::Gone),
            false => Ok(()),
        }
    }

    async fn begin(&mut self, record: &Record) -> Result<(), Trouble> {
        let (id, site) = (record.id, Arc::clone(&self.shared.site));
        let Ok(begin) = BeginRequest::decode(&record.content) else {
            return match site.does(Flaw::DiesOfShortBegin) {
                true => Err(died()),
                false => Err(Trouble::Gone),
            };
        };
        if site.does(Flaw::ReservedRefused) && record.content[3..] != [0; 5] {
            return Err(Trouble::Gone);
        }
        if id == 0 {
            // No request has this id: nothing is owed for it.
            return Ok(());
        }
        let is_active = unpoisoned(&self.shared.active).contains_key(&id);
        if is_active {
            return match site.does(Flaw::BeginTwiceMixed) {
                true => Ok(()),
                false => Err(Trouble::Gone), // FCGI-3.3-ID-DUP-BEGIN
            };
        }
        self.begun += 1;
        self.closing |= !keeps(&site, begin);
        if site.does(Flaw::IdUsedTenTimes) && self.begun > 10 && self.used.contains(&id) {
            return Ok(());
        }
        self.used.insert(id);
        if let Some(status) = self.refusal(begin)? {
            return self.shared.end(id, 0, status).await;
        }
        let records = Vec::new();
        let active = Active::Params { begin, records };
        unpoisoned(&self.shared.active).insert(id, active);
        if site.does(Flaw::AnswersBeforeParams) {
            tokio::spawn(answer_early(Arc::clone(&self.shared), id));
        }
        Ok(())
    }

    /// Why a request is not taken, if it is not.
    fn refusal(&mut self, begin: BeginRequest) -> Result<Option<ProtocolStatus>, Trouble> {
        let site = &self.shared.site;
        let known = match begin.role {
            BeginRequest::RESPONDER => true,
            BeginRequest::FILTER => site.does(Flaw::FilterAnswersEarly),
            _ => false,
        };
        if !known && site.does(Flaw::RoleCloses) {
            return Err(Trouble::Gone);
        }
        // FCGI-5.5-UNKNOWN-ROLE
        let is_any = begin.role == 0 || begin.role > BeginRequest::FILTER;
        let is_served = known || (is_any && site.does(Flaw::RoleIgnored));
        if !is_served {
            return Ok(Some(ProtocolStatus::UNKNOWN_ROLE));
        }
        if self.is_idle() {
            return Ok(None);
        }
        if site.does(Flaw::SecondBeginResets) {
            return Err(Trouble::Gone);
        }
        if site.does(Flaw::SecondBeginForgetsFirst) {
            for (_, active) in unpoisoned(&self.shared.active).drain() {
                if let Active::Runs { task, .. } = active {
                    task.abort();
                }
            }
        }
        let overstates = site.does(Flaw::ValuesOverstated);
        Ok(overstates.then_some(ProtocolStatus::CANT_MPX_CONN))
    }

    /// ABORT_REQUEST: END_REQUEST at once (FCGI-5.4-ABORT-APP).
    async fn abort(&mut self, id: u16) -> Result<(), Trouble> {
        let site = Arc::clone(&self.shared.site);
        if site.does(Flaw::AbortCloses) {
            return Err(Trouble::Gone);
        }
        if site.does(Flaw::AbortIgnored) {
            return Ok(());
        }
        let active = unpoisoned(&self.shared.active).remove(&id);
        match active {
            None => return Ok(()),
            Some(Active::Runs { task, .. }) => task.abort(),
            Some(Active::Params { .. }) => {}
        }
        let status = match site.does(Flaw::AbortOverloaded) {
            true => ProtocolStatus::OVERLOADED,
            false => ProtocolStatus::REQUEST_COMPLETE,
        };
        self.shared.end(id, 0, status).await
    }
}

/// The head of a reply to a request whose PARAMS pause.
async fn answer_early(shared: Arc<Shared>, id: u16) {
    let mut seen = usize::MAX;
    while seen != shared.reads.load(Ordering::Relaxed) {
        seen = shared.reads.load(Ordering::Relaxed);
        sleep(Duration::from_millis(200)).await;
    }
    let waits = matches!(
        unpoisoned(&shared.active).get(&id),
        Some(Active::Params { .. })
    );
    if waits {
        let head = b"Content-Type: text/plain\r\n\r\n";
        shared.record(Kind::STDOUT, id, head).await.ok();
    }
}

/// Whether the connection stays open behind a request: bit 0 (FCGI-5.1-FLAGS-OTHER).
fn keeps(site: &Site, begin: BeginRequest) -> bool {
    match site.does(Flaw::AnyFlagKeeps) {
        true => begin.flags != 0,
        false => begin.keep_conn(),
    }
}

impl Shared {
    /// Sends one record.
    async fn record(&self, kind: Kind, id: u16, content: &[u8]) -> Result<(), Trouble> {
        let mut octets = BytesMut::new();
        self.site.encode(kind, id, content, &mut octets);
        Ok(self.out.lock().await.write_all(&octets).await?)
    }

    /// Sends END_REQUEST: from then on the id may be used again.
    async fn end(&self, id: u16, app_status: u32, status: ProtocolStatus) -> Result<(), Trouble> {
        let mut octets = BytesMut::new();
        self.site.encode_end(id, app_status, status, &mut octets);
        let mut out = self.out.lock().await;
        self.forget(id);
        out.write_all(&octets).await?;
        drop(out);
        self.ended.notify_one();
        Ok(())
    }
}

impl Shared {
    fn forget(&self, id: u16) {
        let mut active = unpoisoned(&self.active);
        active.remove(&id);
        if self.site.does(Flaw::OthersEndWithFirst) {
            for (_, other) in active.drain() {
                if let Active::Runs { task, .. } = other {
                    task.abort();
                }
            }
        }
    }
}

impl Site {
    /// Appends a record as this double sends it.
    fn encode(&self, kind: Kind, id: u16, content: &[u8], octets: &mut BytesMut) {
        let at = octets.len();
        let id = match self.does(Flaw::IdsSwapped) && id > 255 {
            true => id.swap_bytes(),
            false => id,
        };
        record::encode(kind, id, content, octets);
        if kind == Kind::STDERR && content.len() > 100 && self.does(Flaw::StderrVersionTwo) {
            octets[at] = 2;
        }
    }

    fn encode_end(&self, id: u16, app_status: u32, status: ProtocolStatus, octets: &mut BytesMut) {
        let app_status = match self.does(Flaw::AppStatusSwapped) {
            true => app_status.swap_bytes(),
            false => app_status,
        };
        let end = EndRequest {
            app_status,
            protocol_status: status,
        };
        let content = end.encode();
        let most = match app_status != 0 && self.does(Flaw::EndOfFiveOctets) {
            true => 5,
            false => content.len(),
        };
        self.encode(Kind::END_REQUEST, id, &content[..most], octets);
        if self.does(Flaw::EndsTwice) {
            self.encode(Kind::END_REQUEST, id, &content[..most], octets);
        }
    }
}
