//! A discrete-event simulation of one machine: cores that are shared evenly by what computes, and
//! workers that a request holds from its first instruction to its end.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use crate::stats::SplitMix;

/// What one request takes, in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// CPU time of the client, where it shares the machine; 0 where it does not.
    pub client: f64,
    /// CPU time of the gateway.
    pub gateway: f64,
    /// CPU time of the application server with its application.
    pub backend: f64,
    /// What each of the three takes in addition when it had nothing to do and must be woken:
    /// client, gateway, application server. Who is busy takes the next request without that.
    pub wake: [f64; 3],
    /// Time that the application waits for something else, its worker held.
    pub wait: f64,
    /// How much CPU times differ between requests.
    pub shape: Shape,
}

/// The distribution of CPU times around their mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// All the same.
    Even,
    /// Exponential: many short, few long ones. What is assumed where nothing is known.
    Exponential,
}

/// What is asked of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// So many requests per second, at random times.
    Open(f64),
    /// So many clients, each of which sends its next request when the last is answered.
    Closed(u32),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Answered requests per second.
    pub rps: f64,
    /// Share of the cores' time that was used, 0 to 1.
    pub busy: f64,
    /// Latencies in microseconds, ascending.
    latencies: Vec<f64>,
    /// Workers in use when a request took one, ascending.
    in_use: Vec<u32>,
}

impl Observed {
    /// Latency below which this share (0 to 1) of the requests was answered, in microseconds.
    pub fn latency(&self, share: f64) -> f64 {
        at(&self.latencies, share).unwrap_or_default()
    }

    /// Workers in use, at most, for this share (0 to 1) of the requests.
    pub fn workers(&self, share: f64) -> u32 {
        at(&self.in_use, share).unwrap_or_default()
    }
}

fn at<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (share.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// Plays `requests` requests on `cores` cores with `workers` workers (`None`: as many as needed).
/// The first tenth is not counted. The same arguments give the same answer.
pub fn simulate(
    demand: &Demand,
    load: Load,
    cores: u32,
    workers: Option<u32>,
    requests: usize,
) -> Observed {
    Machine::new(demand, load, cores, workers, requests).run()
}

/// A moment or an amount of work; never NaN.
#[derive(Clone, Copy, PartialEq)]
struct Moment(f64);

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Client,
    Gateway,
    Backend,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    came: Moment,
    phase: Phase,
}

struct Machine<'a> {
    demand: &'a Demand,
    load: Load,
    cores: f64,
    free: Option<u32>,
    in_use: u32,
    random: SplitMix,
    now: f64,
    /// Work that each computing request has had since the beginning.
    had: f64,
    computing: BinaryHeap<Reverse<(Moment, Request)>>,
    /// How many of them compute in each phase.
    in_phase: [u32; 3],
    waiting: BinaryHeap<Reverse<(Moment, Request)>>,
    queue: VecDeque<Request>,
    next_arrival: f64,
    used: f64,
    skip: usize,
    left: usize,
    counted_from: f64,
    used_before: f64,
    latencies: Vec<f64>,
    seen_in_use: Vec<u32>,
}

impl<'a> Machine<'a> {
    fn new(
        demand: &'a Demand,
        load: Load,
        cores: u32,
        workers: Option<u32>,
        requests: usize,
    ) -> Self {
        let mut machine = Self {
            demand,
            load,
            cores: f64::from(cores.max(1)),
            free: workers.map(|count| count.max(1)),
            in_use: 0,
            random: SplitMix(0x6761_7465),
            now: 0.0,
            had: 0.0,
            computing: BinaryHeap::new(),
            in_phase: [0; 3],
            waiting: BinaryHeap::new(),
            queue: VecDeque::new(),
            next_arrival: f64::INFINITY,
            used: 0.0,
            skip: requests / 10,
            left: requests.max(1),
            counted_from: 0.0,
            used_before: 0.0,
            latencies: Vec::with_capacity(requests),
            seen_in_use: Vec::with_capacity(requests),
        };
        match load {
            Load::Open(_) => machine.next_arrival = machine.gap(),
            Load::Closed(clients) => (0..clients.max(1)).for_each(|_| machine.arrive()),
        }
        machine
    }

    fn run(mut self) -> Observed {
        while self.left > 0 {
            self.step();
        }
        self.latencies.sort_by(f64::total_cmp);
        self.seen_in_use.sort_unstable();
        let time = self.now - self.counted_from;
        Observed {
            rps: self.latencies.len() as f64 * 1e6 / time,
            busy: (self.used - self.used_before) / (time * self.cores),
            latencies: self.latencies,
            in_use: self.seen_in_use,
        }
    }

    /// To the next event.
    fn step(&mut self) {
        let count = self.computing.len() as f64;
        let speed = (self.cores / count).min(1.0);
        let computed = self
            .computing
            .peek()
            .map_or(f64::INFINITY, |Reverse(next)| {
                self.now + (next.0.0 - self.had) / speed
            });
        let waited = self.waiting.peek().map_or(f64::INFINITY, |it| it.0.0.0);
        let then = computed.min(waited).min(self.next_arrival);
        if count > 0.0 {
            self.had += (then - self.now) * speed;
            self.used += (then - self.now) * count * speed;
        }
        self.now = then;
        if then == self.next_arrival {
            self.next_arrival = self.now + self.gap();
            self.arrive();
        } else if then == computed {
            if let Some(Reverse((_, request))) = self.computing.pop() {
                self.computed(request);
            }
        } else if let Some(Reverse((_, request))) = self.waiting.pop() {
            self.ended(request);
        }
    }

    fn gap(&mut self) -> f64 {
        match self.load {
            Load::Open(rate) => self.random.exponential() * 1e6 / rate,
            Load::Closed(_) => f64::INFINITY,
        }
    }

    fn arrive(&mut self) {
        let came = Moment(self.now);
        let phase = match self.demand.client {
            0.0 => Phase::Gateway,
            _ => Phase::Client,
        };
        self.compute(Request { came, phase });
    }

    fn compute(&mut self, request: Request) {
        let mean = match request.phase {
            Phase::Client => self.demand.client,
            Phase::Gateway => self.demand.gateway,
            Phase::Backend => self.demand.backend,
        };
        let work = match self.demand.shape {
            Shape::Even => mean,
            Shape::Exponential => mean * self.random.exponential(),
        };
        let phase = request.phase as usize;
        let work = match self.in_phase[phase] {
            0 => work + self.demand.wake[phase],
            _ => work,
        };
        self.in_phase[phase] += 1;
        self.computing
            .push(Reverse((Moment(self.had + work), request)));
    }

    fn computed(&mut self, request: Request) {
        self.in_phase[request.phase as usize] -= 1;
        match request.phase {
            Phase::Client => self.compute(Request {
                phase: Phase::Gateway,
                ..request
            }),
            Phase::Gateway if self.free.is_some_and(|free| self.in_use >= free) => {
                self.queue.push_back(request);
            }
            Phase::Gateway => self.take_worker(request),
            Phase::Backend if self.demand.wait > 0.0 => {
                let until = Moment(self.now + self.demand.wait);
                self.waiting.push(Reverse((until, request)));
            }
            Phase::Backend => self.ended(request),
        }
    }

    fn take_worker(&mut self, request: Request) {
        self.in_use += 1;
        if self.skip == 0 {
            self.seen_in_use.push(self.in_use);
        }
        self.compute(Request {
            phase: Phase::Backend,
            ..request
        });
    }

    fn ended(&mut self, request: Request) {
        self.in_use -= 1;
        if let Some(next) = self.queue.pop_front() {
            self.take_worker(next);
        }
        self.left = self.left.saturating_sub(1);
        if self.skip > 0 {
            self.skip -= 1;
            self.counted_from = self.now;
            self.used_before = self.used;
        } else {
            self.latencies.push(self.now - request.came.0);
        }
        if matches!(self.load, Load::Closed(_)) {
            self.arrive();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(backend: f64, shape: Shape) -> Demand {
        Demand {
            client: 0.0,
            gateway: 0.0,
            backend,
            wake: [0.0; 3],
            wait: 0.0,
            shape,
        }
    }

    fn mean(observed: &Observed) -> f64 {
        observed.latencies.iter().sum::<f64>() / observed.latencies.len() as f64
    }

    fn near(value: f64, expected: f64, share: f64) {
        let off = (value - expected).abs() / expected;
        assert!(off < share, "{value} instead of {expected}");
    }

    #[test]
    fn one_shared_core_answers_as_the_theory_of_processor_sharing_says() {
        // M/M/1-PS: mean latency is service / (1 - load).
        let observed = simulate(
            &demand(1000.0, Shape::Exponential),
            Load::Open(700.0),
            1,
            None,
            200_000,
        );
        near(mean(&observed), 1000.0 / 0.3, 0.05);
        near(observed.busy, 0.7, 0.02);
        near(observed.rps, 700.0, 0.02);
    }

    #[test]
    fn workers_that_wait_answer_as_erlang_says() {
        // M/D/c with c = 1 is M/D/1: mean wait = load * service / (2 (1 - load)).
        let demand = Demand {
            wait: 10_000.0,
            ..demand(0.001, Shape::Even)
        };
        let observed = simulate(&demand, Load::Open(80.0), 1, Some(1), 200_000);
        near(mean(&observed), 10_000.0 + 0.8 * 10_000.0 / 0.4, 0.06);
    }

    #[test]
    fn who_is_busy_is_not_woken() {
        let demand = Demand {
            wake: [0.0, 0.0, 200.0],
            ..demand(300.0, Shape::Even)
        };
        let alone = simulate(&demand, Load::Closed(1), 2, None, 1000);
        near(alone.rps, 1e6 / 500.0, 0.001);
        let many = simulate(&demand, Load::Closed(64), 2, None, 100_000);
        near(many.rps, 2.0 * 1e6 / 300.0, 0.02);
    }

    #[test]
    fn clients_that_wait_for_answers_get_what_the_cores_can_do_and_no_more() {
        let demand = Demand {
            gateway: 100.0,
            ..demand(300.0, Shape::Exponential)
        };
        let observed = simulate(&demand, Load::Closed(32), 2, None, 100_000);
        near(observed.rps, 2.0 * 1e6 / 400.0, 0.02);
        let alone = simulate(&demand, Load::Closed(1), 2, None, 100_000);
        near(alone.rps, 1e6 / 400.0, 0.02);
    }

    #[test]
    fn a_pool_that_waits_is_limited_by_its_workers() {
        let demand = Demand {
            wait: 50_000.0,
            ..demand(10.0, Shape::Even)
        };
        let observed = simulate(&demand, Load::Closed(200), 2, Some(16), 20_000);
        near(observed.rps, 16.0 * 1e6 / 50_010.0, 0.02);
        assert_eq!(observed.workers(0.5), 16);
    }

    #[test]
    fn without_workers_the_most_that_run_at_a_time_are_told() {
        let demand = Demand {
            wait: 100_000.0,
            ..demand(1.0, Shape::Even)
        };
        let observed = simulate(&demand, Load::Open(200.0), 1, None, 50_000);
        // Little: 20 on average.
        assert!((15..=25).contains(&observed.workers(0.5)));
        assert!(observed.workers(0.999) > 30);
    }

    #[test]
    fn the_same_question_gets_the_same_answer() {
        let ask = || {
            simulate(
                &demand(500.0, Shape::Exponential),
                Load::Open(900.0),
                1,
                Some(2),
                5000,
            )
        };
        assert_eq!(ask(), ask());
    }
}
