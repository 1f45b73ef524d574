//! Lists: every item once and in order, with any number of errors.

use rowfeed::{Error, Items, ListCursor, prelude::*};

use crate::{
    clients::Clients,
    ensure,
    fault::Class,
    lightdash::PROJECT,
    property::{Account, Checked},
    schedule::Schedule,
};

pub async fn check(clients: &Clients, schedule: &Schedule, account: &mut Account) -> Checked {
    let Clients {
        dune, lightdash, ..
    } = clients;
    macro_rules! read {
        ($list:expr, $item:ident => $id:expr) => {
            read(clients, schedule, account, || $list.items(), |$item| $id).await
        };
    }
    match schedule.class {
        Class::Queries => read!(dune.list_queries(), item => item.id.map(|id| id.to_string())),
        Class::Datasets => read!(dune.list_datasets(), item => item.full_name),
        Class::Uploads => read!(dune.list_uploads(), item => item.full_name),
        Class::Views => read!(dune.list_materialized_views(), item => item.id),
        Class::Content => read!(lightdash.list_content(), item => Some(item.uuid)),
        _ => read!(
            lightdash.get_query_history().project_uuid(PROJECT),
            item => Some(item.query_uuid)
        ),
    }
}

async fn read<T>(
    clients: &Clients,
    schedule: &Schedule,
    account: &mut Account,
    list: impl Fn() -> Items<T>,
    id: impl Fn(T) -> Option<String>,
) -> Checked {
    let mut delivered: Vec<String> = Vec::new();
    let mut cursor: Option<ListCursor> = None;
    let mut stops = schedule.stops.clone();
    loop {
        let mut items = list().page_size(schedule.page_size);
        if let Some(most) = schedule.max_rows {
            items = items.max_items(most - delivered.len() as u64);
        }
        if let Some(cursor) = &cursor {
            items = items.resume(cursor);
        }
        let stop = stops.pop();
        let end: Result<bool, Error> = loop {
            if stop == Some(delivered.len() as u64) {
                break Ok(false);
            }
            match items.try_next().await {
                Ok(Some(item)) => delivered.push(id(item).unwrap_or_default()),
                Ok(None) => break Ok(true),
                Err(error) => break Err(error),
            }
        };
        for (n, item) in delivered.iter().enumerate() {
            ensure!(*item == n.to_string(), "item {n} is {item:?}");
        }
        let place = items.cursor();
        let position = place.as_ref().map_or(0, ListCursor::position);
        ensure!(
            position == delivered.len() as u64,
            "the cursor stands at item {position}, after {} items",
            delivered.len()
        );
        let text = serde_json::to_string(&place).map_err(|error| error.to_string())?;
        cursor = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        match end {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => account.note(clients, schedule, &error)?,
        }
    }
    let wanted = schedule.total.min(schedule.max_rows.unwrap_or(u64::MAX));
    ensure!(
        delivered.len() as u64 == wanted,
        "it ended without an error after {} of {wanted} items",
        delivered.len()
    );
    Ok(())
}
