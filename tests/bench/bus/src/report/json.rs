//! JSON: `rows` are the cells that the floors are promised for, `others` everything else.

use serde_json::{Value, json as object};

use crate::cell::{Cell, Side, Unit};
use crate::memory::Sizes;
use crate::seed::Seed;

/// The whole result.
pub(crate) fn json(
    rounds: u32,
    cells: &[Cell],
    memory: &[(&str, Sizes)],
    seed: Option<&Seed>,
) -> Value {
    let (mut rows, mut others) = (Vec::new(), Vec::new());
    for cell in cells {
        for (name, side, score) in cell.scores() {
            let mut row = object!({
                "name": name,
                "runtime": cell.runtime.name(),
                "subscribers": cell.subscribers,
                "bytes": cell.bytes,
                "ns_per_delivery": score.nanos,
                "ratio_to_best_peer": score.ratio,
                "lost": score.lost,
            });
            if cell.is_primary && side != Side::Variant {
                rows.push(row);
                continue;
            }
            row["measure"] = object!(cell.title);
            row["publishers"] = object!(cell.publishers);
            if cell.unit != Unit::Delivery {
                // There is no delivery whose time this would be.
                let nanos = row["ns_per_delivery"].take();
                let unit = if cell.unit == Unit::Wait { "p50_ns" } else { "ns_per_publish" };
                row[unit] = nanos;
                if let Some(row) = row.as_object_mut() {
                    row.remove("ns_per_delivery");
                }
            }
            if let Some(p99) = score.p99 {
                row["p99_ns"] = object!(p99);
            }
            others.push(row);
        }
    }
    let memory: Vec<_> = memory
        .iter()
        .map(|(name, sizes)| {
            object!({
                "name": name,
                "topic_bytes": sizes.topic,
                "subscription_bytes": sizes.subscription,
            })
        })
        .collect();
    object!({
        "rounds": rounds,
        "rows": rows,
        "others": others,
        "memory": memory,
        "seed": seed.map(Seed::json),
    })
}

#[cfg(test)]
mod tests {
    use lifespan_bench_work::figures::Summary;

    use super::*;
    use crate::cell::Contender;
    use crate::runtime::Kind;

    fn cell(is_primary: bool, unit: Unit) -> Cell {
        let contender = |name, side, nanos| {
            Contender::new(name, side, move |messages| {
                let p50 = 5.0;
                Ok(Summary { nanos: nanos * messages, p50, p99: 6.0, ..Summary::default() })
            })
        };
        let contenders = vec![
            contender("ours", Side::Ours, 2),
            contender("bursts", Side::Variant, 1),
            contender("theirs", Side::Peer, 4),
        ];
        let mut cell = Cell {
            title: "test".into(),
            column: "one".into(),
            is_primary,
            unit,
            runtime: Kind::CurrentThread,
            publishers: 1,
            subscribers: 1,
            bytes: 16,
            contenders,
        };
        cell.round(0).unwrap();
        cell
    }

    #[test]
    fn rows_have_what_is_promised() {
        let json = json(1, &[cell(true, Unit::Delivery), cell(false, Unit::Wait)], &[], None);
        let row = object!({
            "name": "ours",
            "runtime": "current thread",
            "subscribers": 1,
            "bytes": 16,
            "ns_per_delivery": 2.0,
            "ratio_to_best_peer": 2.0,
            "lost": 0,
        });
        assert_eq!(json["rows"][0], row);
        assert_eq!(json["rows"].as_array().map(Vec::len), Some(2));
        let others = json["others"].as_array().unwrap();
        assert_eq!(others.len(), 4);
        assert_eq!(others[0]["name"], "bursts");
        assert_eq!(others[1]["p50_ns"], 5.0);
        assert_eq!(others[1]["p99_ns"], 6.0);
        assert!(others[1].get("ns_per_delivery").is_none());
    }
}
