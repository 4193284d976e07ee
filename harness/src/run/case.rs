//! One scenario on one target: play it, gather all witnesses, judge.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    lively::{self, FollowUp},
    notes,
    verdict::{Lost, judge},
};
use crate::{
    model::Model,
    outcome::Outcome,
    scenario::{Judgement, Place, Scenario, reply::Part},
    seats::{ConnectError, client::Client},
    transcript::{Log, Transcript},
    witness::{
        ClientView, Connection, Evidence, NextView, ProbeReport, ProcessView, Received,
        recorded::Recorded,
    },
};

/// Something that scenarios can be played on: a pairing that runs, or a double of one.
pub trait Target {
    /// Where clients connect.
    fn listen(&self) -> SocketAddr;
    /// Where requests are addressed to.
    fn place(&self) -> &Place;
    /// The way to the application.
    fn model(&self) -> Model;
    /// Whether another server carries CGI for the gateway.
    fn carried(&self) -> bool;
    /// Whether the application replies as a CGI program does, where the protocol allows it.
    fn takes_cgi_output(&self) -> bool {
        true
    }
    /// Whether it runs WSGI applications, so that it can run those of the scenarios.
    fn runs_wsgi(&self) -> bool {
        false
    }
    /// What passes on all wires.
    fn log(&self) -> &Log;
    /// Drops what earlier cases left in logs and on the wires.
    fn forget(&mut self);
    /// Tells the recorder, where one sits in the backend's seat, what to reply from now on.
    fn prepare(&mut self, _part: Part) {}
    /// Tells the recorder that what comes from now on is no request of the case itself.
    fn begin_follow_up(&mut self) {}
    /// All that the recorder took since, where one sits in the backend's seat.
    fn recorded(&mut self) -> Option<Recorded> {
        None
    }
    /// Whether the gateway's log can be read: one that runs already is judged by its replies alone.
    fn has_gateway_log(&self) -> bool {
        true
    }
    /// Whether it asks for a user where [`Place::auth`] leads: every gateway that the bench starts
    /// is configured to.
    fn asks_for_users(&self) -> bool {
        true
    }
    /// What the backend received since, where that wire is watched.
    fn received(&mut self) -> Option<Vec<Received>>;
    /// How the processes are, and what they logged since.
    fn health(&mut self) -> ProcessView;
    /// The end of the gateway's log, for a set-up that does not answer.
    fn last_words(&mut self) -> String;
    /// What the bench itself could not do since: no verdict can rest on this case.
    fn trouble(&mut self) -> Option<String> {
        None
    }
}

/// One case that was played.
pub struct Played {
    /// How it ended.
    pub outcome: Outcome,
    /// The verdict in words.
    pub judgement: Judgement,
    /// Everything that was seen.
    pub evidence: Evidence,
    /// The bytes.
    pub transcript: Transcript,
    /// How often it ran.
    pub repeats: u32,
    /// Why the bench could not do its work, where it could not.
    pub trouble: Option<String>,
    /// Whether a reply did not come to its end, so that somebody may still be at work on it, or a
    /// worker is gone, as the scenario asked.
    pub stalled: bool,
}

impl Played {
    /// Whether the subjects have to be replaced before the next case.
    pub fn broke(&self) -> bool {
        self.stalled || self.is_final()
    }

    /// Whether the subjects cannot be asked once more.
    fn is_final(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::Crash | Outcome::Hang | Outcome::BenchError
        )
    }
}

/// Plays a scenario as often as it asks for and takes its quorum.
pub async fn play(target: &mut dyn Target, scenario: &Scenario) -> Played {
    let mut tally = Tally::of(scenario);
    loop {
        let played = once(target, scenario).await;
        if let Some(played) = tally.take(played) {
            return played;
        }
    }
}

/// The runs of one scenario until its quorum is decided.
pub(super) struct Tally {
    times: u32,
    quorum: u32,
    repeats: u32,
    passed: u32,
    stalled: bool,
}

impl Tally {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let times = scenario.repeat.times.max(1);
        Self {
            times,
            quorum: scenario.repeat.quorum.clamp(1, times),
            repeats: 0,
            passed: 0,
            stalled: false,
        }
    }

    /// Takes the next run; gives it back where it decides.
    pub(super) fn take(&mut self, played: Played) -> Option<Played> {
        self.repeats += 1;
        self.passed += u32::from(played.outcome == Outcome::Pass);
        self.stalled |= played.stalled;
        let left = self.times - self.repeats;
        // The run that decides is of the kind that it decides for, so it speaks for all.
        let is_decided = self.passed >= self.quorum || self.passed + left < self.quorum;
        (is_decided || played.is_final()).then_some(Played {
            repeats: self.repeats,
            stalled: self.stalled,
            ..played
        })
    }
}

async fn once(target: &mut dyn Target, scenario: &Scenario) -> Played {
    target.forget();
    let place = target.place().in_case(notes::fresh_case());
    target.prepare(scenario.part(&place));
    let begun = Instant::now();
    let mut evidence = Evidence::default();
    let gathered = gather(target, scenario, &place, &mut evidence).await;
    evidence.elapsed = begun.elapsed();
    let own = gathered.err().map(|error| error.to_string());
    let trouble = own.or_else(|| target.trouble());
    let transcript = target.log().take();
    evidence.process.reply_began = transcript.upstream_reply().or(evidence.client.first_byte);
    let (outcome, judgement) = match trouble {
        Some(_) => (Outcome::BenchError, Judgement::default()),
        None => judge(target, scenario, &evidence),
    };
    Played {
        outcome,
        judgement,
        stalled: has_stalled(&evidence) || Lost::of(&evidence.process).is_some(),
        evidence,
        transcript,
        repeats: 1,
        trouble,
    }
}

fn has_stalled(evidence: &Evidence) -> bool {
    let next = evidence.next.iter().map(|next| &next.client);
    let mut views = next.chain([&evidence.client]);
    views.any(|view| view.connection == Connection::Stalled)
}

/// Asks what the scenario asks, then looks whether the subjects are well.
///
/// # Errors
/// When the bench itself cannot connect.
async fn gather(
    target: &mut dyn Target,
    scenario: &Scenario,
    place: &Place,
    evidence: &mut Evidence,
) -> Result<(), ConnectError> {
    match Client::connect(target.listen(), target.log().clone(), 0).await {
        Ok(client) => ask(target, scenario, place, client, evidence).await?,
        Err(refused @ ConnectError::Refused(_)) => {
            evidence.client.malformed = Some(refused.to_string());
            evidence.client.connection = Connection::Cut;
        }
        Err(own) => return Err(own),
    }
    if scenario.needs_wsgi() {
        evidence.seen = notes::recall(target, scenario, place).await?;
    }
    let follow_up = match scenario.next_script(place) {
        Some(_) => FollowUp::Spelled,
        None => FollowUp::Plain,
    };
    evidence.process = lively::health(target, evidence, follow_up).await?;
    Ok(())
}

async fn ask(
    target: &mut dyn Target,
    scenario: &Scenario,
    place: &Place,
    mut client: Client,
    evidence: &mut Evidence,
) -> Result<(), ConnectError> {
    evidence.client = client.play(&scenario.script(place)).await;
    evidence.application = report(&evidence.client);
    let of_case = target.received().map_or(0, |received| received.len());
    let mut client = Some(client);
    if scenario.asks_again_after_abort() {
        // A gateway may learn that the client has gone only when the socket is closed.
        client = None;
        settle(target, scenario, evidence).await;
    }
    target.begin_follow_up();
    evidence.next = follow_up(target, scenario, place, client, evidence).await?;
    // Looked at again, for a body may have gone on behind an early reply.
    evidence.received = target.received();
    if let Some(received) = &mut evidence.received {
        received.truncate(of_case);
    }
    settle(target, scenario, evidence).await;
    Ok(())
}

/// How often the recorder is asked whether there is more.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Takes what the recorder took; a gateway may end its side a while after the client has its reply.
async fn settle(target: &mut dyn Target, scenario: &Scenario, evidence: &mut Evidence) {
    let begun = Instant::now();
    loop {
        evidence.recorded = target.recorded();
        let is_over = evidence.recorded.is_none() || begun.elapsed() > scenario.settles_within();
        if is_over || scenario.is_received(evidence, target.place()) {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The probe's report, if the reply is one.
pub(super) fn report(view: &ClientView) -> Option<ProbeReport> {
    serde_json::from_slice(&view.body.kept).ok()
}

/// The scenario's follow-up; without one, a plain request wherever the connection is still open,
/// since a reply that puts the connection out of step shows only there.
async fn follow_up(
    target: &dyn Target,
    scenario: &Scenario,
    place: &Place,
    client: Option<Client>,
    evidence: &Evidence,
) -> Result<Option<NextView>, ConnectError> {
    let wanted = scenario.next_script_after(place, evidence.application.as_ref());
    let mut client = client.filter(|client| client.reusable(&evidence.client));
    if let Some(client) = &mut client {
        let script = wanted.unwrap_or_else(|| lively::plain(target, ""));
        return Ok(Some(NextView {
            same_connection: true,
            client: client.play(&script).await,
        }));
    }
    let Some(script) = wanted else {
        return Ok(None);
    };
    drop(client);
    match Client::connect(target.listen(), target.log().clone(), 1).await {
        Ok(mut fresh) => Ok(Some(NextView {
            same_connection: false,
            client: fresh.play(&script).await,
        })),
        Err(ConnectError::Refused(_)) => Ok(None),
        Err(own) => Err(own),
    }
}
