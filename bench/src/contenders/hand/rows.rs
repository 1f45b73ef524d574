//! The structs for each service: `Trade` for the mixed table, `Swap` for the table of chains, and
//! `Five` for the wide table. rowfeed decodes all services into the first of each three.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IgnoredAny, SeqAccess, Visitor},
};

use super::cells::{optional, raw, raw_text};
use crate::sum::{Row, Sum};

/// The structs for a table.
pub(crate) trait Structs {
    type Dune: Row + DeserializeOwned + Send + 'static;
    type Lightdash: Row + DeserializeOwned;
    type YandexQuery: Row + DeserializeOwned;
}

pub(crate) struct Mixed;
pub(crate) struct Outside;
pub(crate) struct Wide;

impl Structs for Mixed {
    type Dune = Trade;
    type Lightdash = LightdashTrade;
    type YandexQuery = YandexTrade;
}

impl Structs for Outside {
    type Dune = Swap;
    type Lightdash = LightdashSwap;
    type YandexQuery = YandexSwap;
}

impl Structs for Wide {
    type Dune = Five;
    type Lightdash = LightdashFive;
    type YandexQuery = YandexFive;
}

#[derive(Deserialize)]
pub(crate) struct Trade {
    block_date: String,
    block_number: i64,
    tx_hash: String,
    project: String,
    token_symbol: Option<String>,
    amount_usd: Option<f64>,
    log_index: i32,
    is_buy: bool,
}

#[derive(Deserialize)]
pub(crate) struct LightdashTrade {
    #[serde(deserialize_with = "raw")]
    block_date: String,
    #[serde(deserialize_with = "raw_text")]
    block_number: i64,
    #[serde(deserialize_with = "raw")]
    tx_hash: String,
    #[serde(deserialize_with = "raw")]
    project: String,
    #[serde(deserialize_with = "raw")]
    token_symbol: Option<String>,
    #[serde(deserialize_with = "raw")]
    amount_usd: Option<f64>,
    #[serde(deserialize_with = "raw")]
    log_index: i32,
    #[serde(deserialize_with = "raw")]
    is_buy: bool,
}

/// Read from an array, in the order of the columns.
#[derive(Deserialize)]
pub(crate) struct YandexTrade {
    block_date: String,
    block_number: i64,
    tx_hash: String,
    project: String,
    #[serde(deserialize_with = "optional")]
    token_symbol: Option<String>,
    #[serde(deserialize_with = "optional")]
    amount_usd: Option<f64>,
    log_index: i32,
    is_buy: bool,
}

#[derive(Deserialize)]
pub(crate) struct Swap {
    pub(super) block_time: String,
    pub(super) tx_hash: String,
    pub(super) project: String,
    pub(super) token_symbol: String,
    pub(super) amount_usd: f64,
    pub(super) block_number: i64,
    pub(super) value: String,
    pub(super) is_buy: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct LightdashSwap {
    #[serde(deserialize_with = "raw")]
    pub(super) block_time: String,
    #[serde(deserialize_with = "raw")]
    pub(super) tx_hash: String,
    #[serde(deserialize_with = "raw")]
    pub(super) project: String,
    #[serde(deserialize_with = "raw")]
    pub(super) token_symbol: String,
    #[serde(deserialize_with = "raw")]
    pub(super) amount_usd: f64,
    #[serde(deserialize_with = "raw_text")]
    pub(super) block_number: i64,
    #[serde(deserialize_with = "raw")]
    pub(super) value: String,
    #[serde(deserialize_with = "raw")]
    pub(super) is_buy: Option<bool>,
}

/// Read from an array, in the order of the columns.
#[derive(Deserialize)]
pub(crate) struct YandexSwap {
    pub(super) block_time: String,
    pub(super) tx_hash: String,
    pub(super) project: String,
    pub(super) token_symbol: String,
    pub(super) amount_usd: f64,
    pub(super) block_number: i64,
    pub(super) value: String,
    #[serde(deserialize_with = "optional")]
    pub(super) is_buy: Option<bool>,
}

/// Five of two hundred columns: the first, the last, and three between them.
#[derive(Deserialize)]
pub(crate) struct Five {
    c000: i64,
    c061: f64,
    c102: String,
    c143: bool,
    c199: i64,
}

#[derive(Deserialize)]
pub(crate) struct LightdashFive {
    #[serde(deserialize_with = "raw")]
    c000: i64,
    #[serde(deserialize_with = "raw")]
    c061: f64,
    #[serde(deserialize_with = "raw")]
    c102: String,
    #[serde(deserialize_with = "raw")]
    c143: bool,
    #[serde(deserialize_with = "raw_text")]
    c199: i64,
}

/// Read from an array by position.
pub(crate) struct YandexFive {
    c000: i64,
    c061: f64,
    c102: String,
    c143: bool,
    c199: i64,
}

impl<'de> Deserialize<'de> for YandexFive {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_seq(ByPosition)
    }
}

struct ByPosition;

impl<'de> Visitor<'de> for ByPosition {
    type Value = YandexFive;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of 200 cells")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<YandexFive, A::Error> {
        let five = YandexFive {
            c000: after(&mut cells, 0)?,
            c061: after(&mut cells, 60)?,
            c102: after(&mut cells, 40)?,
            c143: after(&mut cells, 40)?,
            c199: after(&mut cells, 55)?,
        };
        while cells.next_element::<IgnoredAny>()?.is_some() {}
        Ok(five)
    }
}

/// Returns the next cell after skipping some.
fn after<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    cells: &mut A,
    skipped: usize,
) -> Result<T, A::Error> {
    for _ in 0..skipped {
        cells.next_element::<IgnoredAny>()?;
    }
    let cell = cells.next_element()?;
    cell.ok_or_else(|| A::Error::custom("there are fewer cells than columns"))
}

macro_rules! sums {
    ($($trade:ty)*; $($swap:ty)*; $($five:ty)*) => {
        $(impl Row for $trade {
            fn add_to(&self, sum: &mut Sum) {
                sum.rows += 1;
                sum.date(&self.block_date);
                sum.integer(self.block_number);
                sum.text(&self.tx_hash);
                sum.text(&self.project);
                sum.optional(self.token_symbol.as_deref(), Sum::text);
                sum.optional(self.amount_usd, Sum::float);
                sum.integer(self.log_index.into());
                sum.integer(self.is_buy.into());
            }
        })*
        $(impl Row for $swap {
            fn add_to(&self, sum: &mut Sum) {
                sum.rows += 1;
                sum.date(&self.block_time);
                sum.text(&self.tx_hash);
                sum.text(&self.project);
                sum.text(&self.token_symbol);
                sum.float(self.amount_usd);
                sum.integer(self.block_number);
                sum.text(&self.value);
                sum.optional(self.is_buy, |sum, is_buy| sum.integer(is_buy.into()));
            }
        })*
        $(impl Row for $five {
            fn add_to(&self, sum: &mut Sum) {
                sum.rows += 1;
                sum.integer(self.c000);
                sum.float(self.c061);
                sum.text(&self.c102);
                sum.integer(self.c143.into());
                sum.integer(self.c199);
            }
        })*
    };
}

sums!(Trade LightdashTrade YandexTrade; Swap LightdashSwap YandexSwap; Five LightdashFive YandexFive);
