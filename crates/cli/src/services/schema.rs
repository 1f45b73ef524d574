//! `rowfeed schema`.

use rowfeed::Columns;
use serde_json::{Map, json};

use super::{Connection, fields::Fields};
use crate::{
    args::{DuneTarget, Format, SchemaCommand, ServiceName},
    context::Context,
    error::{Failure, Kind, Result},
    output::{Listing, arrow_type_names},
};

pub(crate) async fn schema(context: &Context, command: SchemaCommand) -> Result<()> {
    match command {
        SchemaCommand::Dune { target, format } => {
            let target = DuneTarget::parse(&target).map_err(Failure::usage)?;
            let connection = Connection::open(context, ServiceName::Dune, None).await?;
            let Connection::Dune(dune) = &connection else {
                return Ok(());
            };
            let id = match target {
                DuneTarget::Execution(id) => id,
                DuneTarget::Query(query) => dune.latest(query, &Map::new()).await?,
            };
            of_run(context, &connection, &id, 0, format).await
        }
        SchemaCommand::Lightdash {
            target,
            project,
            format,
        } => {
            let project = project.project.as_deref();
            let connection = Connection::open(context, ServiceName::Lightdash, project).await?;
            let Connection::Lightdash(lightdash) = &connection else {
                return Ok(());
            };
            if ServiceName::of_run(&target) == Some(ServiceName::Lightdash) {
                return of_run(context, &connection, &target, 0, format).await;
            }
            let explore = lightdash.explore(lightdash.project()?, &target).await?;
            let mut listing = Listing::new(["field", "kind", "type", "label", "description"]);
            for field in Fields::of(&explore).all {
                let name = match field.table == explore.base_table {
                    true => field.name,
                    false => format!("{}.{}", field.table, field.name),
                };
                let kind = if field.is_metric {
                    "metric"
                } else {
                    "dimension"
                };
                listing.push([
                    json!(name),
                    json!(kind),
                    json!(field.type_name),
                    json!(field.label),
                    json!(field.description),
                ]);
            }
            listing.show(context, format)
        }
        SchemaCommand::Yandex {
            target,
            result_set,
            folder,
            format,
        } => {
            let folder = folder.folder.as_deref();
            let connection = Connection::open(context, ServiceName::Yandex, folder).await?;
            of_run(
                context,
                &connection,
                &target,
                result_set.unwrap_or(0),
                format,
            )
            .await
        }
    }
}

/// The columns of a run that has ended. Where its end does not tell them, a page of one row does,
/// which is free at that service.
async fn of_run(
    context: &Context,
    connection: &Connection,
    id: &str,
    result_set: u32,
    format: Option<Format>,
) -> Result<()> {
    let run = connection.attach(id).await?;
    let columns = match &run.details().columns {
        Some(columns) => columns.clone(),
        None => {
            let mut pages = run.result_set(result_set as usize).page_size(1).max_rows(1);
            let page = pages.try_next().await?;
            let none = || {
                Failure::new(Kind::Data, "the result has no page that tells its columns").run(id)
            };
            page.ok_or_else(none)?.columns().clone()
        }
    };
    show(context, &columns, format)
}

fn show(context: &Context, columns: &Columns, format: Option<Format>) -> Result<()> {
    let mut listing = Listing::new(["column", "type", "nullable", "arrow"]);
    for (column, arrow) in columns.iter().zip(arrow_type_names(columns)) {
        listing.push([
            json!(column.name()),
            json!(column.type_name()),
            json!(column.is_nullable()),
            json!(arrow),
        ]);
    }
    listing.show(context, format)
}
