//! The plugin `echo`: says each number that appears on the topic `countdown`.
//!
//! A model for plugins that subscribe. It knows nobody who publishes.

use lifespan_plugin_api::prelude::*;

#[derive(clap::Args)]
struct Echo {
    /// Begin with the current count, if there is one, and not with the next
    #[arg(long)]
    immediately: bool,
}

/// Say what the countdown tells
#[plugin]
async fn echo(args: Echo, ctx: Context) -> Result<()> {
    let countdown = ctx.topic::<u32>("countdown")?;
    let mut counts = countdown.updates();
    if !args.immediately {
        counts = counts.without_current();
    }

    ctx.run(async {
        loop {
            debug!("Waiting for update to 'countdown'…");
            let Some(count) = counts.recv().await else { return Ok(()) };
            info!("Countdown currently at {count}");
        }
    })
    .await;

    debug!("Lifespan over for {}", ctx.instance());
    Ok(())
}

lifespan_plugin_api::export![echo];

#[cfg(test)]
mod tests {
    use lifespan_plugin_api::testing::{self, Call, Ended, Fault, Test};

    use super::*;

    /// What it says where the count is at 3 before it begins, and then goes to 2 and 1.
    fn hears(test: Test) -> Ended {
        let before = |tester: &Context| {
            let count = tester.topic::<u32>("countdown").unwrap();
            count.try_publish(3).unwrap();
            count
        };
        let ended = test.before(before).run_with(async |test| {
            let count = test.topic::<u32>("countdown")?;
            for n in [2, 1] {
                test.pass(Duration::from_secs(1)).await;
                count.publish(n).await?;
            }
            test.pass(Duration::from_secs(1)).await;
            Ok(())
        });
        ended.assert_ok();
        ended
    }

    fn says(counts: &[u32]) -> Vec<String> {
        counts.iter().map(|n| format!("Countdown currently at {n}")).collect()
    }

    #[test]
    fn it_says_the_next_count_first() {
        assert_eq!(hears(testing::plugin::<echo>()).log_lines(), says(&[2, 1]));
    }

    #[test]
    fn it_says_the_current_count_where_that_is_wanted() {
        let test = testing::plugin::<echo>().args(["--immediately"]);
        assert_eq!(hears(test).log_lines(), says(&[3, 2, 1]));
    }

    #[test]
    fn it_ends_with_its_subscription() {
        let ended = testing::plugin::<echo>()
            .args(["--immediately"])
            .fails(Call::Receive, 1, Fault::Closed)
            .run();
        ended.assert_ok();
        assert!(ended.logged("Lifespan over for echo"), "{ended}");
    }
}
