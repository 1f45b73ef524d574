//! `rowfeed sql`: results of services and local files, joined on this machine.

mod write;

use std::time::Duration;

use datafusion::{common::DataFusionError, prelude::SessionContext};
use rowfeed_datafusion::{Services, prepare, service_error, services_in};

use crate::{
    args::{ServiceName, SqlArgs},
    context::Context,
    error::{Failure, Kind, Result},
    progress::Reporter,
    request::statement,
    services::Connection,
};
use write::Target;

/// How long Ctrl-C waits for the requests that cancel runs.
const CANCEL_WITHIN: Duration = Duration::from_millis(700);

pub(crate) async fn sql(context: &Context, args: SqlArgs) -> Result<()> {
    let text = statement(&args.statement)?;
    let target = Target::of(&args)?;
    // The name of a file in quotes is a table.
    let ctx = SessionContext::new().enable_url_table();
    let reporter = Reporter::new(&context.ui);
    let query = async {
        register(context, &ctx, &text, &args, &reporter).await?;
        let query = prepare(&ctx, &text).await.map_err(failed)?;
        for (call, table) in query.tables() {
            let run = table.run_id().unwrap_or_default();
            context.ui.verbose(&format!("{call} is run {run}"));
        }
        let rows = query.dataframe().await.map_err(failed)?;
        write::write(context, rows, &target, &args, &reporter).await
    };
    let done = tokio::select! {
        biased;
        () = context.interrupt.wait() => None,
        done = query => Some(done),
    };
    reporter.clear();
    if let Some(done) = done {
        return done;
    }
    // Dropping the query has begun to cancel its runs, in tasks.
    tokio::time::sleep(CANCEL_WITHIN).await;
    let message = "interrupted; runs of the query that had not ended were cancelled";
    Err(Failure::new(Kind::Interrupted, message))
}

/// Connects to the services that the statement names, and to no others.
async fn register(
    context: &Context,
    ctx: &SessionContext,
    text: &str,
    args: &SqlArgs,
    reporter: &Reporter,
) -> Result<()> {
    let mut services = Services::new();
    for service in services_in(ctx, text).map_err(failed)? {
        let name = match service {
            "dune" => ServiceName::Dune,
            "lightdash" => ServiceName::Lightdash,
            _ => ServiceName::Yandex,
        };
        services = match Connection::open(context, name, None).await? {
            Connection::Dune(dune) => services.dune(dune.client),
            Connection::Lightdash(lightdash) => {
                let services = match &lightdash.project {
                    Some(project) => services.lightdash_project(project),
                    None => services,
                };
                services.lightdash(lightdash.client)
            }
            Connection::Yandex(yandex) => services.yandex_query(yandex.client),
        };
    }
    let (reporter, timeout) = (reporter.clone(), args.timeout);
    services = services.configure_runs(move |run| {
        let reporter = reporter.clone();
        let run = run.on_progress(move |progress| reporter.state(progress));
        match timeout {
            Some(timeout) => run.timeout(timeout).cancel_on_timeout(),
            None => run,
        }
    });
    if let Some(rows) = args.page_size {
        services = services.configure_tables(move |table| table.page_size(rows));
    }
    services.register(ctx);
    Ok(())
}

/// An error of DataFusion, or of the service below it.
fn failed(error: DataFusionError) -> Failure {
    if let Some(error) = service_error(&error) {
        return Failure::from(error);
    }
    let kind = match error.find_root() {
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => Kind::Other,
        DataFusionError::ResourcesExhausted(_) | DataFusionError::External(_) => Kind::Other,
        _ => Kind::Statement,
    };
    Failure::new(kind, error.find_root().strip_backtrace())
}
