//! The workloads.

use serde::{Deserialize, Serialize};

use crate::{
    contenders::{Form, Job},
    dataset::{Dataset, Service, Table},
    options::Options,
};

/// The purpose of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unit {
    RowsPerSecond,
    MicrosecondsPerCall,
    Seconds,
    PeakMemory,
}

/// One result of one service, and its contenders.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) job: Job,
    pub(crate) latency_ms: u64,
    pub(crate) contenders: Vec<&'static str>,
    /// The largest number of readings, besides the requested rounds.
    pub(crate) most_rounds: usize,
}

impl Workload {
    fn new(name: &'static str, service: Service, dataset: &Dataset) -> Self {
        Self {
            name,
            unit: Unit::RowsPerSecond,
            job: Job {
                url: String::new(),
                service,
                dataset: dataset.to_string(),
                rows: dataset.rows,
                page_size: service.usual_page_size(),
                contender: String::new(),
                form: Form::Rows,
                direct: false,
                prefetch: 2,
                chained: false,
                repeat: 1,
            },
            latency_ms: dataset.latency.as_millis() as u64,
            contenders: Vec::new(),
            most_rounds: usize::MAX,
        }
    }

    fn contenders(mut self, names: &[&'static str]) -> Self {
        self.contenders = names.to_vec();
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// The contender that the others are compared with.
pub(crate) const BASE: &str = "hand";

/// Returns the selected workloads in the order of the report.
pub(crate) fn workloads(options: &Options) -> Vec<Workload> {
    let sizes = Sizes::of(options);
    let services = Service::ALL.into_iter();
    let mut all: Vec<Workload> = services
        .clone()
        .map(|service| mixed(service, &sizes))
        .collect();
    all.extend(services.clone().map(|service| outside(service, &sizes)));
    all.extend(services.clone().map(|service| columns(service, &sizes)));
    all.extend(services.clone().map(|service| export(service, &sizes)));
    all.extend(services.clone().map(|service| wide(service, &sizes)));
    all.extend(
        services
            .clone()
            .map(|service| wide_columns(service, &sizes)),
    );
    all.extend(services.clone().map(|service| gzip(service, &sizes)));
    all.extend(services.clone().map(|service| latency(service, &sizes)));
    all.push(chain(&sizes));
    all.extend(services.clone().map(|service| tiny(service, &sizes)));
    for (name, rows) in [("stream", sizes.stream / 10), ("stream ×10", sizes.stream)] {
        all.extend(services.clone().map(|service| stream(name, service, rows)));
    }
    if let Some(pattern) = &options.only {
        for workload in &mut all {
            let place = format!("{}/{}", workload.name, workload.job.service.name());
            let is_wanted = |name: &&str| format!("{place}/{name}").contains(pattern.as_str());
            let wanted: Vec<_> = workload
                .contenders
                .iter()
                .copied()
                .filter(is_wanted)
                .collect();
            // Selected contenders are still compared with the hand-written loop.
            let base = workload.contenders.contains(&BASE) && !wanted.is_empty();
            let base = (base && !wanted.contains(&BASE)).then_some(BASE);
            workload.contenders = wanted.into_iter().chain(base).collect();
        }
        all.retain(|workload| !workload.contenders.is_empty());
    }
    all
}

struct Sizes {
    mixed: u64,
    short: u64,
    wide: u64,
    pages: u64,
    latency: u64,
    chain: u64,
    calls: u64,
    stream: u64,
}

impl Sizes {
    fn of(options: &Options) -> Self {
        match options.quick {
            true => Self {
                mixed: options.rows.unwrap_or(5_000),
                short: options.rows.unwrap_or(5_000),
                wide: 500,
                pages: 5,
                latency: 5,
                chain: 100,
                calls: 20,
                stream: 20_000,
            },
            false => Self {
                mixed: options.rows.unwrap_or(1_000_000),
                short: options.rows.unwrap_or(200_000),
                wide: 40_000,
                pages: 100,
                latency: 50,
                chain: 640_000,
                calls: 2_000,
                stream: 10_000_000,
            },
        }
    }
}

fn mixed(service: Service, sizes: &Sizes) -> Workload {
    Workload::new("mixed", service, &Dataset::new(Table::Mixed, sizes.mixed)).contenders(&[
        "rowfeed",
        "rowfeed-prefetch",
        "rowfeed-pages",
        "rowfeed-decode",
        "hand",
        "generated",
        "limit-serde",
        "limit-sonic",
        "python",
        "fetch",
        "raw",
    ])
}

/// The table with blockchain data, which was designed without knowledge of this crate.
fn outside(service: Service, sizes: &Sizes) -> Workload {
    let dataset = Dataset::new(Table::Outside, sizes.mixed);
    Workload::new("outside", service, &dataset)
        .contenders(&["rowfeed", "rowfeed-prefetch", "hand", "fetch", "raw"])
        .with(|workload| workload.job.direct = true)
}

/// The same rows, as record batches.
fn columns(service: Service, sizes: &Sizes) -> Workload {
    let dataset = Dataset::new(Table::Outside, sizes.mixed);
    Workload::new("columns", service, &dataset)
        .contenders(&["rowfeed", "rowfeed-prefetch", "hand", "arrow-json"])
        .with(|workload| {
            workload.job.direct = true;
            workload.job.form = Form::Batches;
        })
}

/// The same rows to Parquet, and with the official Python clients to a DataFrame.
fn export(service: Service, sizes: &Sizes) -> Workload {
    let dataset = Dataset::new(Table::Outside, sizes.short);
    Workload::new("export", service, &dataset)
        .contenders(&["rowfeed", "rowfeed-prefetch", "hand", "python"])
        .with(|workload| {
            workload.job.direct = true;
            workload.job.form = Form::Export;
        })
}

fn wide_columns(service: Service, sizes: &Sizes) -> Workload {
    let dataset = Dataset::new(Table::Wide, sizes.wide);
    Workload::new("wide columns", service, &dataset)
        .contenders(&["rowfeed", "rowfeed-prefetch", "hand", "arrow-json"])
        .with(|workload| {
            workload.job.direct = true;
            workload.job.form = Form::Batches;
            workload.job.page_size = service.page_size_of_wide();
        })
}

fn wide(service: Service, sizes: &Sizes) -> Workload {
    let columns: &[_] = match service {
        Service::Dune => &["rowfeed", "rowfeed-prefetch", "rowfeed-columns", "hand"],
        // These contenders cannot select columns.
        Service::Lightdash | Service::YandexQuery => &["rowfeed", "rowfeed-prefetch", "hand"],
    };
    Workload::new("wide", service, &Dataset::new(Table::Wide, sizes.wide))
        .contenders(columns)
        .with(|workload| {
            workload.job.direct = true;
            workload.job.page_size = service.page_size_of_wide();
        })
}

fn gzip(service: Service, sizes: &Sizes) -> Workload {
    Workload::new(
        "gzip",
        service,
        &Dataset::new(Table::Outside, sizes.short).gzip(),
    )
    .contenders(&[
        "rowfeed",
        "rowfeed-prefetch",
        "hand",
        "hand-zlib-rs",
        "fetch",
    ])
    .with(|workload| workload.job.direct = true)
}

/// Small pages, because this measures latency.
fn latency(service: Service, sizes: &Sizes) -> Workload {
    let dataset = Dataset::new(Table::Mixed, sizes.pages * 100).latency(sizes.latency);
    Workload::new("latency", service, &dataset)
        .contenders(&["rowfeed", "rowfeed-prefetch", "hand"])
        .with(|workload| {
            workload.unit = Unit::Seconds;
            workload.job.page_size = 100;
            workload.job.prefetch = 8;
            workload.most_rounds = 3;
        })
}

/// Only Dune has such chains: with filters, the total does not help to guess offsets.
fn chain(sizes: &Sizes) -> Workload {
    let dataset = Dataset::new(Table::Mixed, sizes.chain).latency(20);
    Workload::new("chain", Service::Dune, &dataset)
        .contenders(&[
            "rowfeed",
            "rowfeed-prefetch",
            "rowfeed-pages",
            "rowfeed-decode",
            "hand",
            "fetch",
        ])
        .with(|workload| {
            workload.unit = Unit::Seconds;
            workload.job.chained = true;
        })
}

/// Yandex Query's page is read by its run: without it, rowfeed first requests the number of rows.
fn tiny(service: Service, sizes: &Sizes) -> Workload {
    Workload::new("tiny", service, &Dataset::new(Table::Outside, 1))
        .contenders(&["rowfeed", "hand", "generated", "fetch"])
        .with(|workload| {
            workload.unit = Unit::MicrosecondsPerCall;
            workload.job.repeat = sizes.calls;
        })
}

/// New processes read once, so that their peak memory belongs to this reading.
fn stream(name: &'static str, service: Service, rows: u64) -> Workload {
    Workload::new(name, service, &Dataset::new(Table::Mixed, rows))
        .contenders(&["rowfeed", "rowfeed-prefetch"])
        .with(|workload| {
            workload.unit = Unit::PeakMemory;
            workload.most_rounds = 1;
        })
}
