//! How a case is played and judged, on a gateway that answers as the test wants.

#[path = "../support/scenario.rs"]
mod scenario;
mod tiny;

use std::sync::atomic::{AtomicUsize, Ordering};

use gatebench::{
    outcome::{AtFault, Outcome, Witness},
    run::case::{Played, play},
    witness::Health,
};
use scenario::scenario;
use tiny::{Asked, Reply, Tiny, reply, report};

const WANTS_200: &str = "expect.client.status = 200\nwithin = '300ms'";

/// The case is answered by `case`, everything else as it should.
async fn answering(case: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Tiny {
    Tiny::start(move |asked| match asked.is_case() {
        true => case(asked),
        false => report(),
    })
    .await
}

async fn played(tiny: &mut Tiny) -> Played {
    play(tiny, &scenario("recommended", WANTS_200)).await
}

fn actual(played: &Played) -> &str {
    played.judgement.actual.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn a_good_reply_passes_and_nothing_is_replaced() {
    let mut tiny = answering(|_| report()).await;
    let played = played(&mut tiny).await;
    assert_eq!(played.outcome, Outcome::Pass);
    assert!(!played.broke());
    assert!(
        played
            .evidence
            .next
            .is_some_and(|next| next.same_connection)
    );
}

/// Answers the case well, and what follows on its connection with junk before the reply.
fn junk_behind_the_case(asked: &Asked) -> Reply {
    match (asked.earlier, report()) {
        (1.., Reply::Octets(octets)) => Reply::Octets([b"junk".to_vec(), octets].concat()),
        (_, reply) => reply,
    }
}

#[tokio::test]
async fn a_next_request_that_is_out_of_step_fails_the_case() {
    let mut tiny = Tiny::start(junk_behind_the_case).await;
    let played = played(&mut tiny).await;
    assert_eq!(played.outcome, Outcome::Fail);
    assert_eq!(played.judgement.witness, Some(Witness::NextRequest));
    assert_eq!(played.judgement.at_fault, Some(AtFault::Gateway));
    assert!(!played.broke(), "others are still answered");
}

#[tokio::test]
async fn what_is_only_observed_never_fails_for_what_follows() {
    let mut tiny = Tiny::start(junk_behind_the_case).await;
    let played = play(&mut tiny, &scenario("observed", WANTS_200)).await;
    assert_eq!(played.outcome, Outcome::Pass);
    assert!(played.judgement.observation.contains_key("next_request"));
}

#[tokio::test]
async fn a_connection_that_is_closed_when_idle_is_no_failure() {
    let mut tiny = Tiny::start(|asked| match asked.earlier {
        0 => report(),
        _ => Reply::Close,
    })
    .await;
    assert_eq!(played(&mut tiny).await.outcome, Outcome::Pass);
}

#[tokio::test]
async fn a_stalled_case_and_a_listener_that_is_gone_is_a_hang() {
    let mut tiny = answering(|_| Reply::Gone).await;
    let played = played(&mut tiny).await;
    assert_eq!(played.outcome, Outcome::Hang);
    assert_eq!(
        actual(&played),
        "the gateway does not answer a plain request any more"
    );
    assert_eq!(played.judgement.at_fault, Some(AtFault::Gateway));
    assert!(played.broke());
}

#[tokio::test]
async fn a_stalled_case_fails_and_takes_the_subjects_with_it() {
    let mut tiny = answering(|_| Reply::Silence).await;
    let played = played(&mut tiny).await;
    assert_eq!(played.outcome, Outcome::Fail);
    assert!(actual(&played).contains("stalled"), "{}", actual(&played));
    assert!(played.broke(), "somebody may still be at work on it");
}

#[tokio::test]
async fn what_was_passed_on_and_not_answered_is_the_backends() {
    let mut tiny = Tiny::start(|_| Reply::Close).await;
    let played = played(&mut tiny).await;
    assert_eq!(played.outcome, Outcome::Hang);
    assert_eq!(
        actual(&played),
        "the backend does not answer a plain request any more"
    );
    assert_eq!(played.judgement.at_fault, Some(AtFault::Backend));
}

#[tokio::test]
async fn subjects_are_looked_at_even_when_the_reply_closes_its_connection() {
    let last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let mut tiny = Tiny::start(|asked| match asked.is_case() {
        true if asked.earlier == 0 => Reply::Octets(last.to_vec()),
        _ => Reply::Close,
    })
    .await;
    assert_eq!(played(&mut tiny).await.outcome, Outcome::Hang);
}

#[tokio::test]
async fn a_death_is_a_crash_whatever_the_reply_was() {
    let declined = r#"{"probe":1,"error":"it cannot be carried"}"#;
    for status in ["200 OK", "501 Not Implemented", "502 Bad Gateway"] {
        let mut tiny = answering(move |_| reply(status, declined)).await;
        tiny.process.backend = Health::Died("worker 12 ended".to_owned());
        let played = played(&mut tiny).await;
        assert_eq!(played.outcome, Outcome::Crash, "{status}");
        assert_eq!(actual(&played), "the backend died: worker 12 ended");
        assert_eq!(played.judgement.at_fault, Some(AtFault::Backend));
        assert_eq!(played.judgement.unsupported, None);
        assert!(played.broke());
    }
}

#[tokio::test]
async fn what_the_probe_declines_is_unsupported() {
    let declined = r#"{"probe":1,"error":"it cannot be carried"}"#;
    let mut tiny = answering(|_| reply("501 Not Implemented", declined)).await;
    let played = played(&mut tiny).await;
    assert_eq!(played.outcome, Outcome::Unsupported);
    let reason = played.judgement.unsupported.as_deref();
    assert_eq!(reason, Some("the probe says: it cannot be carried"));
}

#[tokio::test]
async fn trouble_of_the_bench_is_no_verdict() {
    for status in ["200 OK", "502 Bad Gateway"] {
        let mut tiny = answering(move |_| reply(status, "")).await;
        tiny.trouble = Some("the relay cannot accept a connection".to_owned());
        let played = played(&mut tiny).await;
        assert_eq!(played.outcome, Outcome::BenchError);
        assert_eq!(played.trouble, tiny.trouble);
        assert_eq!(played.judgement.expected, None);
        assert!(played.broke());
    }
}

#[tokio::test]
async fn a_follow_up_is_not_among_what_the_backend_received() {
    let mut tiny = answering(|_| report()).await;
    let lines = "expect.received.requests = 1\nexpect.next_request.client.status = 200";
    let played = play(&mut tiny, &scenario("recommended", lines)).await;
    assert_eq!(played.outcome, Outcome::Pass, "{}", actual(&played));
}

/// Plays a racy scenario on a gateway whose answers to the case are these statuses in turn.
async fn racy(statuses: &'static [&str], repeat: &str) -> (Outcome, u32) {
    let turn = AtomicUsize::new(0);
    let mut tiny = answering(move |_| {
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        reply(statuses[turn], "")
    })
    .await;
    let lines = format!("{WANTS_200}\nrepeat = {repeat}");
    let played = play(&mut tiny, &scenario("recommended", &lines)).await;
    (played.outcome, played.repeats)
}

#[tokio::test]
async fn a_racy_case_needs_its_quorum_and_no_more_runs_than_that() {
    const OK: &str = "200 OK";
    const BAD: &str = "500 Oops";
    let two_of_three = "{ times = 3, quorum = 2 }";
    assert_eq!(racy(&[OK, OK], two_of_three).await, (Outcome::Pass, 2));
    assert_eq!(racy(&[OK, BAD, OK], two_of_three).await, (Outcome::Pass, 3));
    assert_eq!(
        racy(&[BAD, OK, BAD], two_of_three).await,
        (Outcome::Fail, 3)
    );
    assert_eq!(racy(&[BAD, BAD], two_of_three).await, (Outcome::Fail, 2));
}
