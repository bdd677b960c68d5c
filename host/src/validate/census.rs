//! What a process has: its threads, what it has open, its children, its memory. By `/proc`, on Linux;
//! elsewhere nothing is known.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod heap;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// How long is waited between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How long what is ending may take for each further step, and altogether while it is at work.
const ENDING: Duration = Duration::from_millis(1500);
const ENDING_AT_WORK: Duration = Duration::from_secs(10);

/// What a process has, each thing by its number and with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// The threads.
    pub(crate) threads: Vec<(u32, String)>,
    /// The descriptors, with what they are of.
    pub(crate) descriptors: Vec<(u32, String)>,
    /// The processes that it has started and that go on.
    pub(crate) children: Vec<(u32, String)>,
}

/// The threads of this process at a moment.
#[derive(Clone, Debug)]
pub(crate) enum Threads {
    /// By their numbers; `None` where they cannot be known.
    Known(Option<BTreeSet<u32>>),
    /// Whatever there is: other tests.
    #[cfg(test)]
    OfTests,
}

impl Census {
    /// What this process has now; `None` where that is not known.
    pub(crate) fn now() -> Option<Census> {
        let own = PathBuf::from("/proc/self");
        let name = |task: &PathBuf| fs::read_to_string(task.join("comm")).unwrap_or_default();
        let threads = numbered(own.join("task"), |task| Some(name(task).trim_end().to_owned()))?;
        // The folder that is being read has a descriptor itself: by then it is closed.
        let descriptors = numbered(own.join("fd"), |link| {
            Some(fs::read_link(link).ok()?.to_string_lossy().into_owned())
        })?;
        let fds = format!("/proc/{}/fd", std::process::id());
        let descriptors = descriptors.into_iter().filter(|(_, of)| *of != fds).collect();
        Some(Census { threads, descriptors, children: children(std::process::id()) })
    }

    /// What is here and was not before.
    pub(crate) fn beyond(&self, before: &Census) -> Census {
        type Same = fn(&(u32, String), &(u32, String)) -> bool;
        let new = |now: &[(u32, String)], before: &[(u32, String)], same: Same| {
            let is_new = |it: &&(u32, String)| !before.iter().any(|other| same(it, other));
            now.iter().filter(is_new).cloned().collect()
        };
        // A thread or process may get its name later; a descriptor's number is given again.
        let by_number: Same = |one, other| one.0 == other.0;
        Census {
            threads: new(&self.threads, &before.threads, by_number),
            descriptors: new(&self.descriptors, &before.descriptors, |one, other| one == other),
            children: new(&self.children, &before.children, by_number),
        }
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.threads.is_empty() && self.descriptors.is_empty() && self.children.is_empty()
    }

    /// Whether any thread or process of these has the processor, or waits for it.
    fn is_at_work(&self) -> bool {
        self.threads.iter().any(|(thread, _)| is_at_work(&format!("self/task/{thread}")))
            || self.children.iter().any(|(child, _)| is_at_work(&child.to_string()))
    }
}

/// What is there beyond what was before, once that is nothing, or does not change any more: what ends
/// takes a moment.
pub(crate) fn left_beyond(before: &Census) -> Option<Census> {
    let mut last = Census::now()?.beyond(before);
    let begun = Instant::now();
    let mut since = begun;
    while !last.is_empty() && since.elapsed() < ENDING {
        thread::sleep(LOOK_AGAIN);
        let now = Census::now()?.beyond(before);
        if now != last || (now.is_at_work() && begun.elapsed() < ENDING_AT_WORK) {
            (last, since) = (now, Instant::now());
        }
    }
    Some(last)
}

impl Threads {
    /// The threads that there are now.
    pub(crate) fn now() -> Threads {
        Threads::Known(numbers())
    }

    /// Whether there is no other now.
    pub(crate) fn are_all(&self) -> bool {
        match self {
            Threads::Known(Some(before)) => numbers().is_some_and(|now| now.is_subset(before)),
            Threads::Known(None) => false,
            #[cfg(test)]
            Threads::OfTests => true,
        }
    }

    /// Whether another one has the processor now or waits for it, so that it is not over with what it
    /// does, however long that takes on a busy machine.
    pub(crate) fn are_at_work(&self) -> bool {
        let Threads::Known(Some(before)) = self else { return false };
        let now = numbers().unwrap_or_default();
        now.difference(before).any(|thread| is_at_work(&format!("self/task/{thread}")))
    }
}

fn numbers() -> Option<BTreeSet<u32>> {
    let entries = fs::read_dir("/proc/self/task").ok()?.flatten();
    Some(entries.filter_map(|it| it.file_name().to_str()?.parse().ok()).collect())
}

/// How many bytes of memory are this process's alone and in use.
pub(crate) fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// How many bytes the system's allocator has given away and not got back; to 4 GiB, after which it
/// begins anew. `None` where it cannot be asked.
pub(crate) fn heap() -> Option<u64> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    return Some(heap::in_use());
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    None
}

/// The processes that a process has started and that go on: not those that have ended, and that nobody
/// has waited for yet.
pub(crate) fn children(process: u32) -> Vec<(u32, String)> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let of_task = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).ok();
    let numbers: String = tasks.filter_map(of_task).collect();
    let numbers = numbers.split_whitespace().filter_map(|number| number.parse().ok());
    let mut children: Vec<_> = numbers
        .filter_map(|child: u32| {
            let (name, state) = name_and_state(&child.to_string())?;
            (state != 'Z').then_some((child, name))
        })
        .collect();
    children.sort();
    children
}

/// Whether a thread or process, by its folder, has the processor or waits for it or for a disk.
fn is_at_work(task: &str) -> bool {
    name_and_state(task).is_some_and(|(_, state)| matches!(state, 'R' | 'D'))
}

fn name_and_state(task: &str) -> Option<(String, char)> {
    // `number (name) state …`, where a name may have anything in it.
    let stat = fs::read_to_string(format!("/proc/{task}/stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    Some((name.to_owned(), rest.trim_start().chars().next()?))
}

fn numbered(
    folder: PathBuf,
    name: impl Fn(&PathBuf) -> Option<String>,
) -> Option<Vec<(u32, String)>> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, name(&entry.path())?))
        })
        .collect();
    found.sort();
    Some(found)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::process::Command;
    use std::sync::mpsc::{self, Receiver, TryRecvError};

    use super::*;

    #[test]
    fn what_is_new_is_counted_and_named() {
        let before = Census::now().unwrap();
        let file = File::open("/proc/self/status").unwrap();
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let new = Census::now().unwrap().beyond(&before);
        assert!(new.descriptors.iter().any(|(_, of)| of.ends_with("/status")), "{new:?}");
        assert!(new.children.iter().any(|(number, _)| *number == child.id()), "{new:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        drop(file);
        assert!(memory().unwrap() > 0);
    }

    #[test]
    fn a_thread_that_began_later_is_another() {
        let before = Threads::now();
        let (end, ended) = mpsc::channel::<()>();
        let thread = thread::spawn(move || ended.recv());
        assert!(!before.are_all());
        drop(end);
        let _ = thread.join();
    }

    #[test]
    fn who_computes_is_at_work_and_who_waits_is_not() {
        let begins = |work: fn(Receiver<()>)| {
            let (end, ended) = mpsc::channel();
            let (begun, has_begun) = mpsc::channel();
            let thread = thread::spawn(move || {
                begun.send(fs::read_link("/proc/thread-self")).unwrap();
                work(ended);
            });
            let task = has_begun.recv().unwrap().unwrap();
            (end, thread, task.display().to_string())
        };
        let works = begins(|ended| while ended.try_recv() == Err(TryRecvError::Empty) {});
        let waits = begins(|ended| ended.recv().unwrap_or_default());
        while is_at_work(&waits.2) {
            thread::sleep(LOOK_AGAIN);
        }
        assert!(is_at_work(&works.2));
        for (end, thread, _) in [works, waits] {
            drop(end);
            thread.join().unwrap();
        }
    }
}
