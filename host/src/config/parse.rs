//! From the text of a file to settings with their places. Knows no option: which keys there are is
//! judged where they are used.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::chain::alike;
use crate::config::mistake::{Located, Mistake};
use crate::config::place::{Place, Text};
use crate::config::{Config, Scalar, Setting, Table, Value};

/// The table below which the plugins' tables stand.
const PLUGIN: &str = "plugin";

/// Reads a file as far as it can be read, with all that is wrong in the order of its places.
pub(super) fn parse(file: &Arc<Text>) -> (Config, Vec<Located>) {
    let (document, errors) = DeTable::parse_recoverable(&file.text);
    let mut reader = Reader { file, mistakes: Vec::new() };
    let mut config = Config::default();
    for error in &errors {
        let end = file.text.len();
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        reader.mistake(Mistake::Syntax(message), error.span().unwrap_or(end..end));
    }
    // What is left of a broken file is guesswork: it is not judged too.
    if errors.is_empty() {
        for (key, value) in document.get_ref() {
            reader.top(&mut config, (key.get_ref(), key.span()), (value.get_ref(), value.span()));
        }
    }
    let mut mistakes = reader.mistakes;
    mistakes.sort_by_key(|mistake| mistake.place.start());
    config.host.sort_by_key(|setting| setting.place.start());
    (config, mistakes)
}

struct Reader<'f> {
    file: &'f Arc<Text>,
    mistakes: Vec<Located>,
}

impl Reader<'_> {
    fn top(
        &mut self,
        config: &mut Config,
        (key, key_span): (&str, Range<usize>),
        (value, span): (&DeValue<'_>, Range<usize>),
    ) {
        match value {
            DeValue::Table(plugins) if key == PLUGIN => {
                for (name, table) in plugins {
                    let place = Place::new(self.file, name.span());
                    let table = match table.get_ref() {
                        DeValue::Table(table) => self.table(place, table),
                        _ => {
                            let mistake =
                                Mistake::NotATable(format!("{PLUGIN}.{}", name.get_ref()));
                            self.mistake(mistake, name.span());
                            continue;
                        }
                    };
                    config.plugins.insert(name.get_ref().to_string(), table);
                }
            }
            _ if key == PLUGIN => self.mistake(Mistake::NotATable(key.into()), key_span),
            DeValue::Table(_) => {
                let known = [PLUGIN.to_owned()];
                let place = Place::new(self.file, key_span);
                let mistake = Located::new(Mistake::UnknownTable(key.into()), &place);
                self.mistakes.push(mistake.suggesting(&alike(key, &known)));
            }
            _ => config.host.extend(self.setting((key, key_span), (value, span))),
        }
    }

    fn table(&mut self, place: Place, table: &DeTable<'_>) -> Table {
        let mut settings = Vec::new();
        for (key, value) in table {
            let entry = ((&**key.get_ref(), key.span()), (value.get_ref(), value.span()));
            settings.extend(self.setting(entry.0, entry.1));
        }
        settings.sort_by_key(|setting: &Setting| setting.place.start());
        Table { place, settings }
    }

    fn setting(
        &mut self,
        (key, key_span): (&str, Range<usize>),
        (value, span): (&DeValue<'_>, Range<usize>),
    ) -> Option<Setting> {
        let value = match value {
            DeValue::Table(_) => {
                self.mistake(Mistake::NestedTable(key.into()), key_span);
                return None;
            }
            DeValue::Array(list) => {
                let scalars: Option<Vec<_>> = list.iter().map(|it| scalar(it.get_ref())).collect();
                let Some(scalars) = scalars else {
                    self.mistake(Mistake::NestedList(key.into()), span);
                    return None;
                };
                Value::Many(scalars)
            }
            single => Value::One(scalar(single)?),
        };
        let (place, value_place) = (Place::new(self.file, key_span), Place::new(self.file, span));
        Some(Setting { key: key.into(), value, place, value_place })
    }

    fn mistake(&mut self, mistake: Mistake, span: Range<usize>) {
        self.mistakes.push(Located::new(mistake, &Place::new(self.file, span)));
    }
}

/// A value that is neither a list nor a table.
fn scalar(value: &DeValue<'_>) -> Option<Scalar> {
    Some(match value {
        DeValue::String(text) => Scalar::Text(text.to_string()),
        DeValue::Integer(number) => {
            let decimal = i128::from_str_radix(number.as_str(), number.radix());
            Scalar::Number(decimal.map_or_else(|_| number.to_string(), |it| it.to_string()))
        }
        DeValue::Float(number) => Scalar::Number(number.as_str().to_owned()),
        DeValue::Boolean(value) => Scalar::Bool(*value),
        DeValue::Datetime(time) => Scalar::Text(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}
