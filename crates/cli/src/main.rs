//! `rowfeed`: rows of Dune, Lightdash and Yandex Query into tables, files and pipes.
#![forbid(unsafe_code)]

mod api;
mod args;
mod cache;
mod caret;
mod context;
mod error;
mod execute;
mod export;
mod fetch;
mod generate;
mod interrupt;
mod output;
mod profile;
mod progress;
mod request;
mod sandbox;
mod services;
mod snapshot;
#[cfg(feature = "sql")]
mod sql;
mod stats;
mod text;
mod ui;
mod upload;

use std::process::ExitCode;

use args::{
    Cli, Command, DuneCommand, LightdashCommand, ProfileCommand, RunCommand, ServiceName,
    YandexCommand,
};
use clap::Parser as _;
use context::Context;
use error::{Failure, Kind, Result};
use fetch::fetch;
use request::{Request, parameters, performance, statement};
use services::{ChartName, Connection};
use ui::Ui;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unread(&error),
    };
    let ui = Ui::new(&cli.global);
    trace(&cli, &ui);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ended = runtime
        .map_err(|error| {
            Failure::new(
                Kind::Other,
                format!("the runtime cannot be started: {error}"),
            )
        })
        .and_then(|runtime| {
            let ended = runtime.block_on(run(cli, ui.clone()));
            // A task that fetches ahead is not waited for.
            runtime.shutdown_background();
            ended
        });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.kind != Kind::ClosedPipe {
                ui.failure(&failure);
            }
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// A command line that cannot be read, or help.
fn unread(error: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && is_json {
        let text = error.to_string();
        let message = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        eprintln!("{}", Failure::usage(message).json());
    } else {
        // A closed standard error cannot be reported.
        let _ = error.print();
    }
    ExitCode::from(match error.use_stderr() {
        true => Kind::Usage.exit_code(),
        false => 0,
    })
}

/// Writes spans and events to standard error: with `-v` those of rowfeed, with `-vv` all.
fn trace(cli: &Cli, ui: &Ui) {
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::{filter::Targets, fmt, prelude::*};

    let shown = match cli.global.verbose {
        0 => return,
        1 => Targets::new().with_target("rowfeed", LevelFilter::DEBUG),
        _ => Targets::new().with_default(LevelFilter::TRACE),
    };
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(ui.has_color)
        .with_span_events(fmt::format::FmtSpan::CLOSE);
    tracing_subscriber::registry()
        .with(lines.with_filter(shown))
        .init();
}

async fn run(cli: Cli, ui: Ui) -> Result<()> {
    let context = Context::new(cli.global, ui)?;
    let ended = carry_out(&context, cli.command).await;
    if context.global.stats {
        context.stats.show(&context.ui);
    }
    ended
}

async fn carry_out(context: &Context, command: Command) -> Result<()> {
    match command {
        Command::Dune(command) => dune(context, *command).await,
        Command::Lightdash(command) => lightdash(context, *command).await,
        Command::Yandex(command) => yandex(context, *command).await,
        #[cfg(feature = "sql")]
        Command::Sql(args) => sql::sql(context, *args).await,
        Command::Run(command) => runs(context, *command).await,
        Command::Snapshot(args) => snapshot::snapshot(context, *args).await,
        Command::Schema(command) => services::schema(context, command).await,
        Command::Ls(command) => services::ls(context, command).await,
        Command::Api(args) => api::api(context, *args).await,
        Command::Profile(command) => match command {
            ProfileCommand::Add(args) => profile::add(context, args),
            ProfileCommand::List { format } => profile::list(context, format),
            ProfileCommand::Test(args) => profile::test(context, args).await,
        },
        Command::Sandbox(args) => sandbox::serve(context, args).await,
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}

async fn dune(context: &Context, command: DuneCommand) -> Result<()> {
    let open = || Connection::open(context, ServiceName::Dune, None);
    match command {
        DuneCommand::Sql {
            statement: text,
            performance: engine,
            run,
            rows,
        } => {
            let request = Request::DuneSql {
                sql: statement(&text)?,
                performance: performance(engine),
            };
            fetch(context, &open().await?, &request, Some(&run), &rows).await
        }
        DuneCommand::Query {
            query,
            params,
            max_age,
            performance: engine,
            run,
            rows,
        } => {
            let request = Request::DuneQuery {
                query,
                params: parameters(params),
                max_age_seconds: max_age.map(|age| age.as_secs()),
                performance: performance(engine),
            };
            fetch(context, &open().await?, &request, Some(&run), &rows).await
        }
        DuneCommand::Latest {
            query,
            params,
            rows,
        } => {
            let params = parameters(params);
            let request = Request::DuneLatest { query, params };
            fetch(context, &open().await?, &request, None, &rows).await
        }
        DuneCommand::Upload(args) => match open().await? {
            Connection::Dune(dune) => upload::upload(context, &dune.client, &args).await,
            _ => Ok(()),
        },
        DuneCommand::Usage { from, to, format } => services::usage(context, from, to, format).await,
    }
}

async fn lightdash(context: &Context, command: LightdashCommand) -> Result<()> {
    let (LightdashCommand::Sql { project, .. }
    | LightdashCommand::Chart { project, .. }
    | LightdashCommand::Query { project, .. }) = &command;
    let connection =
        Connection::open(context, ServiceName::Lightdash, project.project.as_deref()).await?;
    let project = connection.project()?.to_owned();
    let (request, run, rows) = match command {
        LightdashCommand::Sql {
            statement: text,
            run,
            rows,
            ..
        } => {
            let sql = statement(&text)?;
            (Request::LightdashSql { project, sql }, run, rows)
        }
        LightdashCommand::Chart {
            chart,
            params,
            run,
            rows,
            ..
        } => {
            let request = Request::LightdashChart {
                project,
                chart: ChartName::parse(&chart)?.0,
                params: services::lightdash_params(params.params),
            };
            (request, run, rows)
        }
        LightdashCommand::Query {
            query,
            params,
            compile,
            run,
            rows,
            ..
        } => {
            let params = services::lightdash_params(params.params);
            let limit = rows.read.limit;
            let request = services::metric_query(&connection, &query, params, limit).await?;
            if compile {
                return services::print_sql(&connection, &request).await;
            }
            (request, run, rows)
        }
    };
    fetch(context, &connection, &request, Some(&run), &rows).await
}

async fn yandex(context: &Context, command: YandexCommand) -> Result<()> {
    let (YandexCommand::Sql { folder, .. } | YandexCommand::Results { folder, .. }) = &command;
    let connection =
        Connection::open(context, ServiceName::Yandex, folder.folder.as_deref()).await?;
    let (request, run, rows) = match command {
        YandexCommand::Sql {
            statement: text,
            name,
            run,
            rows,
            ..
        } => {
            let request = Request::YandexSql {
                folder: connection.project()?.to_owned(),
                sql: statement(&text)?,
                name,
            };
            (request, run, rows)
        }
        YandexCommand::Results {
            query, run, rows, ..
        } => {
            let request = Request::Run {
                service: ServiceName::Yandex,
                id: query,
            };
            (request, run, rows)
        }
    };
    fetch(context, &connection, &request, Some(&run), &rows).await
}

async fn runs(context: &Context, command: RunCommand) -> Result<()> {
    let (RunCommand::Attach { id, .. } | RunCommand::Status { id, .. } | RunCommand::Cancel { id }) =
        &command;
    let connection = services::of_run(context, id).await?;
    let id = id.id.clone();
    match command {
        RunCommand::Attach { run, rows, .. } => {
            let request = Request::Run {
                service: connection.service(),
                id,
            };
            fetch(context, &connection, &request, Some(&run), &rows).await
        }
        RunCommand::Status { format, .. } => connection.status(&id).await?.show(context, format),
        RunCommand::Cancel { .. } => {
            connection.cancel(&id).await?;
            context
                .ui
                .note(&format!("the service was told to cancel run {id}"));
            Ok(())
        }
    }
}
