//! How the program shows what is logged: the subscriber that it installs.
//!
//! Each event becomes one line on stderr (stdout is for data), as text for people or as JSON. That
//! nobody reads stderr any more is no failure of the program.

mod fields;
pub(crate) mod json;
mod text;

#[cfg(test)]
mod tests;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::filter::{Directive, EnvFilter};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use lifespan_abi::LogFilter;
use lifespan_abi::log::Level;

use self::fields::Fields;
use crate::cli::output::Output;
use crate::log::{FilterError, FilterProblem, INSTANCE_TARGET, directives, parse_filter};

/// The target of the host's own events, and the beginning of its modules'.
const HOST: &str = "lifespan";

/// What the user said about logs.
#[derive(Clone, Debug)]
pub(crate) struct LogOptions {
    /// What is shown, in the syntax of [`parse_filter`].
    pub(crate) filter: String,
    /// How it is shown.
    pub(crate) format: LogFormat,
    /// Whether text is coloured.
    pub(crate) color: bool,
}

/// How an event is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// What a line is made of.
struct Line<'a> {
    /// Such as `2026-11-22T11:04:33.123Z`.
    timestamp: String,
    metadata: &'a tracing_core::Metadata<'a>,
    /// The instance that it stands under.
    instance: Option<String>,
    /// The spans that it stands under, outermost first, without that of the instance.
    spans: Vec<(&'static str, Fields)>,
    fields: Fields,
}

/// The layer that makes lines.
struct Lines<W> {
    format: LogFormat,
    color: bool,
    /// Takes a whole line, with its end, and the level of what it tells.
    write: W,
}

/// Installs the program's subscriber. Answers what crosses to the plugins.
///
/// Where a subscriber is installed already, that one stays.
pub(crate) fn install(options: &LogOptions, stderr: Output) -> Result<LogFilter, FilterError> {
    let crosses = parse_filter(&options.filter)?;
    let subscriber = subscriber(options, to_stderr(stderr))?;
    // Only a program that embeds this one and collects logs by itself gets here with an error.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(crosses)
}

/// A filter as it would be written on the line.
pub(crate) fn written(filter: &LogFilter) -> String {
    let level = |level: Option<Level>| match level {
        None => "off",
        Some(Level::Error) => "error",
        Some(Level::Warn) => "warn",
        Some(Level::Info) => "info",
        Some(Level::Debug) => "debug",
        Some(Level::Trace) => "trace",
    };
    let directives = filter.directives.iter();
    let directives = directives.map(|it| format!(",{}={}", it.target, level(it.level)));
    level(filter.default).to_owned() + &directives.collect::<String>()
}

fn subscriber<W>(
    options: &LogOptions,
    write: W,
) -> Result<impl Subscriber + Send + Sync + use<W>, FilterError>
where
    W: Fn(&tracing::Level, String) + Send + Sync + 'static,
{
    let lines = Lines { format: options.format, color: options.color, write };
    Ok(Registry::default().with(lines).with(judge(&options.filter)?))
}

/// What may be somebody's last word is out before they go on.
fn to_stderr(stderr: Output) -> impl Fn(&tracing::Level, String) + Send + Sync + 'static {
    move |level, line| {
        stderr.line(line);
        if *level <= tracing::Level::WARN {
            stderr.flush();
        }
    }
}

/// The line about lines that were dropped, since nobody read stderr.
pub(crate) fn gap(format: LogFormat) -> fn(u64) -> String {
    fn message(count: u64) -> String {
        let lines = if count == 1 { "1 line was" } else { &format!("{count} lines were") };
        format!("{lines} dropped: nobody read stderr")
    }
    match format {
        LogFormat::Text => |count| format!("warning: {}\n", message(count)),
        LogFormat::Json => |count| json::own("WARN", None, &message(count), serde_json::json!({})),
    }
}

/// Whether an event is the host's own.
fn is_own(target: &str) -> bool {
    target.split("::").next() == Some(HOST)
}

/// The filter that judges in the host, spans and fields included.
fn judge(text: &str) -> Result<EnvFilter, FilterError> {
    let directives = directives(text)?;
    let mut simple = Vec::new();
    let mut listing = Vec::new();
    for directive in &directives {
        let parsed = directive.text.parse::<Directive>().map_err(|error| FilterError {
            directive: directive.text.to_owned(),
            at: directive.at,
            problem: FilterProblem::Field(error.to_string()),
        })?;
        // `EnvFilter` separates at each comma, those within a directive too.
        if directive.text.contains(',') {
            listing.push(parsed);
        } else {
            simple.push(directive.text);
        }
    }
    let nothing_said = if directives.is_empty() { "error" } else { "" };
    let filter = EnvFilter::builder().parse_lossy(nothing_said.to_owned() + &simple.join(","));
    let filter = listing.into_iter().fold(filter, EnvFilter::add_directive);
    // Whatever is filtered: what is shown says of which instance it is.
    let instances = format!("{INSTANCE_TARGET}=error").parse().expect("a directive by its form");
    Ok(filter.add_directive(instances))
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&tracing::Level, String) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // Formatting may log in turn, so it comes before the span's data is locked.
        let fields = Fields::of(|visit| attributes.record(visit));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let new = Fields::of(|visit| values.record(visit));
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            fields.update(new);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line {
            timestamp: json::now(),
            metadata: event.metadata(),
            instance: None,
            spans: Vec::new(),
            fields: Fields::of(|visit| event.record(visit)),
        };
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let fields = extensions.get::<Fields>().cloned().unwrap_or_default();
            if span.metadata().target() == INSTANCE_TARGET {
                line.instance = fields.text("name");
            } else {
                line.spans.push((span.name(), fields));
            }
        }
        // The host's own events tell of instances that they do not stand under.
        if line.instance.is_none() && is_own(line.metadata.target()) {
            line.instance = line.fields.take("instance");
        }
        let shown = match self.format {
            LogFormat::Text => text::line(&line, self.color),
            LogFormat::Json => json::line(&line),
        };
        (self.write)(event.metadata().level(), shown);
    }
}
