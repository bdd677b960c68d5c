//! The plugin `countdown`: counts down, and publishes each number on the topic of the same name.
//!
//! A model for plugins that publish. It knows nobody who listens.

use lifespan_plugin_api::prelude::*;

#[derive(clap::Args)]
struct Countdown {
    /// Count down from this number
    #[arg(long, short, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    from: u32,
    /// Sleep this long between counts (seconds, or with a unit: 200ms)
    #[arg(long, short, default_value = "1")]
    sleep: Seconds,
}

/// Count down, telling everyone
#[plugin]
async fn countdown(args: Countdown, ctx: Context) -> Result<()> {
    let count = ctx.topic::<u32>("countdown")?;

    ctx.run(async {
        for n in (1..=args.from).rev() {
            info!("Counting down… {n}");
            debug!("Notifying subscribers of update to 'countdown'…");
            count.publish(n).await?;
            ctx.sleep(args.sleep).await;
        }
        info!("Finished counting down");
        Ok(())
    })
    .await;

    debug!("Lifespan over for {}", ctx.instance());
    Ok(())
}

lifespan_plugin_api::export![countdown];

#[cfg(test)]
mod tests {
    use lifespan_plugin_api::testing::{self, Call, Exit, Fault};

    use super::*;

    #[test]
    fn it_counts_down_and_ends() {
        let ended = testing::run::<countdown>(["--from", "3"]);
        ended.assert_ok();
        assert_eq!(ended.published::<u32>("countdown"), [3, 2, 1]);
        let counted = [3, 2, 1].map(|n| format!("Counting down… {n}"));
        assert_eq!(ended.log_lines()[..3], counted);
        assert_eq!(ended.log_lines()[3..], ["Finished counting down"]);
        assert_eq!(ended.took(), Duration::from_secs(3));
    }

    #[test]
    fn arguments_have_defaults_and_limits() {
        let args = testing::parse::<countdown>([""; 0]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((args.from, args.sleep), (3, Duration::from_secs(1).into()));
        assert_eq!(testing::run::<countdown>(["--from", "0"]).exit(), Exit::Usage);
        assert_eq!(testing::run::<countdown>(["--sleep", "fish"]).exit(), Exit::Usage);
    }

    #[test]
    fn it_is_torn_down_whatever_happens() {
        let stopped = testing::plugin::<countdown>().run_for(Duration::from_millis(1500));
        stopped.assert_ok();
        assert_eq!(stopped.published::<u32>("countdown"), [3, 2]);
        let failed = testing::plugin::<countdown>().fails(Call::Publish, 2, Fault::Claimed).run();
        failed.assert_fails("claimed by another");
        for ended in [stopped, failed] {
            assert!(ended.logged("Lifespan over for countdown"), "{ended}");
        }
    }

    #[test]
    fn who_listens_is_waited_for() {
        let ended =
            testing::plugin::<countdown>().args(["--from", "1100"]).run_with(async |test| {
                let mut all = test.topic::<u32>("countdown")?.messages();
                test.pass(Duration::from_secs(2000)).await;
                // So many wait as a topic holds, and the next one for room.
                assert_eq!(all.recv().await.as_deref(), Some(&1100));
                while let Some(count) = all.recv().await {
                    if *count == 1 {
                        break;
                    }
                }
                Ok(())
            });
        ended.assert_ok();
        assert_eq!(ended.published::<u32>("countdown").len(), 1100);
        assert!(ended.took() > Duration::from_secs(2000), "{:?}", ended.took());
    }
}
