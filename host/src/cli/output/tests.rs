//! What is written while somebody reads, while nobody does, and when somebody reads again.

use super::*;

/// A reader that reads only while it is let.
#[derive(Clone, Default)]
struct Reader(Arc<(Mutex<(bool, String)>, Condvar)>);

impl Reader {
    fn stderr(&self, patience: Duration) -> Output {
        let reader = self.clone();
        let write = move |text: &str| {
            let (state, changed) = &*reader.0;
            let state = state.lock().unwrap();
            let mut state = changed.wait_while(state, |(reads, _)| !*reads).unwrap();
            state.1 += text;
            Ok(())
        };
        Output::with("test", write, |count| format!("{count} dropped\n"), patience)
    }

    fn read(&self) {
        self.0.0.lock().unwrap().0 = true;
        self.0.1.notify_all();
    }

    fn has(&self) -> String {
        self.0.0.lock().unwrap().1.clone()
    }
}

/// No test waits as long as this.
const EVER: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(50);

#[test]
fn nothing_is_lost_while_somebody_reads() {
    let reader = Reader::default();
    reader.read();
    let stderr = reader.stderr(EVER);
    let line = |thread: usize, nth: usize| format!("{thread} {nth} {}\n", "x".repeat(200));
    thread::scope(|scope| {
        for thread in 0..4 {
            let stderr = &stderr;
            scope.spawn(move || (0..2000).for_each(|nth| stderr.line(line(thread, nth))));
        }
    });
    stderr.flush();
    let has = reader.has();
    for thread in 0..4 {
        let own: String = (0..2000).map(|nth| line(thread, nth)).collect();
        let begin = format!("{thread} ");
        let got: String = has.split_inclusive('\n').filter(|it| it.starts_with(&begin)).collect();
        assert!(got == own, "lines of {thread} are missing, or in another order");
    }
}

#[test]
fn who_does_not_read_holds_up_nobody_and_what_was_dropped_is_counted_in_its_place() {
    let reader = Reader::default();
    let stderr = reader.stderr(SOON);
    let line = format!("{}\n", "x".repeat(CAPACITY / 16));
    for _ in 0..100 {
        stderr.line(line.clone());
    }
    // What must not be dropped is not, and waiting for it ends.
    stderr.talk("the report\n".into());
    assert!(!stderr.flush());
    assert_eq!(reader.has(), "");
    reader.read();
    // Waits for what is in the queue: now there is progress.
    let all_written = |state: &State| state.done == state.queued;
    while !all_written(&stderr.0.lock()) {
        thread::yield_now();
    }
    let has = reader.has();
    let kept = has.matches(&line).count();
    assert!((16..=17).contains(&kept), "{kept}");
    assert_eq!(has.replace(&line, ""), format!("{} dropped\nthe report\n", 100 - kept));
    stderr.line("and on\n".into());
    stderr.flush();
    assert!(reader.has().ends_with("the report\nand on\n"));
}

#[test]
fn a_full_queue_is_waited_for_while_there_is_progress() {
    let reader = Reader::default();
    let stderr = reader.stderr(EVER);
    stderr.line("x".repeat(CAPACITY));
    thread::scope(|scope| {
        let late = scope.spawn(|| stderr.line("late\n".into()));
        reader.read();
        late.join().unwrap();
    });
    stderr.flush();
    assert!(reader.has().ends_with("xlate\n"));
}

#[test]
fn data_is_waited_for_however_long_and_nothing_of_it_is_dropped() {
    let reader = Reader::default();
    let stdout = reader.stderr(Duration::ZERO);
    let line = format!("{}\n", "x".repeat(CAPACITY));
    stdout.data(line.clone());
    thread::scope(|scope| {
        let late = scope.spawn(|| stdout.data("late\n".into()));
        // Whoever drops instead of waiting has had the time to.
        thread::sleep(SOON);
        assert!(!late.is_finished());
        reader.read();
        late.join().unwrap();
    });
    let end = line + "late\n";
    while reader.has() != end {
        thread::yield_now();
    }
}

#[test]
fn the_first_write_that_fails_is_known() {
    let (count, full) = (Mutex::new(0), "the disk is full");
    let write = move |_: &str| {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count == 2 { Err(io::Error::other(full)) } else { Ok(()) }
    };
    let stdout = Output::with("test", write, |_| String::new(), EVER);
    for nth in 1..=3 {
        stdout.data("x".into());
        assert!(stdout.flush());
        assert_eq!(
            stdout.failure().map(|error| error.to_string()),
            (nth == 2).then(|| full.into())
        );
    }
}
