//! The served results: a table, its number of rows, and its options. The id of a result contains
//! all of this, so that the page server needs no configuration: `mixed-1000000`, `wide-40000`,
//! `mixed-10000-lat50`, `mixed-200000-gzip`.

use std::{fmt, str::FromStr, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// The service whose format a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Service {
    Dune,
    Lightdash,
    YandexQuery,
}

impl Service {
    pub(crate) const ALL: [Self; 3] = [Self::Dune, Self::Lightdash, Self::YandexQuery];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dune => "dune",
            Self::Lightdash => "lightdash",
            Self::YandexQuery => "yandex-query",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Dune => "Dune",
            Self::Lightdash => "Lightdash",
            Self::YandexQuery => "Yandex Query",
        }
    }

    /// The page size that the service's clients request, or the largest.
    pub(crate) fn usual_page_size(self) -> u32 {
        match self {
            Self::Dune => 32_000,
            Self::Lightdash => 2_500,
            Self::YandexQuery => 1_000,
        }
    }
}

impl Service {
    /// The page size for rows of 200 columns.
    pub(crate) fn page_size_of_wide(self) -> u32 {
        match self {
            Self::Dune => 4_000,
            Self::Lightdash => 500,
            Self::YandexQuery => 1_000,
        }
    }
}

/// The columns of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Table {
    /// Eight columns of the common types.
    Mixed,
    /// Eight columns of blockchain data: a timestamp, a hash, a `uint256`, text with escapes.
    Outside,
    /// Two hundred columns.
    Wide,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Outside => "outside",
            Self::Wide => "wide",
        }
    }
}

/// A result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Dataset {
    pub(crate) table: Table,
    pub(crate) rows: u64,
    /// The delay of each response.
    pub(crate) latency: Duration,
    /// Whether bodies are compressed for clients that accept it.
    pub(crate) gzip: bool,
}

impl Dataset {
    pub(crate) fn new(table: Table, rows: u64) -> Self {
        Self {
            table,
            rows,
            latency: Duration::ZERO,
            gzip: false,
        }
    }

    pub(crate) fn latency(mut self, milliseconds: u64) -> Self {
        self.latency = Duration::from_millis(milliseconds);
        self
    }

    pub(crate) fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.table.name(), self.rows)?;
        if !self.latency.is_zero() {
            write!(f, "-lat{}", self.latency.as_millis())?;
        }
        if self.gzip {
            f.write_str("-gzip")?;
        }
        Ok(())
    }
}

impl FromStr for Dataset {
    type Err = anyhow::Error;

    fn from_str(id: &str) -> Result<Self> {
        let mut words = id.split('-');
        let table = match words.next() {
            Some("mixed") => Table::Mixed,
            Some("outside") => Table::Outside,
            Some("wide") => Table::Wide,
            _ => bail!("{id:?} does not begin with mixed, outside or wide"),
        };
        let rows = words.next().and_then(|rows| rows.parse().ok());
        let rows = rows.with_context(|| format!("{id:?} has no number of rows after the table"))?;
        let mut dataset = Self::new(table, rows);
        for word in words {
            dataset = match word.strip_prefix("lat").map(str::parse) {
                Some(Ok(milliseconds)) => dataset.latency(milliseconds),
                None if word == "gzip" => dataset.gzip(),
                _ => bail!("{id:?} contains {word:?}, which is neither gzip nor lat with a number"),
            };
        }
        Ok(dataset)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_id_contains_all_options() {
        let dataset = Dataset::new(Table::Wide, 70).latency(5).gzip();
        assert_eq!(dataset.to_string(), "wide-70-lat5-gzip");
        assert_eq!("wide-70-lat5-gzip".parse::<Dataset>().unwrap(), dataset);
        for wrong in ["", "mixed", "tall-3", "mixed-3-lat", "mixed-3-zip"] {
            assert!(wrong.parse::<Dataset>().is_err(), "{wrong:?}");
        }
    }
}
