//! Runs a query and reads every row of its first result set.

use std::{error::Error, time::Duration};

use rowfeed_yandex_query::{Client, rows::Columns, types::QueryStatus};

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Event {
    day: jiff::civil::Date,
    at: jiff::Timestamp,
    amount: Option<bigdecimal::BigDecimal>, // Optional<Decimal(35, 10)>, to the last digit
    payload: Vec<u8>,                       // String, which is bytes
    tags: Vec<(String, i64)>,               // List<Tuple<Utf8, Int64>>
}

async fn read(yq: &Client, folder: &str, text: &str) -> Result<Vec<Event>, Box<dyn Error>> {
    let created = yq.create_query().project(folder).text(text).send().await?;
    let set = loop {
        let query = yq.get_query().project(folder).query_id(&created.id);
        let query = query.send().await?.into_inner();
        match query.status {
            QueryStatus::Completed => break query.result_sets.into_iter().next(),
            QueryStatus::Running => tokio::time::sleep(Duration::from_secs(1)).await,
            _ => return Err(format!("{}: {:?}", query.status, query.issues).into()),
        }
    };
    let total = set.and_then(|set| set.rows_count);
    let total = total.ok_or("no result set that says how many rows it has")?;
    let mut rows = Vec::new();
    while i64::try_from(rows.len())? < total {
        // The query's id pins the result: its pages do not change.
        let page = yq.get_query_results().project(folder);
        let page = page.query_id(&created.id).result_set_index(0);
        let page = page.offset(rows.len()).limit(1000).send().await?;
        let columns = page.columns.iter();
        let columns = columns.map(|column| (&column.name, &column.type_));
        let columns = Columns::yandex_query(columns);
        if page.rows.is_empty() {
            return Err(format!("{} rows of the announced {total}", rows.len()).into());
        }
        for row in page.rows.decode(&columns) {
            rows.push(row?);
        }
    }
    Ok(rows)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let yq = Client::from_env()?; // the IAM token from YC_IAM_TOKEN
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give the id of a cloud folder")?;
    let text = arguments.next().ok_or("give a query")?;
    println!("{:#?}", read(&yq, &folder, &text).await?);
    Ok(())
}

#[cfg(test)]
#[path = "../tests/yandex_query/readme.rs"]
mod tests;
