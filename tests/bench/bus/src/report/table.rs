//! Tables of at most 80 columns.

use crate::cell::{Cell, Score, Unit};
use crate::memory::{Sizes, TITLE};

/// Columns of a contender's name.
const NAME: usize = 29;

/// One table for each title, with the cells of that title as columns.
pub(crate) fn tables(cells: &[Cell]) -> Vec<String> {
    let mut tables = Vec::new();
    for group in cells.chunk_by(|one, other| one.title == other.title) {
        let mut head = format!("{:NAME$}", "");
        for cell in group {
            let width = if cell.unit == Unit::Wait { 24 } else { 16 };
            head.push_str(&format!("{:>width$}", cell.column));
        }
        let mut names: Vec<&str> = Vec::new();
        let columns: Vec<_> = group.iter().map(Cell::scores).collect();
        for (name, ..) in columns.iter().flatten() {
            if !names.contains(name) {
                names.push(name);
            }
        }
        let (title, unit) = (&group[0].title, meaning(group[0].unit));
        let mut lines = vec![format!("{title}\n  {unit}"), head];
        for name in names {
            let mut line = format!("{name:NAME$}");
            for (cell, column) in group.iter().zip(&columns) {
                let score = column.iter().find(|(own, ..)| *own == name);
                line.push_str(&entry(cell.unit, score.map(|(.., score)| score)));
            }
            lines.push(line.trim_end().to_owned());
        }
        let lost: u64 = columns.iter().flatten().map(|(.., score)| score.lost).sum();
        if lost > 0 {
            lines.push(format!("{lost} messages were lost: see the JSON for whose"));
        }
        tables.push(lines.join("\n"));
    }
    tables
}

/// What topics and subscriptions take.
pub(crate) fn memory(sizes: &[(&str, Sizes)]) -> String {
    let mut lines = vec![
        TITLE.to_owned(),
        format!("{:NAME$}{:>16}{:>16}", "  bytes", "a topic", "a subscription"),
    ];
    for (name, Sizes { topic, subscription }) in sizes {
        lines.push(format!("{name:NAME$}{topic:>16}{subscription:>16}"));
    }
    lines.join("\n")
}

fn meaning(unit: Unit) -> &'static str {
    match unit {
        Unit::Delivery => "ns a delivery; how many times faster than the best peer",
        Unit::Publish => "ns a publish; how many times faster than the best peer",
        Unit::Wait => "ns, p50 and p99; how many times faster than the best peer by p50",
    }
}

fn entry(unit: Unit, score: Option<&Score>) -> String {
    let wait = unit == Unit::Wait;
    let Some(score) = score else { return " ".repeat(if wait { 24 } else { 16 }) };
    let ratio = score.ratio.map(|ratio| format!("{ratio:.2}x")).unwrap_or_default();
    let nanos = if score.nanos < 1000.0 && !wait {
        format!("{:.1}", score.nanos)
    } else {
        format!("{:.0}", score.nanos)
    };
    match score.p99 {
        Some(p99) => format!("{nanos:>8}{p99:>8.0}{ratio:>8}"),
        None => format!("{nanos:>8}{ratio:>8}"),
    }
}

#[cfg(test)]
mod tests {
    use lifespan_bench_work::figures::Summary;

    use super::*;
    use crate::cell::{Contender, Side};
    use crate::runtime::Kind;

    fn cell(column: &str, unit: Unit, names: &[(&'static str, Side, u64)]) -> Cell {
        let contender = |(name, side, nanos): &(&'static str, Side, u64)| {
            let nanos = *nanos;
            Contender::new(name, *side, move |messages| {
                let p50 = nanos as f64;
                Ok(Summary { nanos: nanos * messages, p50, p99: 9.0 * p50, ..Summary::default() })
            })
        };
        let mut cell = Cell {
            title: "test".into(),
            column: column.into(),
            is_primary: true,
            unit,
            runtime: Kind::TwoWorkers,
            publishers: 1,
            subscribers: 1,
            bytes: 16,
            contenders: names.iter().map(contender).collect(),
        };
        cell.round(0).unwrap();
        cell
    }

    #[test]
    fn a_table_is_a_line_a_contender() {
        let both = [("ours", Side::Ours, 10), ("theirs", Side::Peer, 25)];
        let cells = [cell("one", Unit::Delivery, &both), cell("two", Unit::Delivery, &both[1..])];
        let expected = "\
test
  ns a delivery; how many times faster than the best peer
                                          one             two
ours                             10.0   2.50x
theirs                           25.0   1.00x    25.0   1.00x";
        assert_eq!(tables(&cells), [expected]);
    }

    #[test]
    fn no_line_is_longer_than_80_columns() {
        let slow = [("lifespan, in process, bursts", Side::Ours, 9_999_999)];
        for (unit, columns) in [(Unit::Delivery, 3), (Unit::Wait, 2)] {
            let cells: Vec<_> = (0..columns).map(|_| cell("64 subscribers", unit, &slow)).collect();
            let table = tables(&cells).concat();
            assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        }
    }
}
