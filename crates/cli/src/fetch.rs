//! From a request to its rows, wherever they go.

use std::{io, time::Instant};

use arrow_array::RecordBatch;
use rowfeed::{Columns, CompletedRun, Cursor, Page, Pages};
use serde_json::json;

use crate::{
    args::{Format, RowArgs, RunArgs},
    context::Context,
    error::{Failure, Kind, Result},
    execute::Executor,
    export,
    output::{self, Batches},
    progress::{Amount, Reporter},
    request::Request,
    services::{Connection, read_credits, refuse_if_capped},
    text::{bytes, counted},
};

/// Pages that are fetched ahead where all rows are requested.
const AHEAD: usize = 2;

/// Runs or finds what is requested, and writes its rows.
pub(crate) async fn fetch(
    context: &Context,
    connection: &Connection,
    request: &Request,
    run: Option<&RunArgs>,
    rows: &RowArgs,
) -> Result<()> {
    check(connection, rows)?;
    if rows.limits.dry_run {
        return plan(context, connection, request, rows).await;
    }
    let reporter = Reporter::new(&context.ui);
    let executor = Executor {
        context,
        connection,
        request,
        args: run,
        reporter: &reporter,
    };
    let written = match &rows.output.output {
        Some(path) => export::export(&executor, rows, path).await,
        None => to_stdout(&executor, rows).await,
    };
    reporter.clear();
    written
}

/// Refuses what does not go together, before anything is sent.
pub(crate) fn check(connection: &Connection, rows: &RowArgs) -> Result<()> {
    let output = &rows.output;
    if output.output.is_none() {
        for (is_set, name) in [
            (output.rows_per_file.is_some(), "--rows-per-file"),
            (output.force, "--force"),
        ] {
            if is_set {
                return Err(Failure::usage(format!("{name} needs -o FILE")));
            }
        }
        if output.format == Some(Format::Parquet) {
            return Err(Failure::usage(
                "Parquet cannot be written to a pipe: its end names its parts",
            )
            .hint("write it with -o FILE.parquet, or take --format arrow"));
        }
    }
    if let Some(credits) = rows.limits.max_read_credits {
        if connection.credits_per_mb().is_none() {
            return Err(Failure::usage(
                "--max-read-credits is for Dune, which bills what it sends",
            ));
        }
        if !credits.is_finite() || credits < 0.0 {
            return Err(Failure::usage(
                "--max-read-credits is a number that is not negative",
            ));
        }
    }
    let mut columns = rows.read.columns.iter();
    while let Some(column) = columns.next() {
        if columns.as_slice().contains(column) {
            return Err(Failure::usage(format!("--columns names {column:?} twice")));
        }
    }
    Ok(())
}

async fn to_stdout(executor: &Executor<'_>, rows: &RowArgs) -> Result<()> {
    let format = match rows.output.pager {
        true => Format::Table,
        false => rows.output.format.unwrap_or_else(output::usual_format),
    };
    if !rows.output.types.is_empty() && format != Format::Arrow {
        return Err(Failure::usage(
            "--type is for Parquet and Arrow, which have types",
        ));
    }
    let handle = executor.start().await?;
    if executor.args.is_some_and(|args| args.no_wait) {
        executor.reporter.clear();
        use io::Write as _;
        let printed = writeln!(io::stdout().lock(), "{}", handle.id());
        executor.context.ui.detail(&format!(
            "'rowfeed run attach {}' reads its rows",
            handle.id()
        ));
        return printed.map_err(|error| Failure::stdout(&error));
    }
    let run = executor.wait(handle).await?;
    let announced = Announced::of(executor, &run, rows).await?;
    announced.check(rows)?;
    let mut limited = rows.clone();
    if format == Format::Table && !rows.output.pager {
        let few = rows.read.limit.unwrap_or(output::FEW_ROWS);
        limited.read.limit = Some(few);
        // Dune bills what it sends, so that no row more is requested.
        if limited.read.page_size.is_none() && few < 1_000 {
            limited.read.page_size = u32::try_from(few).ok().filter(|few| *few > 0);
        }
    }
    let pages = pages(&run, &limited, None, 0, 0)?;
    let mut reading = Reading::new(executor, &run, pages, &announced, 0);
    let (amount, ending) = match format {
        Format::Table => (
            output::write_table(executor.context, rows, &mut reading).await?,
            Ending::Table,
        ),
        other => {
            // Rows and a moving line would share the screen, unless rows go into a file.
            if !output::is_file() {
                executor.reporter.clear();
            }
            (
                output::write_rows(other, rows, &mut reading).await?,
                Ending::Pipe,
            )
        }
    };
    finish(executor, &run, &announced, amount, ending);
    Ok(())
}

/// Tells that everything is written.
pub(crate) fn finish(
    executor: &Executor<'_>,
    run: &CompletedRun,
    announced: &Announced,
    mut amount: Amount,
    ending: Ending<'_>,
) {
    amount.read_credits = announced.credits_of(amount.rows);
    let cost = run.details().cost_credits;
    let output = match ending {
        Ending::File(path) => Some(path),
        Ending::Table | Ending::Pipe => None,
    };
    executor.reporter.finished(amount, run.id(), cost, output);
    let mut parts = Vec::new();
    match ending {
        Ending::Table => {}
        Ending::Pipe => parts.push(counted(amount.rows, "row")),
        Ending::File(path) => parts.push(format!("{} in {path}", counted(amount.rows, "row"))),
    }
    if !matches!(ending, Ending::Table) {
        parts.push(bytes(amount.bytes));
    }
    parts.push(format!(
        "{:.1} s",
        executor.reporter.elapsed().as_secs_f64()
    ));
    parts.push(format!("run {}", run.id()));
    if let Some(cost) = cost {
        parts.push(format!("{cost} credits to execute"));
    }
    let cache = &executor.context.cache;
    cache.report(&executor.context.ui);
    parts.extend(cache.note());
    if let Some(credits) = amount.read_credits {
        parts.push(format!("about {credits:.3} credits to read"));
    }
    match ending {
        Ending::File(_) => executor.context.ui.note(&parts.join(", ")),
        Ending::Pipe | Ending::Table => executor.context.ui.detail(&parts.join(", ")),
    }
}

/// Where rows went.
#[derive(Clone, Copy)]
pub(crate) enum Ending<'a> {
    Table,
    Pipe,
    File(&'a str),
}

/// What the service says of a result before it is read.
pub(crate) struct Announced {
    /// Rows of the result.
    pub(crate) rows: Option<u64>,
    /// Bytes of all its rows, with all columns.
    bytes: Option<u64>,
    credits_per_mb: Option<f64>,
}

impl Announced {
    pub(crate) async fn of(
        executor: &Executor<'_>,
        run: &CompletedRun,
        rows: &RowArgs,
    ) -> Result<Self> {
        let total = match run.result_sets() {
            1 => run.total_rows(),
            _ => None,
        };
        refuse_if_capped(executor.request, total, rows.read.allow_truncated)?;
        let ui = &executor.context.ui;
        let is_wanted = rows.limits.max_read_credits.is_some()
            || rows.limits.dry_run
            || rows.output.output.is_some()
            || ui.shows_progress
            || ui.is_json;
        // One request more, which is free and yet counts for the rate.
        let bytes = match is_wanted {
            true => executor.connection.announced_bytes(run.id()).await?,
            false => None,
        };
        Ok(Self {
            rows: total,
            bytes,
            credits_per_mb: executor.connection.credits_per_mb(),
        })
    }

    /// The cost of reading this number of rows with all columns.
    fn credits_of(&self, rows: u64) -> Option<f64> {
        let all = read_credits(self.bytes?, self.credits_per_mb?);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let share = match self.rows? {
            0 => 0.0,
            total => rows.min(total) as f64 / total as f64,
        };
        Some(all * share)
    }

    /// How many rows will be read.
    fn wanted(&self, rows: &RowArgs) -> Option<u64> {
        match (self.rows, rows.read.limit) {
            (Some(total), Some(limit)) => Some(total.min(limit)),
            (total, limit) => total.or(limit),
        }
    }

    /// Refuses what goes beyond the limits.
    pub(crate) fn check(&self, rows: &RowArgs) -> Result<()> {
        if let (Some(most), Some(wanted)) = (rows.limits.max_rows, self.wanted(rows))
            && wanted > most
        {
            return Err(too_many(wanted, most));
        }
        let Some(most) = rows.limits.max_read_credits else {
            return Ok(());
        };
        let cost = self.wanted(rows).and_then(|wanted| self.credits_of(wanted));
        let Some(cost) = cost else {
            return Err(Failure::new(
                Kind::Limit,
                "Dune does not say how large the result is, so that --max-read-credits cannot be kept",
            ));
        };
        match cost > most {
            true => Err(Failure::new(
                Kind::Limit,
                format!("reading would cost about {cost:.3} credits, and --max-read-credits is {most}"),
            )
            .hint("read fewer rows with --limit, or raise the limit; 'credits-per-mb' of the profile is the rate")),
            false => Ok(()),
        }
    }
}

fn too_many(rows: u64, most: u64) -> Failure {
    let message = format!(
        "the result has {}, and --max-rows is {most}",
        counted(rows, "row")
    );
    Failure::new(Kind::Limit, message).hint("read a part with --limit, or raise the limit")
}

/// The pages that are requested; `ahead` of them are fetched in advance. `done` rows were read before.
pub(crate) fn pages(
    run: &CompletedRun,
    rows: &RowArgs,
    cursor: Option<&Cursor>,
    done: u64,
    ahead: usize,
) -> Result<Pages> {
    let sets = run.result_sets();
    let read = &rows.read;
    let mut pages = match (cursor, read.result_set) {
        (Some(cursor), _) => run.resume(cursor),
        (None, Some(index)) if (index as usize) < sets => run.result_set(index as usize),
        (None, Some(index)) => {
            let message = format!(
                "the run has {}, so it has no result {index}",
                counted(sets as u64, "result")
            );
            return Err(Failure::usage(message).run(run.id()));
        }
        (None, None) if sets > 1 => {
            let message = format!("the run has {sets} results");
            return Err(Failure::usage(message)
                .run(run.id())
                .hint(format!("choose one with --result-set 0 to {}", sets - 1)));
        }
        (None, None) => run.pages(),
    };
    // The library ignores unknown columns; here they are an error.
    if let Some(columns) = run
        .details()
        .columns
        .as_ref()
        .filter(|columns| !columns.is_empty())
    {
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        let missing = read
            .columns
            .iter()
            .find(|name| !names.contains(&name.as_str()));
        if let Some(name) = missing {
            return Err(output::no_column(name, &names).run(run.id()));
        }
    }
    if let Some(size) = read.page_size {
        pages = pages.page_size(size);
    }
    if let Some(limit) = read.limit {
        pages = pages.max_rows(limit.saturating_sub(done));
    }
    if read.allow_truncated {
        pages = pages.allow_truncated();
    }
    if !read.columns.is_empty() {
        pages = pages.select_columns(read.columns.iter().cloned());
    }
    Ok(pages.prefetch(ahead))
}

/// How many pages to fetch ahead for an export.
pub(crate) fn ahead(rows: &RowArgs) -> usize {
    match rows.read.limit {
        Some(limit) if limit <= 32_000 => 0,
        _ => AHEAD,
    }
}

/// A result that is being read: interrupted by Ctrl-C, bound by `--max-rows`, reported.
pub(crate) struct Reading<'a> {
    executor: &'a Executor<'a>,
    pub(crate) reporter: &'a Reporter,
    run: &'a CompletedRun,
    pages: Option<Pages>,
    announced: &'a Announced,
    /// How many rows there will be, where that is known.
    pub(crate) total_rows: Option<u64>,
    rows: u64,
    rows_before: u64,
    most_rows: Option<u64>,
    began: Instant,
}

impl<'a> Reading<'a> {
    /// `rows_before` rows were read by an earlier process.
    pub(crate) fn new(
        executor: &'a Executor<'a>,
        run: &'a CompletedRun,
        pages: Pages,
        announced: &'a Announced,
        rows_before: u64,
    ) -> Self {
        Self {
            executor,
            reporter: executor.reporter,
            run,
            pages: Some(pages),
            announced,
            total_rows: announced.rows,
            rows: rows_before,
            rows_before,
            most_rows: None,
            began: Instant::now(),
        }
    }

    /// Fails when more rows come than `--max-rows` allows, where the service did not say so before.
    pub(crate) fn bound(mut self, rows: &RowArgs) -> Self {
        self.most_rows = rows.limits.max_rows;
        if let (Some(total), Some(limit)) = (self.total_rows, rows.read.limit) {
            self.total_rows = Some(total.min(limit));
        }
        self
    }

    pub(crate) async fn next_page(&mut self) -> Result<Option<Page>> {
        let Some(pages) = &mut self.pages else {
            return Ok(None);
        };
        let page = tokio::select! {
            biased;
            () = self.executor.context.interrupt.wait() => Err(self.interrupted()),
            page = pages.try_next() => Ok(page?),
        }?;
        self.count(page.as_ref().map_or(0, |page| page.len() as u64))?;
        Ok(page)
    }

    /// The rows as record batches, in place of pages.
    pub(crate) fn batches(
        &mut self,
        columns: &[String],
        types: &[crate::args::TypeOverride],
    ) -> Batches {
        let pages = self.pages.take();
        Batches::new(pages.unwrap_or_else(|| self.run.pages()), columns, types)
    }

    pub(crate) async fn next_batch(
        &mut self,
        batches: &mut Batches,
    ) -> Result<Option<RecordBatch>> {
        let batch = tokio::select! {
            biased;
            () = self.executor.context.interrupt.wait() => Err(self.interrupted()),
            batch = batches.next() => batch,
        }?;
        self.count(batch.as_ref().map_or(0, |batch| batch.num_rows() as u64))?;
        Ok(batch)
    }

    fn count(&mut self, rows: u64) -> Result<()> {
        self.rows += rows;
        match self.most_rows {
            Some(most) if self.rows > most => Err(too_many(self.rows, most)),
            _ => Ok(()),
        }
    }

    fn interrupted(&self) -> Failure {
        let message = format!("interrupted after {}", counted(self.rows, "row"));
        Failure::new(Kind::Interrupted, message).run(self.run.id())
    }

    /// The columns, where the run tells them without a page.
    pub(crate) fn columns(&self) -> Option<&Columns> {
        self.run.details().columns.as_ref()
    }

    pub(crate) fn report(&self, mut amount: Amount) {
        amount.read_credits = self.announced.credits_of(amount.rows);
        self.reporter
            .rows(amount, self.began.elapsed(), self.rows_before);
    }
}

/// `--dry-run`: what would be sent and read. Nothing is executed.
async fn plan(
    context: &Context,
    connection: &Connection,
    request: &Request,
    rows: &RowArgs,
) -> Result<()> {
    let mut text = format!("would {}", request.title());
    let mut event = json!({"event": "plan", "request": request});
    if let Some(statement) = request.statement() {
        text.push_str(&format!(":\n{}", statement.trim_end()));
    }
    if request.executes() {
        text.push_str(
            "\nwhat an execution costs is known only when it has ended; --timeout bounds it",
        );
    } else {
        let reporter = Reporter::new(&context.ui);
        let executor = Executor {
            context,
            connection,
            request,
            args: None,
            reporter: &reporter,
        };
        let handle = executor.start().await?;
        let run = executor.wait(handle).await?;
        let announced = Announced::of(&executor, &run, rows).await?;
        reporter.clear();
        let columns = run.details().columns.as_ref().map(|columns| columns.len());
        let credits = announced
            .wanted(rows)
            .and_then(|wanted| announced.credits_of(wanted));
        text.push_str(&format!("\nrun {}", run.id()));
        if let Some(total) = announced.rows {
            text.push_str(&format!(", {}", counted(total, "row")));
        }
        if let Some(columns) = columns {
            text.push_str(&format!(", {}", counted(columns as u64, "column")));
        }
        if let Some(size) = announced.bytes {
            text.push_str(&format!(", {}", bytes(size)));
        }
        if let Some(credits) = credits {
            text.push_str(&format!(", about {credits:.3} credits to read"));
        }
        event["run_id"] = json!(run.id());
        event["rows"] = json!(announced.rows);
        event["columns"] = json!(columns);
        event["bytes"] = json!(announced.bytes);
        event["read_credits"] = json!(credits);
        announced.check(rows)?;
    }
    if let Some(path) = &rows.output.output {
        text.push_str(&format!("\nwould write {}", path.display()));
        event["output"] = json!(path);
    }
    use io::Write as _;
    let line = match context.global.json {
        true => event.to_string(),
        false => crate::text::printable(&text).into_owned(),
    };
    writeln!(io::stdout().lock(), "{line}").map_err(|error| Failure::stdout(&error))
}
