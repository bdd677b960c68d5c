//! A test on its way: what is to be run, how time passes, what fails, and what the test does meanwhile.

use std::any::Any;
use std::ffi::OsString;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use lifespan::probe::{Call, Fault, Probe};
use lifespan::testing::{Overdue, Part, Rehearsal, Time};
use lifespan::{Host, HostBuilder, Preparation, Rendering};
use lifespan_abi::ServicesBox;
use tracing::dispatcher;

use super::ended::{Ended, shown};
use super::library::alone;
use super::logs::Logs;
use crate::context::Context;
use crate::panics::install_panic_hook;
use crate::plugin::Plugin;

/// How long a lifespan may take by its own time, unless told otherwise.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// How long it may take by the time of all, which is long for a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a test does before the first set-up; what it gives is kept until the end.
type Before = Box<dyn FnOnce(&Context) -> Box<dyn Any>>;

/// A test of a plugin; see [`plugin`](super::plugin).
#[must_use = "a test does nothing unless it is run"]
pub struct Test {
    host: HostBuilder,
    plugin: &'static str,
    name: Option<String>,
    args: Vec<OsString>,
    beside: Vec<OsString>,
    faults: Vec<(Call, u64, Fault)>,
    time: Time,
    limit: Duration,
    before: Vec<Before>,
}

/// The test's own part in a run: a [`Context`] of an instance `tester`, which no failure is planned for.
pub struct Tester {
    context: Context,
    part: Part,
}

impl Test {
    pub(super) fn of<P: Plugin>() -> Self {
        Test {
            host: Host::builder("test").builtin(alone::<P>()),
            plugin: P::NAME,
            name: None,
            args: Vec::new(),
            beside: Vec::new(),
            faults: Vec::new(),
            time: if P::OWN_RUNTIME { Time::Flows } else { Time::Skips },
            limit: LIMIT,
            before: Vec::new(),
        }
    }

    /// Gives it arguments, after those that it has.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Has the instance be called `plugin@name`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Runs another plugin in the same chain, set up after it.
    pub fn beside<P: Plugin>(
        mut self,
        args: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        if P::NAME != self.plugin {
            self.host = self.host.builtin(alone::<P>());
        }
        if P::OWN_RUNTIME {
            self.time = Time::Flows;
        }
        self.beside.extend(["--then".into(), P::NAME.into()]);
        self.beside.extend(args.into_iter().map(Into::into));
        self
    }

    /// Has the `nth` call of that kind fail, counted from 1. A test whose faults do not all come about
    /// is one that fails.
    ///
    /// # Panics
    ///
    /// The call [cannot fail](Call::faults) in that way, or `nth` is 0; when it is run.
    pub fn fails(mut self, call: Call, nth: u64, fault: Fault) -> Self {
        self.faults.push((call, nth, fault));
        self
    }

    /// Has time pass as everywhere, and not skip to where the next sleep ends.
    pub fn real_time(mut self) -> Self {
        self.time = Time::Flows;
        self
    }

    /// Has time stand still once the tasks have begun, but where the test [lets it
    /// pass](Tester::pass). At the shutdown it moves again.
    pub fn time_by_hand(mut self) -> Self {
        self.time = Time::Stands;
        self
    }

    /// How long all of it may take by its own time before the test fails; an hour by default. By the
    /// time of all it is a minute.
    pub fn limit(mut self, limit: impl Into<Duration>) -> Self {
        self.limit = limit.into();
        self
    }

    /// Does something as the instance `tester` before the first set-up, such as opening a topic. What it
    /// gives back is kept until the end.
    pub fn before<R: 'static>(mut self, before: impl FnOnce(&Context) -> R + 'static) -> Self {
        self.before.push(Box::new(|context| Box::new(before(context))));
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// It does not end by itself within the [limit](Self::limit), or a fault has not come about.
    #[track_caller]
    pub fn run(self) -> Ended {
        self.lived(false, async |test| {
            test.shutdown().await;
            Ok(())
        })
    }

    /// Runs it for so long, then the shutdown begins.
    ///
    /// # Panics
    ///
    /// As for [`run`](Self::run).
    #[track_caller]
    pub fn run_for(self, time: impl Into<Duration>) -> Ended {
        let time = time.into();
        self.run_with(async |test| {
            test.pass(time).await;
            Ok(())
        })
    }

    /// Runs it with a test that takes part, from the moment in which all is set up. It lasts as long as
    /// the test, unless a plugin fails or asks for the shutdown: with the test's end that begins.
    ///
    /// # Panics
    ///
    /// The test fails or panics, or as for [`run`](Self::run).
    #[track_caller]
    pub fn run_with(self, test: impl AsyncFnOnce(Tester) -> anyhow::Result<()>) -> Ended {
        self.lived(true, test)
    }

    /// Runs it; with `stays`, as long as the test.
    #[track_caller]
    fn lived(self, stays: bool, test: impl AsyncFnOnce(Tester) -> anyhow::Result<()>) -> Ended {
        install_panic_hook();
        let logs = Logs::default();
        let _installed = dispatcher::set_default(&logs.dispatch());
        self.play(&logs, stays, test)
    }

    #[track_caller]
    fn play(
        self,
        logs: &Logs,
        stays: bool,
        test: impl AsyncFnOnce(Tester) -> anyhow::Result<()>,
    ) -> Ended {
        let plugin = self.plugin;
        let instance = match &self.name {
            Some(name) => format!("{plugin}@{name}"),
            None => plugin.to_owned(),
        };
        let probe = Probe::new();
        probe.record();
        for (call, nth, fault) in self.faults {
            probe.plan(&instance, call, nth, fault);
        }
        let line = [instance.clone().into()].into_iter().chain(self.args).chain(self.beside);
        let prepared = match self.host.build().prepare(line.collect(), Rendering::default()) {
            Ok(Preparation::Ready(prepared)) => prepared,
            Ok(Preparation::Answer(text)) => return Ended::answered(instance, text),
            Err(failures) => return Ended::refused(instance, failures),
        };
        let rehearsal = Rehearsal {
            prepared,
            probe: probe.clone(),
            time: self.time,
            stays,
            limit: self.limit,
            patience: PATIENCE,
        };
        let (first, mut kept) = (self.before, Vec::new());
        let before = |services: &Arc<ServicesBox>| {
            let context = Context::of_services(services.clone());
            kept.extend(first.into_iter().map(|before| before(&context)));
        };
        let ended = rehearsal.run(before, async |part| {
            test(Tester { context: Context::of_services(part.services.clone()), part }).await
        });
        drop(kept);
        let ended = match ended {
            Ok(ended) => ended,
            Err(overdue) => panic!(
                "{}; logged up to then:\n{}",
                late(&instance, self.limit, &overdue),
                shown(&logs.lines())
            ),
        };
        let all = Ended::new(instance, ended.outcome, ended.took, &probe, logs.lines());
        if let Some(Err(error)) = ended.value {
            panic!("the test fails: {error:?}\n{all}");
        }
        if let Some(planned) = probe.planned().first() {
            panic!("a fault has not come about: {planned}\n{all}");
        }
        all
    }
}

impl Tester {
    /// Lets so much time pass. All that is to happen until then has happened when this returns, also what
    /// is due at that very moment, with what it wakes; but not with [real time](Test::real_time), which
    /// waits for nobody.
    pub async fn pass(&self, time: impl Into<Duration>) {
        self.part.pass(time.into()).await;
    }
}

impl Deref for Tester {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Test { plugin, args, beside, time, .. } = self;
        let mut shown = f.debug_struct("Test");
        shown.field("plugin", plugin).field("args", args).field("beside", beside);
        shown.field("time", time).finish_non_exhaustive()
    }
}

impl fmt::Debug for Tester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tester").field("context", &self.context).finish_non_exhaustive()
    }
}

/// Why a run did not come to its end.
fn late(instance: &str, limit: Duration, overdue: &Overdue) -> String {
    match overdue {
        Overdue::Limit => {
            let limit = humantime::format_duration(limit);
            format!(
                "`{instance}` has not ended within {limit} of its time: \
                 end it by `run_for`, or by the end of a test given to `run_with`; \
                 what waits for threads, files or sockets of its own needs `real_time`"
            )
        }
        Overdue::Patience => {
            let patience = humantime::format_duration(PATIENCE);
            format!("`{instance}` has not ended within {patience}: what it waits for does not come")
        }
        Overdue::Failed(error) => format!("`{instance}` cannot be run: {error}"),
    }
}
