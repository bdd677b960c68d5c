//! The plugin `exec`: runs a command, publishes what it writes, and feeds it from a topic.
//!
//! A model for plugins with a tokio runtime of their own. The command's processes are `group`'s, what
//! it writes is `output`'s, what it reads `input`'s; here is the lifespan that they have in common.

mod group;
mod input;
mod output;

use std::ffi::OsString;

use lifespan_plugin_api::bus::Topic;
use lifespan_plugin_api::prelude::*;
use tokio::sync::watch;

use crate::group::{Group, Pipes, code};
use crate::input::feed;
use crate::output::publish_lines;

#[derive(clap::Args)]
struct Exec {
    /// Publish the lines of its standard output on this topic [default: exec/stdout]
    #[arg(long, value_name = "TOPIC")]
    stdout: Option<String>,
    /// Publish the lines of its standard error on this topic [default: exec/stderr]
    #[arg(long, value_name = "TOPIC")]
    stderr: Option<String>,
    /// Publish its exit status on this topic [default: exec/status]
    ///
    /// A command that a signal has ended has the status that a shell gives it: 128 and the signal's
    /// number.
    #[arg(long, value_name = "TOPIC")]
    status: Option<String>,
    /// Feed its standard input from this topic, a line a message
    ///
    /// Texts are written as they are, everything else as JSON. The input ends with the program. Without
    /// this option there is none.
    #[arg(long, value_name = "TOPIC")]
    stdin: Option<String>,
    /// An exit status other than 0 is no failure
    #[arg(long)]
    may_fail: bool,
    /// Give its processes this long to end before they are killed (seconds, or with a unit: 200ms)
    ///
    /// Counted from the signal that asks them to (SIGTERM).
    #[arg(long, value_name = "TIME", default_value = "2")]
    kill_after: Seconds,
    /// The command, with its arguments
    ///
    /// All that follows is the command's; `--then` ends it, and begins the next stage.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Run a command and publish what it writes
///
/// Its lines are published as texts, on the topics `exec/stdout` and `exec/stderr`; of an instance
/// `exec@name` on `exec/name/stdout` and so on. The task ends when the command ends. At the end of the
/// program its whole process group is ended.
#[plugin(tokio)]
async fn exec(args: Exec, ctx: Context) -> Result<()> {
    let prefix = ctx.instance().replace('@', "/");
    let named = |given: &Option<String>, what| match given {
        Some(name) => name.clone(),
        None => format!("{prefix}/{what}"),
    };
    let stdout = ctx.topic::<String>(named(&args.stdout, "stdout"))?;
    let stderr = ctx.topic::<String>(named(&args.stderr, "stderr"))?;
    let status = ctx.topic::<i32>(named(&args.status, "status"))?;
    let fed = args.stdin.as_ref().map(|topic| ctx.messages_of(topic)).transpose()?;
    let program = args.command.first().context("there is no command")?.to_string_lossy();
    let (mut group, pipes) = Group::start(&args.command, fed.is_some())
        .with_context(|| format!("cannot run `{program}`"))
        .hint("name a program that is in `PATH`, or give its path")?;

    // A command that is fed ends by itself when its input does: it gets the time for that.
    let _ends_itself = fed.is_some().then(|| ctx.shutdown());
    ctx.run(async {
        let Pipes { stdin, stdout: out, stderr: err } = pipes;
        let (tell, ended) = watch::channel(false);
        let patience = args.kill_after.duration();
        let command = async {
            let status = group.ended().await?;
            tell.send_replace(true);
            Ok(status)
        };
        let (ended, (), (), ()) = tokio::try_join!(
            command,
            publish_lines(out, &stdout, ended.clone(), patience),
            publish_lines(err, &stderr, ended.clone(), patience),
            feed(stdin, fed, ended.clone()),
        )?;
        let number = code(ended);
        debug!("`{program}` ended: {ended}");
        publish_status(&status, number).await?;
        if number != 0 && !args.may_fail {
            return Err(anyhow!("`{program}` failed: {ended}"))
                .hint("`--may-fail` before the command accepts that");
        }
        Ok(())
    })
    .await;

    group.stop(args.kill_after.into()).await;
    Ok(())
}

lifespan_plugin_api::export![exec];

async fn publish_status(topic: &Topic<i32>, number: i32) -> Result<()> {
    match topic.publish(number).await {
        // The program ends: nobody is to hear of it any more.
        Err(error) if error.is_closed() => Ok(()),
        published => Ok(published?),
    }
}

#[cfg(all(test, unix))]
mod tests;
