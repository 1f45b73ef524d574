//! `rowfeed snapshot`: a run as partitioned Parquet, in a directory or an object store.

use rowfeed::CompletedRun;
use rowfeed_snapshot::{Destination, Manifest, Snapshot, SnapshotError, SnapshotErrorKind};
use serde_json::Map;

use crate::{
    args::{DuneTarget, RowArgs, RunIdArgs, ServiceName, SnapshotArgs},
    context::Context,
    error::{Failure, Kind, Result},
    execute::Executor,
    fetch::{self, Announced, Ending},
    progress::{Amount, Reporter},
    request::Request,
    services::{self, Connection},
    text::{count, counted},
};

pub(crate) async fn snapshot(context: &Context, args: SnapshotArgs) -> Result<()> {
    let destination = Destination::parse(&args.destination).map_err(Failure::from)?;
    let (connection, request) = target(context, &args).await?;
    let rows = args.rows();
    fetch::check(&connection, &rows)?;
    let reporter = Reporter::new(&context.ui);
    let executor = Executor {
        context,
        connection: &connection,
        request: &request,
        args: None,
        reporter: &reporter,
    };
    let written = write(&executor, &args, &rows, &destination).await;
    reporter.clear();
    written
}

/// The run that the argument names.
async fn target(context: &Context, args: &SnapshotArgs) -> Result<(Connection, Request)> {
    let by_form = ServiceName::of_run(&args.target);
    if by_form.is_none()
        && matches!(args.service, None | Some(ServiceName::Dune))
        && let Ok(DuneTarget::Query(query)) = DuneTarget::parse(&args.target)
    {
        let connection = Connection::open(context, ServiceName::Dune, None).await?;
        let params = Map::new();
        return Ok((connection, Request::DuneLatest { query, params }));
    }
    let run = RunIdArgs {
        id: args.target.clone(),
        service: args.service,
        project: args.project.clone(),
        folder: args.folder.clone(),
    };
    let connection = services::of_run(context, &run).await?;
    let request = Request::Run {
        service: connection.service(),
        id: run.id,
    };
    Ok((connection, request))
}

async fn write(
    executor: &Executor<'_>,
    args: &SnapshotArgs,
    rows: &RowArgs,
    destination: &Destination,
) -> Result<()> {
    let ui = &executor.context.ui;
    let before = Manifest::read(destination).await.map_err(Failure::from)?;
    let run = executor.wait(executor.start().await?).await?;
    let announced = Announced::of(executor, &run, rows).await?;
    match &before {
        Some(manifest) if manifest.run_id() == run.id() => ui.note(&format!(
            "resuming run {} after row {}",
            run.id(),
            count(manifest.rows())
        )),
        _ => announced.check(rows)?,
    }
    let report = executor.reporter.clone();
    let began = std::time::Instant::now();
    let rows_before = before.as_ref().map_or(0, Manifest::rows);
    let total_rows = announced.rows;
    let writing = configure(&run, args, rows).on_progress(move |progress| {
        let amount = Amount {
            rows: progress.rows,
            total_rows,
            bytes: progress.stored_bytes,
            read_credits: None,
        };
        report.rows(amount, began.elapsed(), rows_before);
    });
    let written = tokio::select! {
        biased;
        () = executor.context.interrupt.wait() => {
            Err(Failure::new(Kind::Interrupted, "interrupted"))
        }
        written = writing.write(destination) => written.map_err(Failure::from),
    };
    let manifest = written.map_err(|failure| resumes(failure.run(run.id()), &run, args))?;
    executor.reporter.clear();
    let amount = Amount {
        rows: manifest.rows(),
        total_rows,
        bytes: manifest.bytes(),
        read_credits: None,
    };
    let files = counted(manifest.parts().len() as u64, "file");
    let place = format!("{files} in {destination}");
    fetch::finish(executor, &run, &announced, amount, Ending::File(&place));
    Ok(())
}

fn configure<'a>(run: &'a CompletedRun, args: &SnapshotArgs, rows: &RowArgs) -> Snapshot<'a> {
    let output = &rows.output;
    let mut snapshot = Snapshot::new(run)
        .rows_per_part(args.rows_per_part)
        .row_group_rows(output.row_group)
        .compression(output.compression.into())
        .columns(rows.read.columns.iter().cloned());
    if let Some(index) = rows.read.result_set {
        snapshot = snapshot.result_set(index);
    }
    if let Some(size) = rows.read.page_size {
        snapshot = snapshot.page_size(size);
    }
    if rows.read.allow_truncated {
        snapshot = snapshot.allow_truncated();
    }
    output.types.iter().fold(snapshot, |snapshot, change| {
        snapshot.column_type(&change.column, change.data_type.clone())
    })
}

/// How to resume: with the id of the run, because a later result of a query is another one.
fn resumes(failure: Failure, run: &CompletedRun, args: &SnapshotArgs) -> Failure {
    match failure.kind {
        Kind::Usage | Kind::Expired | Kind::NotFound => failure,
        _ => failure.or_hint(|| {
            let resume = format!("rowfeed snapshot {} {}", run.id(), args.destination);
            format!("'{resume}' with the same options resumes")
        }),
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        let error = match error.into_rows() {
            Ok(error) => return error.into(),
            Err(error) => error,
        };
        let kind = match error.kind() {
            SnapshotErrorKind::InvalidRequest => Kind::Usage,
            SnapshotErrorKind::Rows | SnapshotErrorKind::Parquet => Kind::Data,
            _ => Kind::Output,
        };
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        let failure = Self::new(kind, message.replace("column_type()", "--type COLUMN=text"));
        match error.kind() {
            SnapshotErrorKind::OtherSnapshot
            | SnapshotErrorKind::Foreign
            | SnapshotErrorKind::Manifest => failure.hint("nothing was changed there"),
            _ => failure,
        }
    }
}
