//! The results in `bench/results.json`. Each section has its own machine and date, because sections
//! are measured separately.

use serde::{Deserialize, Serialize};

use crate::{dataset::Service, machine::Machine, run::workloads::Unit};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) timings: Option<Section<Timings>>,
    pub(crate) instructions: Option<Section<Vec<Instructions>>>,
    pub(crate) build: Option<Section<Vec<BuildCost>>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Section<T> {
    pub(crate) machine: Machine,
    pub(crate) date: String,
    pub(crate) commit: String,
    pub(crate) data: T,
}

impl<T> Section<T> {
    pub(crate) fn now(root: &std::path::Path, data: T) -> Self {
        Self {
            machine: Machine::this(),
            date: crate::machine::today(),
            commit: crate::machine::commit(root),
            data,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Timings {
    pub(crate) workloads: Vec<WorkloadResult>,
    /// The contenders that were left out, and why, and how the others were built.
    pub(crate) notes: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WorkloadResult {
    pub(crate) name: String,
    pub(crate) service: Service,
    pub(crate) unit: Unit,
    pub(crate) rows: u64,
    pub(crate) page_size: u32,
    pub(crate) latency_ms: u64,
    pub(crate) prefetch: usize,
    /// How often one reading reads the result.
    pub(crate) calls: u64,
    pub(crate) rounds: usize,
    pub(crate) contenders: Vec<Measured>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) contender: String,
    pub(crate) wall_s: Spread,
    pub(crate) cpu_s: Spread,
    pub(crate) rows_per_s: Spread,
    /// The speed relative to the hand-written loop of the same round.
    pub(crate) speed_ratio: Option<Spread>,
    /// The CPU time relative to the hand-written loop of the same round.
    pub(crate) cpu_ratio: Option<Spread>,
    pub(crate) bytes: Option<u64>,
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// Instructions, counted by callgrind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Instructions {
    pub(crate) service: Service,
    /// A row or a call, with its data set.
    pub(crate) per: String,
    pub(crate) contender: String,
    pub(crate) instructions: f64,
}

/// The cost of a clean build of a crate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BuildCost {
    pub(crate) package: String,
    /// The crate and its dependencies, including build dependencies.
    pub(crate) crates: usize,
    pub(crate) check_cpu_s: Option<f64>,
    pub(crate) check_wall_s: f64,
    pub(crate) release_cpu_s: Option<f64>,
    pub(crate) release_wall_s: f64,
    pub(crate) generated_lines: usize,
}

/// A median with its quartiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Returns `None` if there are no values.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |part: f64| {
            let place = part * last as f64;
            let (below, above) = (
                values[place.floor() as usize],
                values[place.ceil() as usize],
            );
            below + (above - below) * place.fract()
        };
        Some(Self {
            low: at(0.25),
            median: at(0.5),
            high: at(0.75),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_and_the_quartiles() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[]), None);
        let spread = |low, median, high| Some(Spread { low, median, high });
        assert_eq!(of(&[3.0]), spread(3.0, 3.0, 3.0));
        assert_eq!(of(&[5.0, 1.0, 3.0, 4.0, 2.0]), spread(2.0, 3.0, 4.0));
        assert_eq!(of(&[1.0, 2.0]), spread(1.25, 1.5, 1.75));
    }
}
