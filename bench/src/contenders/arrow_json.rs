//! `arrow-json`, the usual way to read JSON into columns. serde_json's `RawValue` cuts the rows of
//! each page out of the body, and `arrow-json` decodes them into columns of the same types.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow_array::{
    Array as _, ArrayRef, BinaryArray, RecordBatch, StructArray, TimestampMicrosecondArray,
    cast::AsArray as _,
};
use arrow_json::{ReaderBuilder, StructMode, reader::Decoder};
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Job, Outcome, batches::Batches, hand};
use crate::{
    dataset::{Dataset, Service},
    table::{self, Column, Kind},
};

#[derive(Deserialize)]
struct DunePage<'a> {
    #[serde(borrow)]
    result: Rows<'a>,
    next_offset: Option<u64>,
}

#[derive(Deserialize)]
struct Rows<'a> {
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
    #[serde(rename = "nextPage")]
    next_page: Option<u64>,
}

#[derive(Deserialize)]
struct LightdashPage<'a> {
    #[serde(borrow)]
    results: Rows<'a>,
}

pub(super) async fn read(http: &reqwest::Client, job: &Job) -> Result<Outcome> {
    let id = &job.dataset;
    let columns = table::columns(id.parse::<Dataset>()?.table);
    let mut batches = Batches::new(job);
    let (base, mut next) = match job.service {
        Service::Dune => (format!("/api/v1/execution/{id}/results"), 0),
        Service::Lightdash => (format!("/api/v2/projects/project/query/{id}"), 1),
        Service::YandexQuery => (format!("/api/fq/v1/queries/{id}/results/0"), 0),
    };
    let url = format!("{}{base}", job.url);
    let size = u64::from(job.page_size);
    loop {
        let request = http.get(&url);
        let request = match job.service {
            Service::Dune => request.query(&[("limit", size), ("offset", next)]),
            Service::Lightdash => request.query(&[("page", next), ("pageSize", size)]),
            Service::YandexQuery => request
                .query(&[("project", "folder")])
                .query(&[("limit", size), ("offset", next)]),
        };
        let body = request.send().await?.error_for_status()?.bytes().await?;
        let (rows, after) = match job.service {
            Service::Dune => {
                let page: DunePage<'_> = serde_json::from_slice(&body)?;
                (page.result.rows, page.next_offset)
            }
            Service::Lightdash => {
                let page: LightdashPage<'_> = serde_json::from_slice(&body)?;
                (page.results.rows, page.results.next_page)
            }
            Service::YandexQuery => {
                let page: Rows<'_> = serde_json::from_slice(&body)?;
                let count = page.rows.len() as u64;
                let after = (count == size).then_some(next + count);
                (page.rows, after)
            }
        };
        batches.push(&batch(job.service, &columns, &rows)?)?;
        let Some(after) = after else {
            return batches.finish();
        };
        next = after;
    }
}

fn batch(service: Service, columns: &[Column], rows: &[&RawValue]) -> Result<RecordBatch> {
    let fields: Fields = columns
        .iter()
        .map(|column| field(service, column))
        .collect();
    let mut decoder = decoder(service, fields, rows.len().max(1))?;
    for row in rows {
        decoder.decode(row.get().as_bytes())?;
    }
    let Some(read) = decoder.flush()? else {
        return Ok(RecordBatch::new_empty(Arc::new(Schema::empty())));
    };
    let arrays = columns.iter().zip(read.columns()).map(|(column, array)| {
        let array = plain(service, column, array)?;
        Ok((column.name.as_str(), array))
    });
    let arrays = arrays.collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_from_iter(arrays)?)
}

fn decoder(service: Service, fields: Fields, rows: usize) -> Result<Decoder> {
    let mode = match service {
        Service::YandexQuery => StructMode::ListOnly,
        Service::Dune | Service::Lightdash => StructMode::ObjectOnly,
    };
    let builder = ReaderBuilder::new(Arc::new(Schema::new(fields)));
    Ok(builder
        .with_struct_mode(mode)
        .with_batch_size(rows)
        .build_decoder()?)
}

/// The type as which a column is read: the value with the service's wrapping.
fn field(service: Service, column: &Column) -> Field {
    let data_type = match (service, column.kind) {
        // A time that ends in ` UTC` needs a time zone database.
        (Service::Dune, Kind::Timestamp) => DataType::Utf8,
        (_, Kind::Timestamp) => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        (_, Kind::Date) => DataType::Date32,
        // `arrow-json` does not read `0x…` as bytes.
        (_, Kind::Text | Kind::Uint256 | Kind::Hash) => DataType::Utf8,
        (_, Kind::Boolean) => DataType::Boolean,
        (_, Kind::Double) | (Service::Lightdash, _) => DataType::Float64,
        (_, Kind::Integer) => DataType::Int32,
        (_, Kind::BigInt) => DataType::Int64,
    };
    let inside = |name: &str, data_type| {
        DataType::Struct(
            [Arc::new(Field::new(name, data_type, true))]
                .into_iter()
                .collect(),
        )
    };
    let data_type = match service {
        Service::Lightdash => inside("value", inside("raw", data_type)),
        Service::YandexQuery if column.nullable => DataType::new_list(data_type, true),
        _ => data_type,
    };
    Field::new(&column.name, data_type, true)
}

/// Removes the service's wrapping from a column.
fn plain(service: Service, column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    let member = |array: &ArrayRef| -> Result<ArrayRef> {
        let array: &StructArray = array.as_struct();
        Ok(Arc::clone(array.columns().first().context("no member")?))
    };
    let array = &match service {
        Service::Lightdash => member(&member(array)?)?,
        _ => Arc::clone(array),
    };
    Ok(match service {
        _ if column.kind == Kind::Timestamp => {
            let times: TimestampMicrosecondArray = match service {
                Service::Dune => {
                    let texts = array.as_string::<i32>().iter();
                    let times = texts.map(|text| text.map(hand::microseconds).transpose());
                    times.collect::<Result<_>>()?
                }
                _ => array.as_primitive().clone(),
            };
            Arc::new(times.with_timezone("UTC"))
        }
        Service::YandexQuery if column.nullable => {
            let list = array.as_list::<i32>();
            let values = list.values().as_boolean();
            let each = (0..list.len()).map(|row| {
                let (start, length) = (list.value_offsets()[row], list.value_length(row));
                (length > 0).then(|| values.value(start as usize))
            });
            Arc::new(each.collect::<arrow_array::BooleanArray>())
        }
        Service::Dune if column.kind == Kind::Hash => {
            let texts = array.as_string::<i32>().iter();
            let bytes = texts.map(|text| text.and_then(hand::bytes));
            Arc::new(bytes.collect::<BinaryArray>())
        }
        _ => Arc::clone(array),
    })
}
