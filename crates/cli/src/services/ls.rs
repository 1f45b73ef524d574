//! `rowfeed ls`.

use rowfeed::{Items, ItemsExt as _, lightdash::types::ContentType};
use serde_json::{Value, json};

use super::{Connection, lightdash};
use crate::{
    args::{LsArgs, LsCommand, LsDune, LsLightdash, ServiceName},
    context::Context,
    error::Result,
    output::Listing,
};

pub(crate) async fn ls(context: &Context, command: LsCommand) -> Result<()> {
    match command {
        LsCommand::Dune { kind } => dune(context, kind).await,
        LsCommand::Lightdash { kind } => of_lightdash(context, kind).await,
    }
}

async fn dune(context: &Context, kind: LsDune) -> Result<()> {
    let Connection::Dune(dune) = Connection::open(context, ServiceName::Dune, None).await? else {
        return Ok(());
    };
    match kind {
        LsDune::Queries(args) => {
            let names = ["id", "name", "owner", "updated_at"];
            list(
                context,
                args,
                names,
                dune.client.list_queries().items(),
                |query| {
                    [
                        json!(query.id),
                        json!(query.name),
                        json!(query.owner),
                        json!(query.updated_at),
                    ]
                },
            )
            .await
        }
        LsDune::Datasets { owner, list: args } => {
            let mut datasets = dune.client.list_datasets();
            if let Some(owner) = owner {
                datasets = datasets.owner_handle(owner);
            }
            let names = ["full_name", "type", "columns", "updated_at"];
            list(context, args, names, datasets.items(), |dataset| {
                let columns = dataset.columns.len();
                [
                    json!(dataset.full_name),
                    json!(dataset.type_),
                    json!(columns),
                    json!(dataset.updated_at),
                ]
            })
            .await
        }
    }
}

async fn of_lightdash(context: &Context, kind: LsLightdash) -> Result<()> {
    let (flag, args) = match &kind {
        LsLightdash::Projects(args) => (None, args),
        LsLightdash::Explores { project, list }
        | LsLightdash::Charts { project, list }
        | LsLightdash::Dashboards { project, list } => (project.project.as_deref(), list),
    };
    let args = args.clone();
    let opened = Connection::open(context, ServiceName::Lightdash, flag).await?;
    let Connection::Lightdash(server) = opened else {
        return Ok(());
    };
    match kind {
        LsLightdash::Projects(_) => {
            let projects = server.client.list_organization_projects().send().await;
            let projects = projects.map_err(lightdash::failed)?.into_inner().results;
            let mut listing = Listing::new(["uuid", "name", "type"]);
            for project in projects.into_iter().take(most(&args)) {
                listing.push([
                    json!(project.project_uuid),
                    json!(project.name),
                    json!(project.type_.as_str()),
                ]);
            }
            listing.show(context, args.format)
        }
        LsLightdash::Explores { .. } => {
            let explores = server
                .client
                .list_explores()
                .project_uuid(server.project()?)
                .send()
                .await;
            let explores = explores.map_err(lightdash::failed)?.into_inner().results;
            let mut listing = Listing::new(["name", "label", "description"]);
            for explore in explores.into_iter().take(most(&args)) {
                listing.push([
                    json!(explore.name),
                    json!(explore.label),
                    json!(explore.description),
                ]);
            }
            listing.show(context, args.format)
        }
        LsLightdash::Charts { .. } => content(context, args, &server, ContentType::Chart).await,
        LsLightdash::Dashboards { .. } => {
            content(context, args, &server, ContentType::Dashboard).await
        }
    }
}

async fn content(
    context: &Context,
    args: LsArgs,
    server: &lightdash::Lightdash,
    kind: ContentType,
) -> Result<()> {
    let found = server
        .client
        .list_content()
        .project_uuids(vec![server.project()?.to_owned()]);
    let found = found.content_types(vec![kind]).items();
    let names = ["uuid", "slug", "name", "space", "source"];
    list(context, args, names, found, |item| {
        let space = item.space.as_ref().map(|space| space.name.clone());
        let source = item
            .source
            .as_ref()
            .map(|source| source.as_str().to_owned());
        [
            json!(item.uuid),
            json!(item.slug),
            json!(item.name),
            json!(space),
            json!(source),
        ]
    })
    .await
}

async fn list<T, const N: usize>(
    context: &Context,
    args: LsArgs,
    names: [&'static str; N],
    mut items: Items<T>,
    cells: impl Fn(&T) -> [Value; N],
) -> Result<()>
where
    T: Send + 'static,
{
    if let Some(limit) = args.limit {
        items = items.max_items(limit);
    }
    let mut listing = Listing::new(names);
    while let Some(item) = items.try_next().await? {
        listing.push(cells(&item));
    }
    listing.show(context, args.format)
}

fn most(args: &LsArgs) -> usize {
    args.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}
