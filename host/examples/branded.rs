//! A host under another name, with a plugin of its own linked in.
//!
//! `cargo run -p lifespan --example branded` runs the built-in plugin until it has said hello three
//! times; the program decides itself what it prints, when the run ends, and how it exits.

use std::process::ExitCode;
use std::time::Duration;

use lifespan::{Host, Preparation, Rendering, Shutdown};
use lifespan_plugin_api::prelude::*;

#[derive(clap::Args)]
struct Greet {
    /// Whom to greet
    #[arg(long, default_value = "world")]
    whom: String,
}

/// Greet someone again and again
#[plugin]
async fn greet(args: Greet, ctx: Context) -> Result<()> {
    let greetings = ctx.topic::<String>("greetings")?;
    ctx.run(async {
        for nth in 1.. {
            greetings.publish(format!("hello {} {nth}", args.whom)).await?;
            ctx.sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    })
    .await;
    Ok(())
}

/// Print the greetings, and end the program after the third
#[plugin]
async fn print(ctx: Context) -> Result<()> {
    let mut greetings = ctx.topic::<String>("greetings")?.messages();
    ctx.background(async {
        for _ in 0..3 {
            if let Some(greeting) = greetings.recv().await {
                say(&greeting);
            }
        }
        ctx.request_shutdown("three greetings are enough");
        Ok(())
    })
    .await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this program prints, the library does not")]
fn say(text: &str) {
    println!("{text}");
}

fn main() -> ExitCode {
    let host = Host::builder("acme")
        .version("1.0.0")
        .builtin(lifespan_plugin_api::builtins![greet, print])
        // Plugins of others would stand beside it: `.plugin_dir("/usr/lib/acme/plugins")`
        .build();

    let line = ["greet", "--whom", "you", "print"].map(Into::into).to_vec();
    match host.prepare(line, Rendering::default()) {
        Ok(Preparation::Ready(prepared)) => {
            // `shutdown` may be cloned to wherever this program learns that it is to end.
            let shutdown = Shutdown::new();
            let outcome = prepared.run(&shutdown);
            for failure in &outcome.failures {
                say(&format!("failed: {failure}"));
            }
            outcome.exit.into()
        }
        Ok(Preparation::Answer(text)) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(failures) => {
            say(&failures.to_string());
            failures.exit().into()
        }
    }
}
