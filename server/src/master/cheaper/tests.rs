use std::time::Duration;

use super::*;
use crate::options::BusynessSettings;

const IDLE: Place = Place {
    active: true,
    free: false,
    busy: false,
    running_us: 0,
};
const BUSY: Place = Place { busy: true, ..IDLE };
const FREE: Place = Place {
    active: false,
    free: true,
    busy: false,
    running_us: 0,
};

fn load(places: &[Place], backlog: u32) -> Load {
    Load {
        places: places.to_vec(),
        backlog,
        now: Instant::now(),
    }
}

fn settings(algorithm: CheaperAlgorithm) -> CheaperSettings {
    CheaperSettings {
        least: Some(1),
        initial: 1,
        step: 2,
        overload: 3,
        algorithm,
        cheap: false,
        idle: None,
        die_on_idle: false,
    }
}

#[test]
fn spare_starts_workers_once_all_have_been_busy_for_long_enough() {
    let mut cheaper = Cheaper::new(&settings(CheaperAlgorithm::Spare), Instant::now());
    let overloaded = load(&[BUSY, FREE, FREE, FREE], 0);
    let decided: Vec<_> = (0..5)
        .map(|_| cheaper.decide(&overloaded, &mut |_| {}))
        .collect();
    assert_eq!(decided, [0, 0, 0, 2, 0]);
}

#[test]
fn spare_keeps_one_idle_worker_and_ends_others_in_time() {
    let mut cheaper = Cheaper::new(&settings(CheaperAlgorithm::Spare), Instant::now());
    let mut decide = |places: &[Place]| cheaper.decide(&load(places, 0), &mut |_| {});
    assert!((0..10).all(|_| decide(&[BUSY, IDLE, FREE]) == 0));
    let decided: Vec<_> = (0..6).map(|_| decide(&[IDLE, IDLE, IDLE])).collect();
    assert_eq!(decided, [0, 0, -1, 0, 0, -1]);
    assert!((0..10).all(|_| decide(&[IDLE, FREE, FREE]) == 0));
}

#[test]
fn backlog_follows_the_connections_that_wait() {
    let mut cheaper = Cheaper::new(&settings(CheaperAlgorithm::Backlog), Instant::now());
    let mut decide =
        |places: &[Place], waiting| cheaper.decide(&load(places, waiting), &mut |_| {});
    assert_eq!(decide(&[BUSY, FREE, FREE, FREE], 4), 2);
    assert_eq!(decide(&[BUSY, BUSY, FREE], 3), 0);
    assert_eq!(decide(&[BUSY, BUSY, FREE], 0), -1);
    assert_eq!(decide(&[BUSY, FREE, FREE], 0), 0);
}

#[test]
fn what_is_asked_by_hand_comes_first_and_once() {
    let mut cheaper = Cheaper::new(&settings(CheaperAlgorithm::Manual), Instant::now());
    assert!(!cheaper.looks());
    cheaper.ask(1);
    cheaper.ask(1);
    assert!(cheaper.looks());
    assert_eq!(cheaper.decide(&load(&[IDLE, FREE], 0), &mut |_| {}), 2);
    assert_eq!(cheaper.decide(&load(&[IDLE, FREE], 0), &mut |_| {}), 0);
}

const BUSYNESS: BusynessSettings = BusynessSettings {
    max: 50,
    min: 25,
    multiplier: 2,
    penalty: 2,
    verbose: false,
    backlog_alert: 33,
    backlog_step: 1,
    backlog_multiplier: 3,
    backlog_nonzero: Duration::from_secs(60),
};

#[test]
fn busyness_starts_workers_above_its_limit_and_ends_them_after_idle_periods() {
    let begin = Instant::now();
    let algorithm = CheaperAlgorithm::Busyness(BUSYNESS);
    let mut cheaper = Cheaper::new(&settings(algorithm), begin);
    let mut told = Vec::new();
    let mut decide = |second: u64, places: &[Place]| {
        let load = Load {
            places: places.to_vec(),
            backlog: 0,
            now: begin + Duration::from_secs(second),
        };
        cheaper.decide(&load, &mut |text| told.push(text))
    };
    // Two seconds of three were spent with requests.
    let spent = Place {
        running_us: 2_000_000,
        ..IDLE
    };
    assert_eq!(decide(3, &[spent, FREE, FREE]), 2);
    assert_eq!(decide(6, &[spent, IDLE, IDLE]), 0);
    assert_eq!(decide(9, &[spent, IDLE, IDLE]), -1);
    assert_eq!(
        told,
        [
            "[busyness] 3s average busyness is at 66%, will spawn 2 new worker(s)",
            "[busyness] 3s average busyness is at 0%, cheap one of 3 running workers",
        ]
    );
}

#[test]
fn busyness_starts_emergency_workers_when_too_many_connections_wait() {
    let algorithm = CheaperAlgorithm::Busyness(BUSYNESS);
    let mut cheaper = Cheaper::new(&settings(algorithm), Instant::now());
    let decided = cheaper.decide(&load(&[BUSY, FREE, FREE], 34), &mut |_| {});
    assert_eq!(decided, 1);
}
