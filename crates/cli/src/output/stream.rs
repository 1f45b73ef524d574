//! The rows of a run on standard output.

use std::io::{self, Write as _};

use arrow_ipc::writer::StreamWriter;
use rowfeed::{Column, ColumnKind, Row};

use super::{
    TextWriter, pager,
    table::{Drawing, Heading, Table},
    value::text,
};
use crate::{
    args::{Format, RowArgs},
    context::Context,
    error::{Failure, Kind, Result},
    fetch::Reading,
    progress::Amount,
    text::counted,
};

/// How many rows a table has unless `--limit` says otherwise.
pub(crate) const FEW_ROWS: u64 = 20;

/// The width of the terminal, or what COLUMNS says; nothing in a pipe.
pub(super) fn terminal_width() -> Option<usize> {
    let said = crate::profile::env("COLUMNS").and_then(|text| text.parse().ok());
    said.or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
        Some(width.0.into())
    })
}

/// Shows the first rows as a table, or with the pager all of them.
pub(crate) async fn write_table(
    context: &Context,
    args: &RowArgs,
    reading: &mut Reading<'_>,
) -> Result<Amount> {
    let mut table = Table::default();
    let mut amount = Amount {
        total_rows: reading.total_rows,
        ..Amount::default()
    };
    while let Some(page) = reading.next_page().await? {
        if table.headings.is_empty() {
            table.headings = page.columns().iter().map(heading).collect();
        }
        for row in page.decode::<Row>() {
            let row = row?;
            if table.headings.is_empty() {
                table.headings = row.iter().map(|(name, _)| undeclared(name)).collect();
            }
            let cells = table
                .headings
                .iter()
                .map(|heading| match row.get(&heading.name) {
                    Some(rowfeed::Value::Unrepresentable) => Some("(not sent)".to_owned()),
                    Some(value) => shown(value),
                    None => None,
                });
            let cells = cells.collect();
            table.rows.push(cells);
        }
        amount.rows += page.len() as u64;
        amount.bytes += page.raw().as_str().len() as u64;
        reading.report(amount);
    }
    if table.headings.is_empty()
        && let Some(columns) = reading.columns()
    {
        table.headings = columns.iter().map(heading).collect();
    }
    if !args.read.columns.is_empty() {
        table = selected(table, &args.read.columns)?;
    }
    reading.reporter.clear();
    let drawing = Drawing {
        width: terminal_width().filter(|_| !args.output.pager),
        has_color: context.ui.stdout_has_color(),
    };
    let drawn = table.draw(drawing);
    if args.output.pager {
        pager::show(&drawn.text)?;
    } else {
        let mut out = io::stdout().lock();
        let written = out
            .write_all(drawn.text.as_bytes())
            .and_then(|()| out.flush());
        written.map_err(|error| Failure::stdout(&error))?;
    }
    context.ui.note(&footer(amount, &drawn.left_out, args));
    Ok(amount)
}

/// The value as people read it: a time at UTC ends in Z.
fn shown(value: &rowfeed::Value) -> Option<String> {
    let mut text = text(value)?;
    if matches!(value, rowfeed::Value::Timestamp(_))
        && let Some(time) = text.strip_suffix("+00:00")
    {
        text = format!("{time}Z");
    }
    Some(text)
}

fn heading(column: &Column) -> Heading {
    let is_number = matches!(
        column.kind(),
        ColumnKind::Integer | ColumnKind::Float | ColumnKind::Decimal | ColumnKind::Number
    );
    let is_time = matches!(
        column.kind(),
        ColumnKind::Date
            | ColumnKind::Time
            | ColumnKind::Timestamp
            | ColumnKind::Instant
            | ColumnKind::Interval
    );
    Heading {
        name: column.name().to_owned(),
        type_name: column.type_name().map(str::to_owned),
        is_number,
        is_whole: is_number || is_time,
    }
}

fn undeclared(name: &str) -> Heading {
    Heading {
        name: name.to_owned(),
        type_name: None,
        is_number: false,
        is_whole: false,
    }
}

fn selected(table: Table, names: &[String]) -> Result<Table> {
    let place = |name: &String| {
        let found = table
            .headings
            .iter()
            .position(|heading| heading.name == *name);
        found.ok_or_else(|| {
            let there: Vec<&str> = table
                .headings
                .iter()
                .map(|heading| heading.name.as_str())
                .collect();
            super::text::no_column(name, &there)
        })
    };
    let places = names.iter().map(place).collect::<Result<Vec<_>>>()?;
    Ok(Table {
        headings: places
            .iter()
            .map(|at| table.headings[*at].clone())
            .collect(),
        rows: table
            .rows
            .iter()
            .map(|row| places.iter().map(|at| row[*at].clone()).collect())
            .collect(),
    })
}

/// `20 of 48 rows; --limit 48 shows all of them, -o FILE saves them`
fn footer(amount: Amount, left_out: &[String], args: &RowArgs) -> String {
    let mut text = match amount.total_rows {
        Some(total) if total > amount.rows => {
            let mut text = format!(
                "{} of {}",
                crate::text::count(amount.rows),
                counted(total, "row")
            );
            if args.read.limit.is_none() {
                text.push_str("; --limit shows more, --pager all, -o FILE saves them");
            }
            text
        }
        Some(_) => counted(amount.rows, "row"),
        None if args.read.limit.unwrap_or(FEW_ROWS) == amount.rows => {
            format!("the first {}", counted(amount.rows, "row"))
        }
        None => counted(amount.rows, "row"),
    };
    if !left_out.is_empty() {
        text.push_str(&format!(
            "\n{} had no room: {}; --columns chooses",
            counted(left_out.len() as u64, "column"),
            left_out.join(", ")
        ));
    }
    text
}

/// Writes all rows as NDJSON, CSV or an Arrow stream.
pub(crate) async fn write_rows(
    format: Format,
    args: &RowArgs,
    reading: &mut Reading<'_>,
) -> Result<Amount> {
    match format {
        Format::Arrow => arrow(args, reading).await,
        Format::Csv | Format::Ndjson => text_rows(format, args, reading).await,
        Format::Table | Format::Parquet => Err(Failure::usage(format!(
            "{} is no format for a pipe",
            format.name()
        ))),
    }
}

async fn text_rows(format: Format, args: &RowArgs, reading: &mut Reading<'_>) -> Result<Amount> {
    let mut writer = TextWriter::new(format, &args.read.columns);
    let mut amount = Amount {
        total_rows: reading.total_rows,
        ..Amount::default()
    };
    let mut buffer = Vec::new();
    while let Some(page) = reading.next_page().await? {
        buffer.clear();
        // What came before a row that cannot be written is good.
        let converted = writer.write(&page, &mut buffer);
        put(&buffer)?;
        converted?;
        amount.rows += page.len() as u64;
        amount.bytes += buffer.len() as u64;
        reading.report(amount);
    }
    buffer.clear();
    writer.begin(reading.columns(), &mut buffer)?;
    put(&buffer)?;
    Ok(amount)
}

fn put(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| Failure::stdout(&error))
}

async fn arrow(args: &RowArgs, reading: &mut Reading<'_>) -> Result<Amount> {
    let mut amount = Amount {
        total_rows: reading.total_rows,
        ..Amount::default()
    };
    let mut batches = reading.batches(&args.read.columns, &args.output.types);
    let mut writer: Option<StreamWriter<Counted>> = None;
    while let Some(batch) = reading.next_batch(&mut batches).await? {
        let writer = match &mut writer {
            Some(writer) => writer,
            none => {
                let new = StreamWriter::try_new(Counted::default(), &batch.schema());
                none.insert(new.map_err(unwritten)?)
            }
        };
        writer.write(&batch).map_err(unwritten)?;
        writer.flush().map_err(unwritten)?;
        amount.rows += batch.num_rows() as u64;
        amount.bytes = writer.get_ref().0;
        reading.report(amount);
    }
    if let Some(mut writer) = writer {
        writer.finish().map_err(unwritten)?;
        amount.bytes = writer.get_ref().0;
    }
    Ok(amount)
}

/// Standard output, with a count of what went there.
#[derive(Default)]
struct Counted(u64);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = io::stdout().lock().write(bytes)?;
        self.0 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}

fn unwritten(error: arrow_schema::ArrowError) -> Failure {
    match error {
        arrow_schema::ArrowError::IoError(_, error) => Failure::stdout(&error),
        other => Failure::new(
            Kind::Data,
            format!("the rows make no Arrow stream: {other}"),
        ),
    }
}
