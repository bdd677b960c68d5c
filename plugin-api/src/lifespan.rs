//! A lifespan in three methods, for those who keep their state in a struct.
//!
//! Lowered to the one function that every plugin is: the rules of phases and cancelling are the
//! gate's, for both forms.

use std::future::{Future, pending};

use crate::context::Context;
use crate::gate::TaskEnd;

/// What an instance does between set-up and tear-down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stance {
    /// It runs a task that keeps the program alive.
    #[default]
    Run,
    /// It runs a task that does not keep the program alive.
    Background,
    /// It has no task, and keeps the program alive until it is told to end.
    Idle,
}

/// A lifespan whose state is a struct; the other form of a plugin is a function.
///
/// `async fn` implements each method. The attribute [`plugin`](crate::plugin) on the implementation
/// makes the type a plugin; its name is the type's, as `kebab-case`.
///
/// ```standalone_crate
/// use lifespan_plugin_api::prelude::*;
///
/// struct Ticker {
///     ticks: u32,
/// }
///
/// /// Tick until told to end
/// #[plugin]
/// impl Lifespan for Ticker {
///     type Args = ();
///
///     async fn setup((): (), _: &Context) -> Result<Self> {
///         Ok(Ticker { ticks: 0 })
///     }
///
///     async fn run(&mut self, ctx: &Context) -> Result<()> {
///         let mut beat = ctx.interval(Duration::from_secs(1));
///         loop {
///             beat.tick().await;
///             self.ticks += 1;
///         }
///     }
///
///     async fn teardown(self, _: &Context, _: TaskEnd) -> Result<()> {
///         info!("ticked {} times", self.ticks);
///         Ok(())
///     }
/// }
///
/// lifespan_plugin_api::export![Ticker];
/// # fn main() {}
/// ```
pub trait Lifespan: Sized + Send + 'static {
    /// The arguments; `()` for none.
    type Args: clap::Args + Send + 'static;

    /// What it does between set-up and tear-down.
    const STANCE: Stance = Stance::Run;

    /// Sets up: opens topics, subscribes, connects.
    ///
    /// # Errors
    ///
    /// What was set up before is torn down, and the program fails.
    fn setup(args: Self::Args, ctx: &Context) -> impl Future<Output = anyhow::Result<Self>> + Send;

    /// The task. It is cancelled by being dropped. Not called with [`Stance::Idle`].
    ///
    /// # Errors
    ///
    /// The other tasks are cancelled, all is torn down, and the program fails.
    fn run(&mut self, _ctx: &Context) -> impl Future<Output = anyhow::Result<()>> + Send {
        pending()
    }

    /// Tears down, whatever the end of the task was.
    ///
    /// # Errors
    ///
    /// The rest is torn down all the same, and the program fails.
    fn teardown(
        self,
        _ctx: &Context,
        _end: TaskEnd,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        async { Ok(()) }
    }
}

/// The function that a [`Lifespan`] is.
pub(crate) async fn lower<L: Lifespan>(args: L::Args, ctx: Context) -> anyhow::Result<()> {
    let mut state = L::setup(args, &ctx).await?;
    let end = match L::STANCE {
        Stance::Run => ctx.run(state.run(&ctx)).await,
        Stance::Background => ctx.background(state.run(&ctx)).await,
        Stance::Idle => ctx.idle().await,
    };
    state.teardown(&ctx, end).await
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use lifespan_abi::abi_stable::std_types::RResult;
    use lifespan_abi::{Ending, Stance as AbiStance};

    use super::*;
    use crate::test_host::{Host, bound, poll, ready};

    /// What happened to the state, told by the state itself.
    #[derive(clap::Args)]
    struct Story {
        #[arg(skip)]
        lines: Arc<Mutex<Vec<String>>>,
    }

    struct Told<const STANCE: u8>(Story);

    impl<const STANCE: u8> Lifespan for Told<STANCE> {
        type Args = Story;
        const STANCE: Stance = match STANCE {
            0 => Stance::Run,
            1 => Stance::Background,
            _ => Stance::Idle,
        };

        async fn setup(args: Story, ctx: &Context) -> anyhow::Result<Self> {
            args.lines.lock().unwrap().push(format!("up {}", ctx.instance()));
            Ok(Told(args))
        }

        async fn run(&mut self, _: &Context) -> anyhow::Result<()> {
            self.0.lines.lock().unwrap().push("run".into());
            Ok(())
        }

        async fn teardown(self, _: &Context, end: TaskEnd) -> anyhow::Result<()> {
            self.0.lines.lock().unwrap().push(format!("down {end:?}"));
            anyhow::bail!("told")
        }
    }

    fn lived<const STANCE: u8>() -> (AbiStance, Vec<String>) {
        let (host, lines) = (Host::default(), Arc::<Mutex<Vec<String>>>::default());
        let args = Story { lines: lines.clone() };
        let instance = bound(|ctx| lower::<Told<STANCE>>(args, ctx));
        let stance = ready(instance.setup(host.services())).into_result().unwrap();
        let mut run = instance.run();
        if STANCE == 2 {
            assert!(poll(&mut run).is_pending());
            instance.cancel();
        }
        let end = ready(run).into_result().unwrap();
        assert_eq!(end, if STANCE == 2 { Ending::CANCELLED } else { Ending::FINISHED });
        assert!(matches!(ready(instance.teardown()), RResult::RErr(_)));
        let lines = lines.lock().unwrap().clone();
        (stance, lines)
    }

    #[test]
    fn three_methods_are_one_lifespan() {
        let ran = ["up fish@one", "run", "down Finished"].map(String::from).to_vec();
        assert_eq!(lived::<0>(), (AbiStance::RUN, ran.clone()));
        assert_eq!(lived::<1>(), (AbiStance::BACKGROUND, ran));
        let idled = ["up fish@one", "down Cancelled"].map(String::from).to_vec();
        assert_eq!(lived::<2>(), (AbiStance::IDLE, idled));
    }
}
