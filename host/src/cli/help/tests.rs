//! The whole help, as snapshots. `SNAPSHOTS=overwrite cargo test` rewrites them.

use anstream::adapter::strip_str;
use snapbox::{assert_data_eq, str};

use super::*;

fn shown(plugins: &[(&str, &str)], refused: &[&str], verbose: bool) -> String {
    let installed = Installed {
        plugins: plugins.to_vec(),
        refused: refused.iter().map(ToString::to_string).collect(),
        default_folder: Some("/home/me/plugins".into()),
        user_file: Some("/home/me/lifespan.toml".into()),
    };
    strip_str(&render(&Brand::default(), &installed, 80, verbose)).to_string()
}

/// The part about plugins.
fn section(help: &str) -> &str {
    let from = help.find("Plugins:").unwrap();
    &help[from..help.find("Options:").unwrap()]
}

#[test]
fn the_whole_help() {
    let plugins = [("echo", "Say what is counted"), ("countdown", "Count down, telling everyone")];
    assert_data_eq!(
        shown(&plugins, &[], false),
        str![[r#"
Run asynchronous plugins together

Usage: lifespan [OPTIONS] PLUGIN [ARGS]... [PLUGIN [ARGS]...]...

Plugins:
  countdown  Count down, telling everyone
  echo       Say what is counted

`lifespan help PLUGIN` shows the arguments of a plugin.
`lifespan plugin` lists the commands that look after the plugins folders.
`lifespan man` prints the manual; `lifespan help completions` helps your shell.

Options:
      --plugin-dir <DIR>   Look for plugins in this folder too, before all
                           others; may be given several times
      --config <FILE>      Read this file of configuration too, over the user's
                           own; may be given several times
      --dry-run            Print the stages, their order and their libraries,
                           and run nothing
      --until <INSTANCE>   Shut down when the task of this instance has ended;
                           of several, when all have
      --without <NAME>     Do as if this plugin were not installed; may be given
                           several times
      --allow-panic-abort  Run plugins that were built with `panic = "abort"`: a
                           panic in one ends the process
  -h, --help               Print help; with -v also which libraries were
                           refused, and why
  -V, --version            Print the version

Output:
  -v, --verbose...            Log more: -v for debug, -vv for trace
  -q, --quiet                 Log warnings and errors only
      --log <FILTER>          Log what passes this filter, such as
                              `warn,countdown=debug` [default: info]
      --log-format <FORMAT>   Log in this format [default: text] [possible
                              values: text, json]
      --color <WHEN>          Use colour; auto obeys NO_COLOR and CLICOLOR_FORCE
                              [default: auto] [possible values: auto, always,
                              never]
      --bus-trace <PATTERN>   Print what is published on topics that match, such
                              as `courts/*` or '**', on stdout as JSON lines;
                              may be given several times
      --stall-warning <TIME>  Warn of a subscription that keeps publishers
                              waiting for this long [default: 2s]

Trust:
      --locked
          Demand a lock file of each folder that a library is loaded from
      --allow-unsafe-permissions
          Use libraries and folders that others may write to or own

Deadlines:
      --setup-timeout <TIME>
          Give each set-up this long (seconds, or with a unit: 500ms) [default:
          10s]
      --grace <TIME>
          Give tasks this long to end by themselves in a shutdown [default: 5s]
      --teardown-timeout <TIME>
          Give each tear-down this long [default: 5s]
      --shutdown-timeout <TIME>
          Give the whole shutdown this long [default: 30s]

Chains:
  PLUGIN       begins a stage: a plugin's name ends the stage before it
  PLUGIN@NAME  names the instance, such as `countdown@fast`
  --then       ends a stage, where the next word could be meant for it
  --           has a stage take all words up to `--then` as values
  @FILE        stands for the words in that file

Plugins are looked for in:
  the folders that --plugin-dir names
  those in the environment's list LIFESPAN_PLUGIN_PATH
  where nobody names one: /home/me/plugins

What the line does not say is read from:
  the files that --config names
  the user's own: /home/me/lifespan.toml

Exit codes:
  0      all went well; also after an orderly end by a signal
  1      a plugin failed
  2      the command line is wrong
  3      a library could not be loaded, or a plugin not be bound
  4      the configuration is wrong, or something is not trusted
  5      the host itself failed
  128+N  a second signal, of number N, forced the end

"#]]
    );
}

#[test]
fn without_plugins_it_says_where_to_name_them() {
    assert_data_eq!(
        section(&shown(&[], &[], false)),
        str![[r#"
Plugins:
  none found; name their folder with --plugin-dir DIR

`lifespan help PLUGIN` shows the arguments of a plugin.
`lifespan plugin` lists the commands that look after the plugins folders.
`lifespan man` prints the manual; `lifespan help completions` helps your shell.


"#]]
    );
}

#[test]
fn refused_libraries_are_one_line_unless_asked_for() {
    let refused = ["/p/a.so: it is cut off", "/p/b.so: it was built for\nanother\u{1b}[31m system"];
    assert_data_eq!(
        section(&shown(&[("echo", "Say it")], &refused, false)),
        str![[r#"
Plugins:
  echo  Say it

2 libraries were refused: `lifespan -v --help` says why.
`lifespan help PLUGIN` shows the arguments of a plugin.
`lifespan plugin` lists the commands that look after the plugins folders.
`lifespan man` prints the manual; `lifespan help completions` helps your shell.


"#]]
    );
    assert_data_eq!(
        section(&shown(&[("echo", "Say it")], &refused, true)),
        str![[r#"
Plugins:
  echo  Say it

Refused libraries:
  /p/a.so: it is cut off
  /p/b.so: it was built for another�[31m system

`lifespan help PLUGIN` shows the arguments of a plugin.
`lifespan plugin` lists the commands that look after the plugins folders.
`lifespan man` prints the manual; `lifespan help completions` helps your shell.


"#]]
    );
}

#[test]
fn what_files_say_of_themselves_cannot_write_on_the_terminal() {
    let help = shown(&[("evil", "\u{1b}[2Jnothing\r\nto see\u{7}")], &[], false);
    assert!(!help.contains(['\u{1b}', '\r', '\u{7}']), "{help:?}");
    assert!(help.contains("nothing to see"), "{help:?}");
}

#[test]
fn a_name_that_two_libraries_claim_is_said_to_be_of_no_use() {
    let help = shown(&[("echo", "One"), ("echo", "Other")], &[], false);
    assert!(help.contains("echo  One (claimed by 2 libraries: cannot be used)"), "{help}");
}
