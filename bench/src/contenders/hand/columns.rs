//! The hand-written loop into columns: each page is a `Vec` of structs, whose fields go to Arrow's
//! builders.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{
        BinaryBuilder, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
        TimestampMicrosecondBuilder,
    },
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    cells::{raw, raw_text},
    dune, lightdash,
    rows::{LightdashSwap, Swap, YandexSwap},
    yandex_query,
};
use crate::{
    contenders::{Job, Outcome, batches::Batches},
    dataset::{Dataset, Service, Table},
};

pub(in crate::contenders) async fn read(http: &reqwest::Client, job: &Job) -> Result<Outcome> {
    match (job.dataset.parse::<Dataset>()?.table, job.service) {
        (Table::Outside, Service::Dune) => all::<Swap>(http, job).await,
        (Table::Outside, Service::Lightdash) => all::<LightdashSwap>(http, job).await,
        (Table::Outside, Service::YandexQuery) => all::<YandexSwap>(http, job).await,
        (Table::Wide, Service::Lightdash) => all::<LightdashAll>(http, job).await,
        (Table::Wide, _) => all::<All>(http, job).await,
        (Table::Mixed, _) => bail!("the mixed table is read into rows only"),
    }
}

async fn all<T: Columnar + DeserializeOwned>(http: &reqwest::Client, job: &Job) -> Result<Outcome> {
    let mut batches = Batches::new(job);
    let mut failed = Ok(());
    let mut page_of = |rows: Vec<T>| {
        if failed.is_ok() {
            failed = batch(job.service, rows).and_then(|batch| batches.push(&batch));
        }
    };
    match job.service {
        Service::Dune => dune(http, job, &mut page_of).await,
        Service::Lightdash => lightdash(http, job, &mut page_of).await,
        Service::YandexQuery => yandex_query(http, job, &mut page_of).await,
    }?;
    failed?;
    batches.finish()
}

/// A row whose fields go to builders.
trait Columnar: Sized {
    fn append(self, builders: &mut Builders) -> Result<()>;
    fn names() -> Vec<&'static str>;
    fn builders(service: Service, rows: usize) -> Builders;
}

fn batch<T: Columnar>(service: Service, rows: Vec<T>) -> Result<RecordBatch> {
    let mut builders = T::builders(service, rows.len());
    for row in rows {
        row.append(&mut builders)?;
    }
    let columns = builders.columns.iter_mut().map(Builder::finish);
    let batch = RecordBatch::try_from_iter(T::names().into_iter().zip(columns));
    Ok(batch?)
}

struct Builders {
    columns: Vec<Builder>,
}

enum Builder {
    /// The suffix of a time: ` UTC` or `Z`.
    Time(TimestampMicrosecondBuilder),
    Hash(BinaryBuilder),
    Text(StringBuilder),
    Float(Float64Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Boolean(BooleanBuilder),
}

impl Builder {
    fn text(rows: usize) -> Self {
        Self::Text(StringBuilder::with_capacity(rows, rows * 16))
    }

    fn integer(service: Service, rows: usize, bits: u32) -> Self {
        match (service, bits) {
            (Service::Lightdash, _) => Self::Float(Float64Builder::with_capacity(rows)),
            (_, 32) => Self::Int32(Int32Builder::with_capacity(rows)),
            _ => Self::Int64(Int64Builder::with_capacity(rows)),
        }
    }

    fn push_text(&mut self, text: &str) -> Result<()> {
        match self {
            Self::Text(builder) => builder.append_value(text),
            Self::Hash(builder) => builder.append_value(bytes(text).context("not a hash")?),
            Self::Time(builder) => builder.append_value(microseconds(text)?),
            _ => bail!("a column of numbers has text"),
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
    fn push_integer(&mut self, value: i64) -> Result<()> {
        match self {
            Self::Float(builder) => builder.append_value(value as f64),
            Self::Int32(builder) => builder.append_value(value.try_into()?),
            Self::Int64(builder) => builder.append_value(value),
            _ => bail!("a column of something else has integers"),
        }
        Ok(())
    }

    fn push_float(&mut self, value: f64) -> Result<()> {
        match self {
            Self::Float(builder) => builder.append_value(value),
            _ => bail!("a column of something else has floats"),
        }
        Ok(())
    }

    fn push_boolean(&mut self, value: Option<bool>) -> Result<()> {
        match self {
            Self::Boolean(builder) => builder.append_option(value),
            _ => bail!("a column of something else has booleans"),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Time(builder) => Arc::new(builder.finish().with_timezone("UTC")),
            Self::Hash(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
        }
    }
}

pub(in crate::contenders) fn microseconds(text: &str) -> Result<i64> {
    Ok(match text.strip_suffix(" UTC") {
        Some(civil) => {
            let civil: jiff::civil::DateTime = civil.parse()?;
            jiff::tz::Offset::UTC.to_timestamp(civil)?.as_microsecond()
        }
        None => text.parse::<jiff::Timestamp>()?.as_microsecond(),
    })
}

/// Decodes the bytes of `0x…`.
pub(in crate::contenders) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.strip_prefix("0x")?.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok())
        .collect()
}

macro_rules! swaps {
    ($($swap:ty)*) => {$(
        impl Columnar for $swap {
            fn append(self, builders: &mut Builders) -> Result<()> {
                let [time, hash, project, token, amount, block, value, is_buy] =
                    &mut builders.columns[..]
                else {
                    bail!("there are eight columns");
                };
                time.push_text(&self.block_time)?;
                hash.push_text(&self.tx_hash)?;
                project.push_text(&self.project)?;
                token.push_text(&self.token_symbol)?;
                amount.push_float(self.amount_usd)?;
                block.push_integer(self.block_number)?;
                value.push_text(&self.value)?;
                is_buy.push_boolean(self.is_buy)
            }

            fn names() -> Vec<&'static str> {
                vec![
                    "block_time", "tx_hash", "project", "token_symbol", "amount_usd",
                    "block_number", "value", "is_buy",
                ]
            }

            fn builders(service: Service, rows: usize) -> Builders {
                let columns = vec![
                    Builder::Time(TimestampMicrosecondBuilder::with_capacity(rows)),
                    match service {
                        Service::Dune => Builder::Hash(BinaryBuilder::with_capacity(rows, rows * 32)),
                        _ => Builder::text(rows),
                    },
                    Builder::text(rows),
                    Builder::text(rows),
                    Builder::Float(Float64Builder::with_capacity(rows)),
                    Builder::integer(service, rows, 64),
                    Builder::text(rows),
                    Builder::Boolean(BooleanBuilder::with_capacity(rows)),
                ];
                Builders { columns }
            }
        }
    )*};
}

swaps!(Swap LightdashSwap YandexSwap);

macro_rules! wide {
    ($([$integer:ident $double:ident $text:ident $boolean:ident $bigint:ident])*) => {
        /// All columns of the wide table, from an object or, by position, from an array.
        #[derive(Deserialize)]
        struct All {
            $($integer: i64, $double: f64, $text: String, $boolean: bool, $bigint: i64,)*
        }

        #[derive(Deserialize)]
        struct LightdashAll {
            $(
                #[serde(deserialize_with = "raw")]
                $integer: i64,
                #[serde(deserialize_with = "raw")]
                $double: f64,
                #[serde(deserialize_with = "raw")]
                $text: String,
                #[serde(deserialize_with = "raw")]
                $boolean: bool,
                #[serde(deserialize_with = "raw_text")]
                $bigint: i64,
            )*
        }

        wide!(for All [$([$integer $double $text $boolean $bigint])*]);
        wide!(for LightdashAll [$([$integer $double $text $boolean $bigint])*]);
    };
    (for $row:ty [$([$integer:ident $double:ident $text:ident $boolean:ident $bigint:ident])*]) => {
        impl Columnar for $row {
            fn append(self, builders: &mut Builders) -> Result<()> {
                let mut columns = builders.columns.iter_mut();
                let mut next = || columns.next().context("there are 200 columns");
                $(
                    next()?.push_integer(self.$integer)?;
                    next()?.push_float(self.$double)?;
                    next()?.push_text(&self.$text)?;
                    next()?.push_boolean(Some(self.$boolean))?;
                    next()?.push_integer(self.$bigint)?;
                )*
                Ok(())
            }

            fn names() -> Vec<&'static str> {
                vec![$(
                    stringify!($integer), stringify!($double), stringify!($text),
                    stringify!($boolean), stringify!($bigint),
                )*]
            }

            fn builders(service: Service, rows: usize) -> Builders {
                let columns = (0..200).map(|column| match column % 5 {
                    0 => Builder::integer(service, rows, 32),
                    1 => Builder::Float(Float64Builder::with_capacity(rows)),
                    2 => Builder::text(rows),
                    3 => Builder::Boolean(BooleanBuilder::with_capacity(rows)),
                    _ => Builder::integer(service, rows, 64),
                });
                Builders { columns: columns.collect() }
            }
        }
    };
}

wide! {
    [c000 c001 c002 c003 c004]  [c005 c006 c007 c008 c009]
    [c010 c011 c012 c013 c014]  [c015 c016 c017 c018 c019]
    [c020 c021 c022 c023 c024]  [c025 c026 c027 c028 c029]
    [c030 c031 c032 c033 c034]  [c035 c036 c037 c038 c039]
    [c040 c041 c042 c043 c044]  [c045 c046 c047 c048 c049]
    [c050 c051 c052 c053 c054]  [c055 c056 c057 c058 c059]
    [c060 c061 c062 c063 c064]  [c065 c066 c067 c068 c069]
    [c070 c071 c072 c073 c074]  [c075 c076 c077 c078 c079]
    [c080 c081 c082 c083 c084]  [c085 c086 c087 c088 c089]
    [c090 c091 c092 c093 c094]  [c095 c096 c097 c098 c099]
    [c100 c101 c102 c103 c104]  [c105 c106 c107 c108 c109]
    [c110 c111 c112 c113 c114]  [c115 c116 c117 c118 c119]
    [c120 c121 c122 c123 c124]  [c125 c126 c127 c128 c129]
    [c130 c131 c132 c133 c134]  [c135 c136 c137 c138 c139]
    [c140 c141 c142 c143 c144]  [c145 c146 c147 c148 c149]
    [c150 c151 c152 c153 c154]  [c155 c156 c157 c158 c159]
    [c160 c161 c162 c163 c164]  [c165 c166 c167 c168 c169]
    [c170 c171 c172 c173 c174]  [c175 c176 c177 c178 c179]
    [c180 c181 c182 c183 c184]  [c185 c186 c187 c188 c189]
    [c190 c191 c192 c193 c194]  [c195 c196 c197 c198 c199]
}
