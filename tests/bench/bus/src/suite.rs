//! What is measured: all cells, with who runs in each.

use std::rc::Rc;
use std::sync::Arc;

use anyhow::Result;
use lifespan_bench_work::calls::Sendable;
use lifespan_bench_work::figures::Summary;
use lifespan_bench_work::latest::Latest;
use lifespan_bench_work::parked::Parked;
use lifespan_bench_work::payload::{Large, Payload, Small};
use lifespan_bench_work::pingpong::PingPong;
use lifespan_bench_work::quiet::Quiet;
use lifespan_bench_work::spread::Spread;

use crate::cell::{Cell, Contender, Side, Unit};
use crate::ours::{IN_PROCESS, InProcess, OVER_ABI, OverAbi};
use crate::peer::{Item, Peer, pingpong, spread};
use crate::peers::{
    AsyncBroadcast, Broadcast, Crossfire, CrossfireMany, Kanal, Mpsc, Postage, Watch, latest,
    parked, quiet,
};
use crate::runtime::{Kind, Shared};

/// How many messages a subscriber keeps that keeps any.
const KEPT: usize = 256;

const IN_PROCESS_SINGLY: &str = "lifespan, in process, singly";
const OVER_ABI_SINGLY: &str = "lifespan, over abi, singly";

/// Makes cells for one runtime.
struct Suite {
    shared: Shared,
    in_process: InProcess,
    over_abi: Rc<OverAbi>,
    /// Peers send small messages in an `Arc` too.
    arc: bool,
}

/// All cells, in the order in which they are shown.
pub(crate) fn cells(runtimes: &[Shared], over_abi: &Rc<OverAbi>, arc: bool) -> Vec<Cell> {
    let suite = |shared: &Shared| Suite {
        shared: shared.clone(),
        in_process: InProcess::new(shared),
        over_abi: over_abi.clone(),
        arc,
    };
    let suites: Vec<_> = runtimes.iter().map(suite).collect();
    let mut cells = Vec::new();
    for suite in &suites {
        for subscribers in [1, 8, 64] {
            cells.push(if arc {
                suite.lossless::<Small, Arc<Small>>(subscribers)
            } else {
                suite.lossless::<Small, Small>(subscribers)
            });
        }
        for subscribers in [1, 8, 64] {
            cells.push(suite.lossless::<Large, Arc<Large>>(subscribers));
        }
    }
    let others: [fn(&Suite) -> Cell; 9] = [
        Suite::kept,
        Suite::last_read,
        Suite::two_publishers,
        Suite::pingpong,
        Suite::quiet,
        Suite::updates,
        Suite::updates_pingpong,
        Suite::parked,
        Suite::handlers,
    ];
    for other in others {
        cells.extend(suites.iter().map(other));
    }
    cells
}

impl Suite {
    fn lossless<M: Sendable, P: Item>(&self, subscribers: u64) -> Cell {
        let run = spread_of(M::BYTES, subscribers);
        let mut contenders = self.ours::<M>(&run);
        let singly = Spread { burst: false, ..run.clone() };
        contenders.extend(self.ours_named::<M>(
            [IN_PROCESS_SINGLY, OVER_ABI_SINGLY],
            Side::Variant,
            &singly,
        ));
        contenders.extend(self.peers::<Crossfire, P>(&run));
        let title = format!("every message, {} bytes, {}", M::BYTES, self.shared.kind.name());
        let column = if subscribers == 1 {
            "1 subscriber".to_owned()
        } else {
            format!("{subscribers} subscribers")
        };
        let cell = self.cell(&title, Unit::Delivery, &run, contenders);
        Cell { column, is_primary: true, ..cell }
    }

    fn kept(&self) -> Cell {
        let run = Spread { keep: KEPT, ..spread_of(Small::BYTES, 8) };
        self.spread("one of 8 subscribers keeps its last 256 messages, 16 bytes", &run)
    }

    fn last_read(&self) -> Cell {
        let run = Spread { read_last: true, burst: false, ..spread_of(Small::BYTES, 8) };
        self.spread("the last value is read meanwhile, 8 subscribers, 16 bytes", &run)
    }

    fn two_publishers(&self) -> Cell {
        let run = Spread { publishers: 2, ..spread_of(Small::BYTES, 8) };
        self.spread("two publishers on a topic, 8 subscribers, 16 bytes", &run)
    }

    fn pingpong(&self) -> Cell {
        let mut contenders = vec![self.ours_pingpong(IN_PROCESS, false)];
        if self.has_libraries() {
            let libraries = self.over_abi.clone();
            contenders.push(Contender::new(OVER_ABI, Side::Ours, move |messages| {
                libraries.pingpong(&PingPong { messages, updates: false })
            }));
        }
        contenders.extend([
            self.peer_pingpong::<Broadcast>(),
            self.peer_pingpong::<Mpsc>(),
            self.peer_pingpong::<Crossfire>(),
            self.peer_pingpong::<Kanal>(),
            self.peer_pingpong::<Postage>(),
            self.peer_pingpong::<AsyncBroadcast>(),
        ]);
        self.waits("ping-pong, a round trip, 16 bytes", 1, contenders)
    }

    fn quiet(&self) -> Cell {
        let ours = self.in_process.clone();
        let mut contenders = vec![Contender::new(IN_PROCESS, Side::Ours, move |messages| {
            ours.quiet(&Quiet { messages })
        })];
        if self.has_libraries() {
            let libraries = self.over_abi.clone();
            contenders.push(Contender::new(OVER_ABI, Side::Ours, move |messages| {
                libraries.quiet(&Quiet { messages })
            }));
        }
        contenders.push(self.peer("tokio watch, send_replace", quiet));
        let run = spread_of(Small::BYTES, 0);
        self.cell("a publish without a subscriber, 16 bytes", Unit::Publish, &run, contenders)
    }

    fn updates(&self) -> Cell {
        let ours = self.in_process.clone();
        let ours = Contender::new(IN_PROCESS, Side::Ours, move |messages| {
            ours.latest(&Latest { messages })
        });
        let contenders = vec![ours, self.peer(Watch::NAME, latest)];
        let run = spread_of(Small::BYTES, 1);
        self.cell("updates: a publish, 1 subscriber, 16 bytes", Unit::Publish, &run, contenders)
    }

    fn updates_pingpong(&self) -> Cell {
        let contenders = vec![self.ours_pingpong(IN_PROCESS, true), self.peer_pingpong::<Watch>()];
        self.waits("updates: ping-pong, a round trip, 16 bytes", 1, contenders)
    }

    fn parked(&self) -> Cell {
        self.parked_as("one message to 64 parked subscriptions in 4 instances", false)
    }

    fn handlers(&self) -> Cell {
        self.parked_as("one message to 64 handlers in 4 instances, 4 subscriptions", true)
    }

    fn parked_as(&self, title: &str, handlers: bool) -> Cell {
        const INSTANCES: u64 = 4;
        const SUBSCRIPTIONS: u64 = 16;
        let run = move |messages| Parked {
            messages,
            instances: INSTANCES,
            subscriptions: SUBSCRIPTIONS,
            handlers,
        };
        let ours = self.in_process.clone();
        let mut contenders = vec![Contender::new(IN_PROCESS, Side::Ours, move |messages| {
            ours.parked(&run(messages))
        })];
        if self.has_libraries() {
            let libraries = self.over_abi.clone();
            contenders.push(Contender::new(OVER_ABI, Side::Ours, move |messages| {
                libraries.parked(&run(messages))
            }));
        }
        let all = INSTANCES * SUBSCRIPTIONS;
        let peer = move |messages| parked(messages, all);
        contenders.push(self.peer("tokio broadcast, 64 tasks", peer));
        self.waits(title, all, contenders)
    }

    /// A run of every message, with all contenders.
    fn spread(&self, title: &str, run: &Spread) -> Cell {
        let mut contenders = self.ours::<Small>(run);
        contenders.extend(match (run.publishers, self.arc) {
            (1, false) => self.peers::<Crossfire, Small>(run),
            (1, true) => self.peers::<Crossfire, Arc<Small>>(run),
            (_, false) => self.peers::<CrossfireMany, Small>(run),
            (_, true) => self.peers::<CrossfireMany, Arc<Small>>(run),
        });
        self.cell(title, Unit::Delivery, run, contenders)
    }

    fn ours<M: Sendable>(&self, run: &Spread) -> Vec<Contender> {
        self.ours_named::<M>([IN_PROCESS, OVER_ABI], Side::Ours, run)
    }

    fn ours_named<M: Sendable>(
        &self,
        names: [&'static str; 2],
        side: Side,
        run: &Spread,
    ) -> Vec<Contender> {
        let (linked, of_all) = (self.in_process.clone(), run.clone());
        let mut ours = vec![Contender::new(names[0], side, move |messages| {
            linked.spread::<M>(&Spread { messages, ..of_all.clone() })
        })];
        if self.has_libraries() {
            let (libraries, of_all) = (self.over_abi.clone(), run.clone());
            ours.push(Contender::new(names[1], side, move |messages| {
                libraries.spread(&Spread { messages, ..of_all.clone() })
            }));
        }
        ours
    }

    fn peers<C: Peer, P: Item>(&self, run: &Spread) -> Vec<Contender> {
        vec![
            self.peer_spread::<Broadcast, P>(run),
            self.peer_spread::<Mpsc, P>(run),
            self.peer_spread::<C, P>(run),
            self.peer_spread::<Kanal, P>(run),
            self.peer_spread::<Postage, P>(run),
            self.peer_spread::<AsyncBroadcast, P>(run),
        ]
    }

    fn peer_spread<B: Peer, P: Item>(&self, run: &Spread) -> Contender {
        let run = run.clone();
        self.peer(B::NAME, move |messages| spread::<B, P>(Spread { messages, ..run.clone() }))
    }

    fn peer_pingpong<B: Peer>(&self) -> Contender {
        self.peer(B::NAME, pingpong::<B>)
    }

    fn peer<F>(&self, name: &'static str, mut run: impl FnMut(u64) -> F + 'static) -> Contender
    where
        F: Future<Output = Result<Summary>>,
    {
        let shared = self.shared.clone();
        Contender::new(name, Side::Peer, move |messages| shared.wait(run(messages)))
    }

    fn ours_pingpong(&self, name: &'static str, updates: bool) -> Contender {
        let ours = self.in_process.clone();
        Contender::new(name, Side::Ours, move |messages| {
            ours.pingpong(&PingPong { messages, updates })
        })
    }

    /// The host's own runtime has workers, so a library is measured beside them only.
    fn has_libraries(&self) -> bool {
        self.shared.kind == Kind::TwoWorkers
    }

    fn waits(&self, title: &str, subscribers: u64, contenders: Vec<Contender>) -> Cell {
        let contenders = contenders.into_iter().map(Contender::few).collect();
        self.cell(title, Unit::Wait, &spread_of(Small::BYTES, subscribers), contenders)
    }

    fn cell(&self, title: &str, unit: Unit, run: &Spread, contenders: Vec<Contender>) -> Cell {
        Cell {
            title: title.to_owned(),
            column: self.shared.kind.name().to_owned(),
            is_primary: false,
            unit,
            runtime: self.shared.kind,
            publishers: run.publishers,
            subscribers: run.subscribers,
            bytes: run.bytes,
            contenders,
        }
    }
}

/// Every message to so many subscribers; how many messages is for the contender to say.
pub(crate) fn spread_of(bytes: u32, subscribers: u64) -> Spread {
    Spread {
        messages: 0,
        publishers: 1,
        subscribers,
        bytes,
        keep: 0,
        yields: 0,
        burst: true,
        read_last: false,
    }
}
