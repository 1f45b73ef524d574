//! Runs a statement and reads every row of its result.

use std::{error::Error, time::Duration};

use rowfeed_dune::{Client, rows::Columns, types::ExecutionState};

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Transfer {
    day: jiff::civil::Date,
    amount: bigdecimal::BigDecimal, // a uint256 or decimal, to the last digit
    sender: Vec<u8>,                // varbinary
    tags: Vec<String>,              // array(varchar)
}

async fn read(dune: &Client, sql: &str) -> Result<Vec<Transfer>, Box<dyn Error>> {
    let run = dune.execute_sql().sql(sql).send().await?;
    let id = &run.execution_id;
    loop {
        let status = dune.get_execution_status().execution_id(id).send().await?;
        match status.state {
            ExecutionState::Completed => break,
            ExecutionState::Pending | ExecutionState::Executing => {}
            _ => return Err(format!("{}: {:?}", status.state, status.error).into()),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let (mut rows, mut total, mut next) = (Vec::new(), None, Some(0));
    while let Some(offset) = next {
        // The id pins the result: another execution of the same query does not change it.
        let page = dune.get_execution_results().execution_id(id);
        let page = page.offset(offset).limit(1000).send().await?.into_inner();
        let result = page.result.ok_or("a page without a result")?;
        let metadata = result.metadata.unwrap_or_default();
        let columns = Columns::dune(&metadata.column_names, &metadata.column_types);
        for row in result.rows.unwrap_or_default().decode(&columns) {
            rows.push(row?);
        }
        (total, next) = (metadata.total_row_count, page.next_offset);
    }
    match total == i64::try_from(rows.len()).ok() {
        true => Ok(rows),
        false => Err(format!("{} rows of the announced {total:?}", rows.len()).into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dune = Client::from_env()?; // the key from DUNE_API_KEY
    let sql = std::env::args().nth(1).ok_or("give an SQL statement")?;
    println!("{:#?}", read(&dune, &sql).await?);
    Ok(())
}

#[cfg(test)]
#[path = "../tests/dune/readme.rs"]
mod tests;
