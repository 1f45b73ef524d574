//! Serialized rows of a service in sequence, so that any range can be sent.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    dataset::{Dataset, Service, Table},
    encode,
    table::{self, Column},
};

/// The format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Format {
    Json,
    Csv,
}

/// Serialized rows: `row,row,row,`, or lines of CSV.
pub(super) struct Block {
    bytes: Vec<u8>,
    /// The start of each row, and the end of the last.
    starts: Vec<usize>,
    /// The columns of the rows.
    pub(super) columns: Vec<Column>,
}

impl Block {
    fn new(
        service: Service,
        format: Format,
        table: Table,
        rows: u64,
        wanted: Option<&str>,
    ) -> Self {
        let all = table::columns(table);
        let wanted: Option<Vec<&str>> = wanted.map(|names| names.split(',').collect());
        let is_wanted = |column: &Column| match &wanted {
            Some(names) => names.contains(&column.name.as_str()),
            None => true,
        };
        let shown: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(_, column)| is_wanted(column))
            .collect();
        let (mut text, mut starts) = (String::new(), vec![0]);
        for n in 0..rows {
            let cells = table::row(table, n);
            match format {
                Format::Json => encode::row(service, &shown, &cells, &mut text),
                Format::Csv => encode::csv_row(&shown, &cells, &mut text),
            }
            text.push(match format {
                Format::Json => ',',
                Format::Csv => '\n',
            });
            starts.push(text.len());
        }
        let columns = all.into_iter().filter(is_wanted).collect();
        Self {
            bytes: text.into_bytes(),
            starts,
            columns,
        }
    }

    fn len(&self) -> u64 {
        self.starts.len() as u64 - 1
    }

    /// Returns the rows from `first` on without the separator after the last, in one or more parts.
    /// The rows of the block repeat.
    pub(super) fn parts(&self, first: u64, rows: u64) -> Vec<&[u8]> {
        let (mut next, end) = (first, first + rows);
        let mut parts = Vec::new();
        while next < end {
            let begin = next % self.len();
            let count = (end - next).min(self.len() - begin);
            next += count;
            let (begin, stop) = (begin as usize, (begin + count) as usize);
            let stop = self.starts[stop] - usize::from(next == end);
            parts.push(&self.bytes[self.starts[begin]..stop]);
        }
        parts
    }
}

/// Service, format, table, different rows, wanted columns.
type Key = (Service, Format, Table, u64, Option<String>);

/// The blocks that were requested; each is built once.
#[derive(Default)]
pub(super) struct Blocks(Mutex<HashMap<Key, Arc<Block>>>);

impl Blocks {
    pub(super) fn get(
        &self,
        service: Service,
        format: Format,
        dataset: &Dataset,
        columns: Option<&str>,
    ) -> Arc<Block> {
        let rows = dataset.rows.min(table::period(dataset.table));
        let key = (
            service,
            format,
            dataset.table,
            rows,
            columns.map(str::to_owned),
        );
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let block = blocks
            .entry(key)
            .or_insert_with(|| Arc::new(Block::new(service, format, dataset.table, rows, columns)));
        Arc::clone(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_is_a_list_of_rows() {
        let block = Block::new(
            Service::Dune,
            Format::Json,
            Table::Mixed,
            5,
            Some("log_index"),
        );
        let text = |first, rows| {
            let parts = block.parts(first, rows).concat();
            String::from_utf8_lossy(&parts).into_owned()
        };
        let rows: Vec<String> = (0..5).map(|n| text(n, 1)).collect();
        assert!(rows[0].starts_with(r#"{"log_index":"#) && rows[0].ends_with('}'));
        assert_eq!(text(1, 3), rows[1..4].join(","));
        // Continue at the start of the block.
        let twice = format!("{},{},{}", rows[4], rows.join(","), rows[0]);
        assert_eq!(text(4, 7), twice);
        assert_eq!(text(2, 0), "");
    }
}
