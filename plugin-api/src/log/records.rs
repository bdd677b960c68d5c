//! Records of the `log` crate as events: the site of each is interned, its text is `message`.

#[cfg(test)]
mod tests;

use log::{Log, Metadata, Record};

use super::forward::{Forward, Nesting};
use super::sites::{MESSAGE, TARGET, record_level};
use super::values::Values;
use crate::abi::Parent;

impl Log for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.lets_pass(metadata.target(), record_level(metadata.level()))
    }

    fn log(&self, record: &Record<'_>) {
        // `log`'s macros ask for the most detailed level only.
        if !self.enabled(record.metadata()) {
            return;
        }
        let Some(_nesting) = Nesting::deeper() else { return };
        let Some(site) = self.sites().record(record, self.sink()) else { return };
        let mut values = Values::default();
        values.shown(MESSAGE, *record.args());
        if !site.exact {
            values.text(TARGET, record.target());
        }
        values.lend(|values| self.sink().event(site.number, Parent::CURRENT, values));
    }

    fn flush(&self) {}
}
