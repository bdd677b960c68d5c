//! Nothing goes on after its tear-down: no thread, no child process, no job, no socket.

use crate::validate::census::{Census, left_beyond};
use crate::validate::life::{Course, Life, live};
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "left-behind",
    proves: "nothing is left when it is torn down: threads, processes, jobs, sockets, files",
    remedy: "end in the tear-down what was begun, and wait for its end; what is spawned by `ctx` ends \
             with the instance",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    // Loaded before it is counted.
    subject.spec()?;
    let Some(before) = Census::now() else {
        return Err(Finding::skipped("what a process has cannot be counted on this system"));
    };
    let first = whole(subject)?;
    if let [job, ..] = &*first.left.jobs {
        return Err(Finding::failed(format!("the job '{job}' goes on")));
    }
    let once = left_beyond(&before).unwrap_or_default();
    if !once.children.is_empty() {
        return Err(Finding::failed(format!("processes go on: {}", named(&once.children))));
    }
    if once.is_empty() {
        return Ok(());
    }
    // What a program has once for all its life, it does not have twice.
    let Some(before) = Census::now() else { return Ok(()) };
    whole(subject)?;
    let twice = left_beyond(&before).unwrap_or_default();
    if !twice.threads.is_empty() {
        return Err(Finding::failed(format!("threads go on: {}", named(&twice.threads))));
    }
    if !twice.descriptors.is_empty() {
        return Err(Finding::failed(format!("it is left open: {}", named(&twice.descriptors))));
    }
    if !once.threads.is_empty() {
        let reason = format!("threads go on after the first lifespan: {}", named(&once.threads));
        return Err(Finding::warned(reason).hint("see whether it is meant so: they never end"));
    }
    Ok(())
}

fn whole(subject: &Subject<'_>) -> Result<Life, Finding> {
    let life = live(subject, Course::whole(&mut |_| ()))?;
    life.is_set_up()?;
    Ok(life)
}

fn named(things: &[(u32, String)]) -> String {
    let named: Vec<_> = things.iter().map(|(number, name)| format!("{name} ({number})")).collect();
    named.join(", ")
}
