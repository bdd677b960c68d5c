//! Its messages survive their JSON and their bytes: what is shown of them is JSON, and what is made of
//! either is the same value.

use std::collections::BTreeMap;

use lifespan_abi::{Message, MessageTypeRef};
use serde_json::Value;

use crate::validate::life::{Course, live};
use crate::validate::neighbour::{Neighbour, made_of};
use crate::validate::world::World;
use crate::validate::{Check, Finding, Stage, Subject};

/// How often bytes are made before they are taken to be the same each time.
const READS: usize = 8;

pub(super) const CHECK: Check = Check {
    name: "messages",
    proves: "its messages are JSON when they are shown, and the same when they are read again",
    remedy: "have what reads a message's type accept all that its writing side makes",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let mut neighbour: Option<Neighbour> = None;
    let mut topics: BTreeMap<String, (MessageTypeRef, Vec<Message>)> = BTreeMap::new();
    let look = &mut |world: &World| {
        let neighbour = neighbour.get_or_insert_with(|| Neighbour::of(world.bus()));
        for (topic, kind) in neighbour.topics() {
            topics.entry(topic).or_insert((kind, Vec::new()));
        }
        for (topic, message) in neighbour.heard() {
            topics.entry(topic).or_insert((message.kind(), Vec::new())).1.push(message);
        }
    };
    live(subject, Course::whole(look))?.is_set_up()?;
    if topics.is_empty() {
        return Err(Finding::skipped("it opens no topic"));
    }
    let mut untried = Vec::new();
    let all = topics.len();
    for (topic, (kind, published)) in topics {
        // Of a topic on which nobody has published there are only these.
        let messages: Vec<_> = published.into_iter().chain(made_of(kind)).collect();
        if messages.is_empty() {
            untried.push(format!("`{topic}`"));
        }
        for message in messages {
            judge(&message).map_err(|reason| {
                let kind = message.kind().name();
                Finding::failed(format!("topic `{topic}`, a message of type `{kind}`: {reason}"))
            })?;
        }
    }
    if untried.is_empty() {
        return Ok(());
    }
    let untried_on = untried.join(", ");
    let reason = format!("nothing is published on {untried_on}: what would be is not known");
    if untried.len() == all {
        return Err(Finding::skipped(reason));
    }
    Err(Finding { note: Some(reason), ..Finding::passed() })
}

/// An error, which says why, if a message does not survive.
fn judge(message: &Message) -> Result<(), String> {
    let text = message.to_json().map_err(|why| format!("it cannot be shown: {why}"))?;
    let shown = |text: &str| {
        let value = serde_json::from_str::<Value>(text);
        value.map_err(|error| format!("what is shown of it is no JSON: {error}"))
    };
    let value = shown(&text)?;
    let kind = message.kind();
    let read = Message::from_json(kind, &text);
    let read = read.map_err(|why| format!("its own JSON is refused, {}: {why}", short(&text)))?;
    let again = read.to_json().and_then(|text| shown(&text))?;
    if again != value {
        let again = short(&again.to_string());
        return Err(format!("its JSON {} is read as {again}", short(&text)));
    }
    let bytes = message.to_bytes().map_err(|why| format!("it has no bytes: {why}"))?;
    let copy = Message::from_bytes(kind, &bytes);
    let copy = copy.map_err(|why| format!("its own bytes are refused: {why}"))?;
    let again = copy.to_json().and_then(|text| shown(&text))?;
    if again != value {
        let again = short(&again.to_string());
        return Err(format!("the bytes of {} are read as {again}", short(&text)));
    }
    // What is in no order, such as a map, has other bytes each time.
    let has =
        |made: Result<Message, String>| made.and_then(|it| it.to_bytes()) == Ok(bytes.clone());
    let is_steady = (0..READS).all(|_| has(Message::from_bytes(kind, &bytes)));
    if is_steady && !(0..READS).any(|_| has(Message::from_json(kind, &text))) {
        return Err(format!("its JSON {} has not all that its bytes have", short(&text)));
    }
    Ok(())
}

/// A text that fits into a line.
fn short(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
