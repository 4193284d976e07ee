use std::thread;

use nix::sys::wait::{WaitStatus, waitpid};

use super::*;
use crate::master::fork;

fn occupied(workers: usize, cores: usize) -> Scoreboard {
    let board = Scoreboard::new(workers, cores).unwrap();
    for worker in board.workers() {
        worker.occupy();
        worker.set_state(State::Serving);
    }
    board
}

#[test]
fn each_worker_counts_its_own_and_all() {
    let board = occupied(2, 1);
    assert_eq!(board.worker(0).count(), (1, 1));
    assert_eq!(board.worker(1).count(), (1, 2));
    assert_eq!(board.worker(0).count(), (2, 3));
    assert_eq!(board.requests(), 3);
}

#[test]
fn a_new_process_in_a_place_goes_on_counting_and_counts_its_own_anew() {
    let worker = occupied(1, 1).worker(0);
    worker.count();
    worker.occupy();
    worker.count();
    let facts = worker.facts();
    assert_eq!(
        (facts.requests, facts.delta_requests, facts.spawns),
        (2, 1, 2)
    );
}

#[test]
fn a_worker_is_busy_while_one_of_its_cores_is() {
    let worker = occupied(1, 3).worker(0);
    assert_eq!(worker.status(), Status::Idle);
    let running = worker.core(2).begin(b"127.0.0.1", b"GET", b"/x");
    assert_eq!(worker.status(), Status::Busy);
    thread::sleep(std::time::Duration::from_millis(2));
    running.end();
    worker.count_sent(7);
    assert_eq!(worker.status(), Status::Idle);
    let facts = worker.facts();
    assert_eq!(facts.tx, 7);
    assert!(facts.running_time >= 2000);
    assert_eq!(facts.average_time, facts.running_time / 2);
    worker.vacate();
    assert_eq!((worker.status(), worker.pid()), (Status::Cheap, None));
}

#[test]
fn a_core_tells_what_it_runs() {
    let core = occupied(2, 2).worker(1).core(1);
    let running = core.begin(b"127.0.0.1", b"GET", b"/slow?a");
    core.set_deadline(9);
    core.attach_thread();
    let current = core.current();
    assert_eq!(current.uri, b"/slow?a");
    assert_eq!(current.remote_addr, b"127.0.0.1");
    assert!(current.began_us > 0 && current.began_at > 0);
    assert_eq!((core.running(), core.deadline()), (1, Some(9)));
    assert!(core.thread().is_some());
    drop(running);
    assert_eq!((core.running(), core.facts().requests), (0, 0));
}

#[test]
fn a_process_that_has_left_its_place_no_longer_counts_what_runs_there() {
    let worker = occupied(1, 1).worker(0);
    let left = worker.core(0);
    let running = left.begin(b"", b"GET", b"/");
    worker.occupy();
    running.end();
    left.set_deadline(4);
    assert_eq!(
        (worker.core(0).running(), worker.core(0).deadline()),
        (0, None)
    );
    assert_eq!(worker.core(0).facts().requests, 1);
}

#[test]
fn records_of_workers_and_cores_do_not_overlap() {
    let board = occupied(3, 2);
    let cores = || board.workers().flat_map(|worker| worker.cores());
    let begin = |(place, core): (usize, CoreSlot)| {
        core.count(Counter::Static);
        core.begin(b"", b"GET", place.to_string().as_bytes())
    };
    let _running: Vec<_> = cores().enumerate().map(begin).collect();
    for (place, core) in cores().enumerate() {
        assert_eq!(core.current().uri, place.to_string().into_bytes());
        assert_eq!((core.running(), core.facts().static_requests), (1, 1));
    }
}

#[test]
fn threads_that_write_and_read_at_once_see_whole_texts_or_none() {
    let core = occupied(1, 1).worker(0).core(0);
    let writer = thread::spawn(move || {
        for byte in (b'a'..=b'z').cycle().take(20_000) {
            core.begin(&[byte; 40], b"GET", &[byte; 40]);
        }
    });
    while !writer.is_finished() {
        let current = core.current();
        assert_eq!(current.remote_addr, current.uri);
    }
    writer.join().unwrap();
}

#[test]
fn a_forked_process_writes_what_its_parent_reads() {
    let worker = occupied(1, 1).worker(0);
    let child = fork::spawn(None, || {
        worker.occupy();
        worker.count();
        0
    });
    let child = child.unwrap();
    assert!(matches!(
        waitpid(child, None).unwrap(),
        WaitStatus::Exited(_, 0)
    ));
    assert_eq!(worker.pid(), Some(child));
    assert_eq!(worker.facts().requests, 1);
}
