//! The pages, as their readers see the words; and specs of which no clap command could be made.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction};
use lifespan_plugin_api::__private::describe;
use snapbox::{IntoData, assert_data_eq, str};

use super::*;

fn brand() -> Brand {
    Brand {
        name: "lifespan".into(),
        version: "1.2.3".into(),
        about: "Run asynchronous plugins together".into(),
        ..Brand::default()
    }
}

fn facts(name: &str) -> PluginFacts {
    let mut facts = PluginFacts::default();
    facts.name = name.into();
    facts.version = "1.0.0".into();
    facts.summary = "Count down, telling everyone".into();
    facts
}

#[test]
fn the_page_of_a_plugin() {
    let command =
        Command::new("countdown")
            .arg(
                Arg::new("from")
                    .long("from")
                    .short('f')
                    .value_name("N")
                    .default_value("3")
                    .env("COUNT_FROM")
                    .help("Count down from this number"),
            )
            .arg(
                Arg::new("tone")
                    .long("tone")
                    .value_parser(PossibleValuesParser::new(["low", "high"]))
                    .help(".TH is no macro here, nor is 'this or \\fBthat"),
            )
            .arg(Arg::new("what").required(true).help("What is counted"))
            .subcommand(Command::new("again").about("Once more").arg(
                Arg::new("from").long("from").action(ArgAction::SetTrue).help("From the same"),
            ));
    let page = of_plugin(&brand(), &facts("countdown"), &describe(&command).unwrap());
    // As it is: a backslash is no path's.
    assert_data_eq!(
        page,
        str![[r#"
.ie \n(.g .ds Aq \(aq
.el .ds Aq '
.TH "lifespan\-countdown" 1 "" "lifespan 1.2.3"
.SH NAME
lifespan\-countdown \- Count down, telling everyone
.SH SYNOPSIS
\fBlifespan countdown\fR [OPTIONS] WHAT [COMMAND]
.SH DESCRIPTION
Count down, telling everyone
.SH ARGUMENTS
.TP
\fBWHAT\fR
What is counted
.SH OPTIONS
.TP
\fB\-f\fR, \fB\-\-from\fR \fI<N>\fR [default: 3]
Count down from this number [env: COUNT_FROM]
.TP
\fB\-\-tone\fR \fI<TONE>\fR
\&.TH is no macro here, nor is \*(Aqthis or \\fBthat
.br

.br
\fIPossible values:\fR
.RS 14
.IP \(bu 2
low
.IP \(bu 2
high
.RE
.TP
\fB\-h\fR, \fB\-\-help\fR
Print help
.SH SUBCOMMANDS
.TP
\fBagain\fR
Once more
.SH "OPTIONS OF AGAIN"
.TP
\fB\-\-from\fR
From the same
.SH VERSION
1.0.0
.SH "SEE ALSO"
lifespan(1)

"#]]
        .raw()
    );
}

#[test]
fn the_page_of_the_host_names_commands_and_plugins() {
    let page = of_host(&brand(), &["countdown".into(), "echo".into()]);
    for needle in [
        ".TH \"lifespan\" 1 \"\" \"lifespan 1.2.3\"",
        ".SH SYNOPSIS\n\\fBlifespan\\fR [OPTIONS] \\fIPLUGIN\\fR [ARGS]...",
        ".SH OPTIONS",
        "\\fB\\-\\-plugin\\-dir\\fR",
        ".SH DEADLINES",
        "\\fBman\\fR\nPrint the manual page of this program, or of a plugin",
        "\\fBplugin path\\fR",
        "\\fB\\-\\-then\\fR\n",
        "\\fB4\\fR\nthe configuration is wrong",
        "\\fBLIFESPAN_PLUGIN_PATH\\fR\n",
        "\\fBlifespan.toml\\fR\noptions by",
        "lifespan\\-countdown(1), lifespan\\-echo(1)",
    ] {
        assert!(page.contains(needle), "`{needle}` is missing in:\n{page}");
    }
}

#[test]
fn a_spec_that_contradicts_itself_gets_a_page_too() {
    let json = r#"{"name":"x","args":[
        {"id":"a","long":"a"},{"id":"a","long":"b"},{"id":"c","long":"a"},{"id":"d","short":"-"},
        {"id":"p","index":7,"required":true,"min_values":9,"max_values":2},{"id":"q","index":7},
        {"id":"n","long":"n","value_names":["A","B","C"],"max_values":1,"min_values":1},
        {"id":"z","long":"z","max_values":0},{"id":"","long":""}],
        "subcommands":[{"name":"s","args":[{"id":"a","long":"a"},{"id":"a","long":"a"}]},{"name":"s"}]}"#;
    let spec = CommandSpec::from_json(json).unwrap();
    let page = of_plugin(&brand(), &facts("x"), &spec);
    assert!(page.contains("\\fB\\-\\-n\\fR"), "{page}");
}
