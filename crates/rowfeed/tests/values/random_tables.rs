//! Random tables, encoded as each service does, served in random pages, and read back.

use std::sync::Arc;

use crate::support::page_server::{Answer, Asked, PageServer};
use crate::support::random_table::{RECORD, Random, Record, records, same, tables};
use crate::support::{ALL, Bench};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use rowfeed::{Cursor, Pages, Row, prelude::*};
use rowfeed_sandbox::{Sandbox, ScriptedResult, Service};

/// Checks this many cases in one runtime.
fn check<S: Strategy>(cases: u32, strategy: S, check: impl AsyncFn(&S::Value)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let tried = runner.run(&strategy, |case| {
        runtime.block_on(check(&case));
        Ok(())
    });
    if let Err(failed) = tried {
        panic!("{failed}");
    }
}

/// How to read a table.
#[derive(Clone, Debug)]
struct Reading {
    page_size: u32,
    prefetch: usize,
    /// The number of rows after which reading stops and resumes from the cursor.
    every: usize,
    /// The page size and prefetch after resuming.
    then: (u32, usize),
}

fn readings() -> impl Strategy<Value = Reading> {
    let sizes = || 1_u32..12;
    let ahead = || prop_oneof![Just(0_usize), 1_usize..6];
    (sizes(), ahead(), 1_usize..7, (sizes(), ahead())).prop_map(
        |(page_size, prefetch, every, then)| Reading {
            page_size,
            prefetch,
            every,
            then,
        },
    )
}

/// How a server splits a result into pages.
#[derive(Clone, Debug)]
struct Cuts {
    /// The largest number of rows of a page, by its first row.
    most: Vec<usize>,
    /// Gaps in Dune's offsets, before some rows.
    gaps: Vec<(usize, usize)>,
    /// The total that Dune reports; `None` for the true total.
    total: Option<Option<usize>>,
}

fn cuts() -> impl Strategy<Value = Cuts> {
    let most = prop::collection::vec(prop_oneof![3 => Just(100_usize), 1 => 1_usize..5], 1..8);
    let gaps = prop::collection::vec((0_usize..25, 1_usize..7), 0..3);
    let wrong = prop_oneof![Just(None), (0_usize..60).prop_map(Some)];
    let total = prop_oneof![2 => Just(None), 1 => wrong.prop_map(Some)];
    (most, gaps, total).prop_map(|(most, gaps, total)| Cuts { most, gaps, total })
}

impl Cuts {
    /// The content of each of Dune's offsets: a row, or nothing.
    fn slots(&self, rows: usize) -> Vec<Option<usize>> {
        let mut slots = Vec::new();
        for row in 0..rows {
            let gaps = self.gaps.iter().filter(|(before, _)| *before == row);
            slots.extend(gaps.flat_map(|(_, width)| vec![None; *width]));
            slots.push(Some(row));
        }
        slots
    }

    fn most_at(&self, offset: usize) -> usize {
        self.most[offset % self.most.len()]
    }
}

/// Serves the table as one of the services, in these pages.
fn serve(service: Service, random: &Random, cuts: &Cuts) -> PageServer {
    let (table, cuts) = (random.written_for(service), cuts.clone());
    let slots = cuts.slots(table.rows.len());
    let dune = move |table: &crate::support::page_server::Table, asked: &Asked| -> Answer {
        let (offset, limit) = (asked.number("offset"), asked.number("limit"));
        let total = cuts.total.unwrap_or(Some(slots.len()));
        let rest = slots.get(offset..).unwrap_or_default();
        // A page ends at a gap, and an empty page ends where rows begin again.
        let is_gap = rest.first().is_some_and(Option::is_none);
        let run = rest.iter().take_while(|slot| slot.is_none() == is_gap);
        let most = if is_gap {
            usize::MAX
        } else {
            limit.min(cuts.most_at(offset))
        };
        let end = offset + run.count().min(most);
        let next = (end < slots.len()).then_some(end);
        let first = rest.first().copied().flatten();
        let rows = first.map_or(0..0, |first| first..first + (end - offset));
        table.dune_answer(rows, next, total)
    };
    let random_cuts = random.cuts_of_short_pages();
    PageServer::start(move |asked, _| match service {
        Service::Dune => dune(&table, asked),
        Service::Lightdash => table.lightdash_page(asked.number("page"), asked.number("pageSize")),
        _ if !asked.is_page() => table.yandex_query(),
        _ => {
            let offset = asked.number("offset");
            let most = random_cuts[offset % random_cuts.len()];
            table.yandex_page(offset, asked.number("limit").min(most))
        }
    })
}

/// Creates the pages again, as another process would.
type Open = Box<dyn Fn() -> Pages>;

fn opener(server: &PageServer, service: Service) -> Open {
    match service {
        Service::Dune => {
            let results = server.dune().get_execution_results();
            let results = results.execution_id("01EXECUTION");
            Box::new(move || results.clone().pages())
        }
        Service::Lightdash => {
            let results = server.lightdash().get_async_query_results();
            let results = results.project_uuid("p").query_uuid("the-query");
            Box::new(move || results.clone().pages())
        }
        _ => {
            let results = server.yandex_query().get_query_results();
            let results = results
                .project("p")
                .query_id("the-query")
                .result_set_index(0_u32);
            Box::new(move || results.clone().pages())
        }
    }
}

fn stored(cursor: &Cursor) -> Cursor {
    serde_json::from_slice(&serde_json::to_vec(cursor).unwrap()).unwrap()
}

/// Reads all rows, and the rest after each stop. Returns the rows and the rests.
async fn read<T>(open: &Open, reading: &Reading) -> (Vec<T>, Vec<(usize, Vec<T>)>)
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    // Totals may be wrong here, and offsets may have gaps.
    let open = || open().allow_truncated();
    let pages = open()
        .page_size(reading.page_size)
        .prefetch(reading.prefetch);
    let mut rows = pages.rows::<T>();
    let (mut all, mut rests) = (Vec::new(), Vec::new());
    while let Some(row) = rows.try_next().await.unwrap() {
        all.push(row);
        if all.len() % reading.every == 0 {
            let cursor = stored(&rows.cursor().unwrap());
            let (size, prefetch) = reading.then;
            let rest = open().page_size(size).prefetch(prefetch).resume(&cursor);
            rests.push((all.len(), rest.rows().try_collect().await.unwrap()));
        }
    }
    (all, rests)
}

#[test]
fn random_rows_round_trip_and_resume() {
    check(
        40,
        (tables(), cuts(), readings()),
        async |(table, cuts, reading)| {
            for service in ALL {
                let server = serve(service, table, cuts);
                let open = opener(&server, service);
                let (all, rests) = read::<Row>(&open, reading).await;
                assert_eq!(all.len(), table.rows.len(), "{service:?}");
                for (row, cells) in all.iter().zip(&table.rows) {
                    assert_eq!(row.len(), cells.len(), "{service:?}");
                    for ((name, kind), cell) in table.columns.iter().zip(cells) {
                        let value = row.get(name).unwrap();
                        assert!(
                            same(service, *kind, value, cell),
                            "{service:?} {value:?} {cell:?}"
                        );
                    }
                }
                for (read, rest) in rests {
                    assert_eq!(rest, all[read..], "{service:?} after {read}");
                }
            }
        },
    );
}

#[test]
fn random_records_round_trip_and_resume() {
    let cases = (records(), RECORD.prop_shuffle(), cuts(), readings());
    check(24, cases, async |(records, order, cuts, reading)| {
        let table = Random::of_records(records, order);
        for service in ALL {
            let server = serve(service, &table, cuts);
            let open = opener(&server, service);
            let (all, rests) = read::<Record>(&open, reading).await;
            assert_eq!(all, *records, "{service:?}");
            for (read, rest) in rests {
                assert_eq!(rest, records[read..], "{service:?} after {read}");
            }
        }
    });
}

#[test]
fn sandbox_records_round_trip_with_any_page_size() {
    let cases = (records(), RECORD.prop_shuffle(), 1_usize..9, readings());
    check(10, cases, async |(records, order, most, reading)| {
        let table = Arc::new(Random::of_records(records, order));
        let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_max_page_rows(*most)).await;
        for service in ALL {
            let mut result = ScriptedResult::new(table.types_for(service));
            for row in &table.rows {
                result = result.row(table.cells_for(service, row));
            }
            bench
                .sandbox
                .script_result(service, "random", result)
                .unwrap();
            let run = bench.run(service, "random").await;
            assert_eq!(run.total_rows(), Some(records.len() as u64));
            let open: Open = Box::new(move || run.pages());
            let (all, rests) = read::<Record>(&open, reading).await;
            assert_eq!(all, *records, "{service:?}");
            for (read, rest) in rests {
                assert_eq!(rest, records[read..], "{service:?} after {read}");
            }
        }
    });
}
