//! Runs a statement and reads every row of its result.

use std::{error::Error, time::Duration};

use rowfeed_lightdash::{
    Client,
    rows::{Cells, Columns},
    types::QueryStatus,
};

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Order {
    day: jiff::civil::Date,
    amount: bigdecimal::BigDecimal, // a number, to the last digit
    paid: Option<bool>,
    note: String,
}

async fn read(lightdash: &Client, project: &str, sql: &str) -> Result<Vec<Order>, Box<dyn Error>> {
    let query = lightdash.execute_async_sql_query().project_uuid(project);
    let query = query.sql(sql).send().await?.into_inner().results.query_uuid;
    let (mut rows, mut total, mut next) = (Vec::new(), None, Some(1));
    while let Some(number) = next {
        // The query's id pins the result: its pages do not change.
        let page = lightdash.get_async_query_results().project_uuid(project);
        let page = page.query_uuid(&query).page(number).page_size(500);
        let page = page.send().await?.into_inner().results;
        match page.status {
            QueryStatus::Ready => {}
            QueryStatus::Pending | QueryStatus::Queued | QueryStatus::Executing => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            }
            _ => return Err(format!("{}: {:?}", page.status, page.error).into()),
        }
        // A cell holds a value twice. `Cells::Formatted` reads what Lightdash shows to people.
        let columns = page.columns.iter();
        let columns = columns.map(|(name, column)| (name, column.type_.as_str()));
        let columns = Columns::lightdash(columns, Cells::Raw);
        for row in page.rows.unwrap_or_default().decode(&columns) {
            rows.push(row?);
        }
        (total, next) = (page.total_results, page.next_page);
    }
    match total == i64::try_from(rows.len()).ok() {
        true => Ok(rows),
        false => Err(format!("{} rows of the announced {total:?}", rows.len()).into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let lightdash = Client::from_env()?; // LIGHTDASH_URL and LIGHTDASH_API_KEY
    let mut arguments = std::env::args().skip(1);
    let project = arguments.next().ok_or("give the UUID of a project")?;
    let sql = arguments.next().ok_or("give an SQL statement")?;
    println!("{:#?}", read(&lightdash, &project, &sql).await?);
    Ok(())
}

#[cfg(test)]
#[path = "../tests/lightdash/readme.rs"]
mod tests;
