//! Plays one reply: the items of the scenario, or the probe's report.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use super::{
    connection::{Fate, Link},
    decode::announced,
    frames::Frame,
    report,
    stage::{Seat, Taken, has_come},
};
use crate::{
    model::Model,
    scenario::reply::{Act, Answering, Item, Play, Until, output_of},
    transcript::{Happened, Leg, Way},
    witness::recorded::Asked,
};

/// How long the protocol's own end of a body may come after its last octet.
const END_WITHIN: Duration = Duration::from_millis(200);

/// Starts the reply to a request, or to a connection on which none has begun.
pub(super) fn start(seat: Seat, link: Arc<Link>, request: Option<usize>, items: Option<Vec<Item>>) {
    let player = Player {
        seat,
        link,
        request,
        is_complete: false,
    };
    tokio::spawn(player.play(items));
}

struct Player {
    seat: Seat,
    link: Arc<Link>,
    request: Option<usize>,
    /// Whether the reply is complete as the protocol has it.
    is_complete: bool,
}

/// Why a reply is not played to its end.
enum Stop {
    /// The case is over, or the gateway takes no more.
    Cut,
    /// The connection is at its end, as an item says.
    Ended,
}

impl Player {
    async fn play(mut self, items: Option<Vec<Item>>) {
        let played = match items {
            Some(items) => self.items(&items).await,
            None => self.report_when_read().await,
        };
        let stays = match played {
            Ok(()) => self.is_complete && self.keeps(),
            Err(Stop::Cut) => false,
            Err(Stop::Ended) => {
                self.done();
                return;
            }
        };
        if !stays {
            self.end().await;
        }
        self.done();
    }

    fn done(&self) {
        self.seat.with(|taken| {
            taken.playing -= 1;
            taken.gate = None;
        });
        self.seat.shared.tell();
    }

    async fn items(&mut self, items: &[Item]) -> Result<(), Stop> {
        let reads_first = matches!(items.first().map(|item| &item.act), Some(Act::Read(_)));
        if !reads_first {
            self.read(Until::Whole).await?;
        }
        let place = self.seat.shared.place();
        for (index, item) in items.iter().enumerate() {
            // Who waits to be given up has not replied to the end.
            let goes_on = items[index..]
                .iter()
                .any(|item| matches!(item.act, Act::AwaitAbort));
            for play in item.play(&self.answering(), &place) {
                if goes_on && matches!(play, Play::Complete) {
                    continue;
                }
                self.one(play).await?;
            }
        }
        Ok(())
    }

    async fn one(&mut self, play: Play) -> Result<(), Stop> {
        match play {
            Play::Read(until) => self.read(until).await,
            Play::Report => self.report().await,
            Play::Write { octets, cut, every } => {
                let pieces = octets.chunks(cut.unwrap_or(octets.len()).max(1));
                for (number, piece) in pieces.enumerate() {
                    if number > 0 && !every.is_zero() {
                        self.pause(every).await?;
                    }
                    self.write(piece).await?;
                }
                Ok(())
            }
            Play::Pause(time) => self.pause(time).await,
            Play::AwaitAbort => {
                let request = self.request;
                let gone = self
                    .seat
                    .until(|taken| is_given_up(taken, request).then_some(()));
                gone.await.ok_or(Stop::Cut)
            }
            Play::Complete => {
                self.complete();
                Ok(())
            }
            Play::HalfClose => {
                self.half_close().await;
                Ok(())
            }
            Play::Close => {
                self.close().await;
                Err(Stop::Ended)
            }
            Play::Reset => {
                if let Some(writer) = self.link.writer.lock().await.take() {
                    self.add(Happened::Broke("reset by the recorder".to_owned()));
                    writer.reset();
                }
                self.gone();
                Err(Stop::Ended)
            }
            Play::Complain(octets) => self.send(&Frame::Error.of(&octets)).await,
            Play::CloseStdout => self.send(&Frame::CloseOutput.of(b"")).await,
            Play::CloseStderr => self.send(&Frame::CloseError.of(b"")).await,
            Play::Exit(status) => self.exit(Frame::Exit, &[status]).await,
            Play::Signal(signal) => self.exit(Frame::Signal, &signal.to_be_bytes()).await,
        }
    }

    /// Reads the request so far.
    async fn read(&mut self, until: Until) -> Result<(), Stop> {
        let Some(request) = self.request.or_else(|| self.first()) else {
            // Nothing of a request has come: it is read from here on.
            return self.read_first(until).await;
        };
        self.request = Some(request);
        self.seat
            .with(|taken| taken.gate = Some((Some(request), until)));
        self.seat.shared.tell();
        if self.is_program() {
            let octets: u64 = match until {
                Until::Nothing | Until::Head => 0,
                Until::Body(octets) => octets,
                Until::Whole => u64::MAX,
            };
            self.send(&Frame::Read.of(&octets.to_be_bytes())).await?;
        }
        let look = |taken: &mut Taken| {
            let asked = taken.asked(request);
            let has_come = has_come(asked, until);
            let is_enough = until == Until::Whole && is_enough(asked);
            let is_over = taken.line.malformed.is_some() || taken.line.ended.is_some();
            (has_come || is_enough || is_over).then_some((has_come, is_over))
        };
        match self.seat.until(look).await {
            None => Err(Stop::Cut),
            Some((true, _)) => Ok(()),
            Some((false, true)) => Err(Stop::Cut),
            Some((false, false)) => {
                let look = |taken: &mut Taken| has_come(taken.asked(request), until).then_some(());
                // A gateway that never ends the body gets its reply all the same.
                timeout(END_WITHIN, self.seat.until(look)).await.ok();
                Ok(())
            }
        }
    }

    async fn read_first(&mut self, until: Until) -> Result<(), Stop> {
        if until == Until::Nothing {
            return Ok(());
        }
        self.seat.with(|taken| taken.gate = None);
        self.seat.shared.tell();
        let begun = self.seat.until(|taken| {
            let has_begun = !taken.line.requests.is_empty();
            (has_begun || taken.line.ended.is_some()).then_some(has_begun)
        });
        match begun.await {
            Some(true) => Box::pin(self.read(until)).await,
            _ => Err(Stop::Cut),
        }
    }

    fn first(&self) -> Option<usize> {
        let has_one = |taken: &mut Taken| !taken.line.requests.is_empty();
        self.seat.with(has_one).filter(|has| *has).map(|_| 0)
    }

    async fn report_when_read(&mut self) -> Result<(), Stop> {
        self.read(Until::Whole).await?;
        self.report().await
    }

    /// The probe's report, or whatever else `X-Probe` asks for.
    async fn report(&mut self) -> Result<(), Stop> {
        let asked = self.asked().unwrap_or_default();
        let answer = report::answer(self.seat.shared.model, &asked);
        self.pause(answer.delay).await?;
        let octets = output_of(&answer.output, &self.answering());
        self.write(&octets).await?;
        self.complete();
        Ok(())
    }

    fn asked(&self) -> Option<Asked> {
        let request = self.request?;
        self.seat.with(|taken| taken.view(request))
    }

    fn answering(&self) -> Answering {
        let asked = self.asked();
        let method = asked.as_ref().map(report::method);
        Answering {
            model: self.seat.shared.model,
            id: asked.map_or(1, |asked| asked.id),
            is_head: method.as_deref() == Some("HEAD"),
        }
    }

    fn complete(&mut self) {
        self.is_complete = true;
        self.complete_all();
    }

    fn complete_all(&self) {
        if let Some(request) = self.request {
            self.seat.with(|taken| taken.answered(request));
        }
    }

    /// Whether the gateway wants the connection for another request.
    fn keeps(&self) -> bool {
        let Some(asked) = self.asked() else {
            return false;
        };
        match self.seat.shared.model {
            Model::FastCgi => {
                let begin = asked.records.first();
                begin.is_some_and(|begin| begin.content.get(2).is_some_and(|flags| flags & 1 == 1))
            }
            Model::Http => {
                let told = asked
                    .param("connection")
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                let is_old = asked.line.is_some_and(|line| line.ends_with("HTTP/1.0"));
                !told.contains("close") && (!is_old || told.contains("keep-alive"))
            }
            Model::Uwsgi | Model::Scgi | Model::Cgi | Model::CgiWarm => false,
        }
    }

    /// Writes octets of the reply.
    async fn write(&self, octets: &[u8]) -> Result<(), Stop> {
        if octets.is_empty() {
            return Ok(());
        }
        match self.is_program() {
            true => self.send(&Frame::Output.of(octets)).await?,
            false => self.send(octets).await?,
        }
        self.add(Happened::Octets(octets.to_vec()));
        Ok(())
    }

    fn is_program(&self) -> bool {
        self.seat.shared.model.is_cgi()
    }

    /// Ends the program.
    async fn exit(&self, how: Frame, with: &[u8]) -> Result<(), Stop> {
        self.complete_all();
        self.ended_here();
        self.send(&how.of(with)).await?;
        self.add(Happened::Ended);
        Err(Stop::Ended)
    }

    /// Sends octets as they are.
    async fn send(&self, octets: &[u8]) -> Result<(), Stop> {
        if !self.seat.is_present() {
            return Err(Stop::Cut);
        }
        let mut writer = self.link.writer.lock().await;
        let Some(open) = writer.as_mut() else {
            return Err(Stop::Cut);
        };
        let written = tokio::select! {
            written = open.write(octets) => written,
            () = self.over() => return Err(Stop::Cut),
        };
        match written {
            Ok(()) => Ok(()),
            Err(error) => {
                self.add(Happened::Broke(error.to_string()));
                writer.take();
                Err(Stop::Cut)
            }
        }
    }

    async fn pause(&self, time: Duration) -> Result<(), Stop> {
        if time.is_zero() {
            return Ok(());
        }
        tokio::select! {
            () = sleep(time) => Ok(()),
            () = self.over() => Err(Stop::Cut),
        }
    }

    /// Waits for the end of the case.
    async fn over(&self) {
        self.seat.until(|_| None::<()>).await;
    }

    /// Ends the connection as a server does whose reply is complete: its side first, and after a
    /// while all of it.
    async fn end(&self) {
        match self.seat.is_present() {
            true if self.is_program() => _ = self.exit(Frame::Exit, &[0]).await,
            true => {
                self.half_close().await;
                self.link.fate.send_replace(Fate::Lingering(Instant::now()));
            }
            false => self.close().await,
        }
    }

    async fn half_close(&self) {
        if let Some(mut writer) = self.link.writer.lock().await.take() {
            writer.end().await;
            self.add(Happened::Ended);
            self.ended_here();
            // The reading half keeps the socket.
            drop(writer);
        }
    }

    async fn close(&self) {
        if self.is_program() && self.seat.is_present() {
            _ = self.exit(Frame::Exit, &[0]).await;
            return;
        }
        if self.link.writer.lock().await.take().is_some() {
            self.add(Happened::Ended);
        }
        self.gone();
    }

    fn gone(&self) {
        self.ended_here();
        self.link.fate.send_replace(Fate::Gone);
    }

    fn ended_here(&self) {
        self.seat
            .with(|taken| taken.line.ended_here |= taken.line.ended.is_none());
    }

    fn add(&self, happened: Happened) {
        let (case, number) = (self.seat.logged(), self.seat.number());
        let log = &self.seat.shared.log;
        log.add_to(case, Leg::Upstream, number, Way::Reply, happened);
    }
}

/// Whether the gateway has given up the request, or the connection.
fn is_given_up(taken: &Taken, request: Option<usize>) -> bool {
    let asked = request.and_then(|request| taken.line.requests.get(request));
    taken.line.ended.is_some() || asked.is_some_and(|asked| asked.aborted)
}

/// Whether all octets of the body have come, even if the protocol has not ended it.
fn is_enough(asked: &Asked) -> bool {
    let length = asked.param("CONTENT_LENGTH");
    asked.has_head && asked.line.is_none() && asked.body.size >= announced(length)
}
