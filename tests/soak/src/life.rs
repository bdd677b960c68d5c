//! A topic's life after life: it is opened, used by instances that come and go, closed, and forgotten.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lifespan_plugin_api::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::chance::Chance;
use crate::follow::Reached;
use crate::holder::Holder;
use crate::payload::Payload;
use crate::publisher::Publisher;
use crate::subscriber::{Place, Subscriber};
use crate::world::{Party, Verdict, World, once};

/// How long anything may take that has to end. It takes a thousandth of that.
const LIMIT: Duration = Duration::from_secs(20);

/// How many instances use a topic at the most, beside its owner.
const PARTIES: usize = 6;

/// What the actors of one life share.
pub(crate) struct Life {
    pub(crate) number: u64,
    /// Nobody is to publish any more.
    quiet: AtomicBool,
    /// Set before the topic is closed.
    closing: AtomicBool,
    publishers: AtomicU64,
    /// How far those came that received until the end.
    reached: Mutex<Vec<Reached>>,
}

/// An instance, with what it has spawned.
struct Team {
    party: Party,
    publishes: bool,
    tasks: Vec<Task>,
}

/// Something that an instance has spawned.
struct Task {
    handle: JoinHandle<Verdict>,
    /// Of a subscription: the number behind the last message that it has seen.
    seen: Arc<AtomicU64>,
}

impl Life {
    fn new(number: u64) -> Life {
        let (quiet, closing) = (AtomicBool::new(false), AtomicBool::new(false));
        Life { number, quiet, closing, publishers: AtomicU64::new(0), reached: Mutex::default() }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// How many publishers have begun.
    pub(crate) fn publishers(&self) -> u64 {
        self.publishers.load(Ordering::SeqCst)
    }

    /// A number for one more.
    pub(crate) fn begin_publisher(&self) -> u64 {
        self.publishers.fetch_add(1, Ordering::SeqCst)
    }

    /// A stream has ended with the topic.
    pub(crate) fn reached(&self, reached: Option<Reached>) {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).extend(reached);
    }

    /// All that received until the end came equally far: nobody was told of the end too early.
    fn judge(&self) -> Verdict {
        let all = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = all.first() else { return Ok(()) };
        let mut last: HashMap<u64, u64> = HashMap::new();
        for reached in all.iter() {
            if reached.next != first.next {
                let (one, other) = (first.next, reached.next);
                return Err(format!("life {} ended at {one} and at {other}", self.number));
            }
            // Who has seen anything of a publisher, and missed nothing, has seen its last.
            for (publisher, next) in reached.publishers.iter().flatten() {
                let known = *last.entry(*publisher).or_insert(*next);
                if known != *next {
                    let number = self.number;
                    return Err(format!("life {number}: {publisher} ended at {known} and {next}"));
                }
            }
        }
        Ok(())
    }
}

/// A topic of that name, again and again, until time is up.
pub(crate) async fn lives<M: Payload>(world: Arc<World>, name: String, mut chance: Chance) {
    while !world.is_over() {
        if let Err(mistake) = live::<M>(&world, &name, chance.split()).await {
            return world.complain(format!("topic `{name}`: {mistake}"));
        }
    }
}

async fn live<M: Payload>(world: &Arc<World>, name: &str, mut chance: Chance) -> Verdict {
    let life = Arc::new(Life::new(world.begin_life()));
    let owner = world.party();
    let capacity = chance.pick(&[1, 2, 3, 8, 64, 1024]);
    let open = owner.ctx.topic_with_capacity::<M>(name, capacity);
    let topic = open.map_err(|error| error.to_string())?;
    if topic.has_value() {
        return Err("a topic has come again with a value".to_owned());
    }
    let mut teams: Vec<Team> = Vec::new();
    let mut retired: Vec<Task> = Vec::new();
    let end = Instant::now() + Duration::from_millis(50) + chance.up_to(2_000);
    while Instant::now() < end && !world.is_over() {
        match chance.below(10) {
            0..6 if teams.len() < PARTIES => {
                teams.push(Team::new::<M>(world, &life, name, capacity, &mut chance)?);
            }
            0..8 if !teams.is_empty() => {
                let at = chance.below(teams.len() as u64) as usize;
                match chance.below(4) {
                    // Those who publish and receive go on for a moment, and are aborted then.
                    0 => {
                        let team = teams.swap_remove(at);
                        team.party.end();
                        sleep(chance.up_to(10)).await;
                        drop(team.party);
                        retired.extend(team.tasks);
                    }
                    1 => {
                        let team = teams.swap_remove(at);
                        drop(team.party);
                        retired.extend(team.tasks);
                    }
                    _ => {
                        let tasks = &teams[at].tasks;
                        tasks[chance.below(tasks.len() as u64) as usize].handle.abort();
                    }
                }
            }
            8 => topic.notify(),
            _ => {}
        }
        sleep(chance.up_to(60)).await;
        collect(world, &mut retired).await;
    }
    if chance.one_in(2) {
        quieten(world, &life, &owner, name, &mut teams).await?;
    }
    life.closing.store(true, Ordering::SeqCst);
    topic.close().map_err(|error| error.to_string())?;
    let mut parties = Vec::new();
    for Team { party, tasks, .. } in teams {
        parties.push(party);
        retired.extend(tasks);
    }
    join(world, retired).await?;
    drop((topic, parties));
    forgotten(&owner, name).await?;
    life.judge()
}

/// Lets those who publish come to their end, and those who receive to the last message. Nothing wakes
/// them but each other: whoever has not been woken hangs.
async fn quieten(
    world: &World,
    life: &Life,
    owner: &Party,
    name: &str,
    teams: &mut [Team],
) -> Verdict {
    life.quiet.store(true, Ordering::Relaxed);
    for team in teams.iter_mut().filter(|team| team.publishes) {
        join(world, team.tasks.drain(..)).await?;
    }
    let mut last = owner.ctx.updates_of(name).map_err(|error| error.to_string())?;
    let Some(Some(last)) = once(last.recv()).await else { return Ok(()) };
    let begun = Instant::now();
    for task in teams.iter().flat_map(|team| &team.tasks) {
        // Who has seen nothing may have subscribed after the last.
        let waits = |seen| seen != 0 && seen <= last.sequence() && !task.handle.is_finished();
        while waits(task.seen.load(Ordering::Relaxed)) {
            if begun.elapsed() > LIMIT {
                let (seen, last) = (task.seen.load(Ordering::Relaxed), last.sequence());
                return Err(format!("a subscription hangs before {seen}, and {last} is the last"));
            }
            sleep(Duration::from_millis(1)).await;
        }
    }
    Ok(())
}

async fn join(world: &World, tasks: impl IntoIterator<Item = Task>) -> Verdict {
    for task in tasks {
        let ended = timeout(LIMIT, task.handle).await.map_err(|_| "an actor hangs".to_owned())?;
        world.ended(ended);
    }
    Ok(())
}

/// Waits until nobody has the topic any more.
async fn forgotten(owner: &Party, name: &str) -> Verdict {
    let begun = Instant::now();
    while owner.ctx.topics().iter().any(|topic| topic == name) {
        if begun.elapsed() > LIMIT {
            return Err("it is not forgotten".to_owned());
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Takes note of those that have ended.
async fn collect(world: &World, tasks: &mut Vec<Task>) {
    for task in tasks.extract_if(.., |task| task.handle.is_finished()) {
        world.ended(task.handle.await);
    }
}

impl Team {
    /// An instance of publishers or of subscribers: one that waits for itself is told so.
    fn new<M: Payload>(
        world: &Arc<World>,
        life: &Arc<Life>,
        name: &str,
        capacity: u32,
        chance: &mut Chance,
    ) -> Result<Team, String> {
        let party = world.party();
        let topic = party.ctx.topic_with_capacity::<M>(name, capacity);
        let topic = topic.map_err(|error| error.to_string())?;
        let publishes = chance.one_in(3);
        // One that holds several, since a claim is its instance's.
        let mut holds = chance.one_in(2);
        let mut member = |chance: Chance| {
            let (world, life, released) = (world.clone(), life.clone(), party.released());
            let (ctx, seen) = (party.ctx.clone(), Arc::<AtomicU64>::default());
            let handle = if publishes {
                let topic = topic.clone();
                let publisher = Publisher { world, life, topic, ctx, released, chance };
                party.ctx.spawn(publisher.run())
            } else {
                let place = Place { world, life, ctx, released, seen: seen.clone() };
                if mem::take(&mut holds) {
                    party.ctx.spawn(Holder::new(place, &topic, chance)?.run())
                } else {
                    party.ctx.spawn(Subscriber::new(place, &topic, chance).run())
                }
            };
            Ok(Task { handle, seen })
        };
        let members = (0..1 + chance.below(4)).map(|_| member(chance.split()));
        let tasks = members.collect::<Result<_, String>>()?;
        Ok(Team { party, publishes, tasks })
    }
}
