//! Datasets: the sample tables, uploads, and materialized views.

use serde_json::{Value, json};

use super::Dune;
use super::errors;
use super::queries::OWNER;
use super::uploads::in_database;
use crate::exchange::{Answer, Request};
use crate::service::Service;
use crate::world::Outcome;

const SAMPLES: [&str; 2] = ["trades", "projects"];
const MADE_AT: &str = "2024-05-01T09:00:00.000Z";

/// The owner of the sample tables.
const SAMPLE_OWNER: &str = "dune";

impl Dune {
    /// Lists datasets with `limit` (50 by default, at most 250) and `offset`. `owner_handle` and
    /// `type` filter the list.
    pub(super) fn list_datasets(&self, request: &Request) -> Answer {
        let fits = |dataset: &Value| {
            let is =
                |name: &str, found: &Value| request.query(name).is_none_or(|text| found == text);
            is("owner_handle", &dataset["owner"]["handle"]) && is("type", &dataset["type"])
        };
        let found = self.datasets().into_iter().filter(fits).collect();
        super::paging::with_total(request, "datasets", found, 50, 250)
    }

    pub(super) fn get_dataset(&self, full_name: &str) -> Answer {
        let found = self
            .datasets()
            .into_iter()
            .find(|dataset| dataset["full_name"] == full_name);
        match found {
            Some(dataset) => Answer::json(200, &dataset),
            None => errors::error(404, &format!("Dataset {full_name} not found")),
        }
    }

    fn datasets(&self) -> Vec<Value> {
        let mut datasets: Vec<Value> = SAMPLES
            .iter()
            .map(|name| self.dataset(name, name, "dune_table", SAMPLE_OWNER, MADE_AT))
            .collect();
        let state = self.state();
        for (full_name, upload) in &state.uploads {
            let mut shown = upload.shown(full_name);
            shown["type"] = "uploaded_table".into();
            shown["metadata"] = json!({ "table_size_bytes": upload.bytes().to_string() });
            datasets.push(shown);
        }
        for (full_name, view) in &state.views {
            let made_at = format!("{:.3}", view.made_at);
            let name = in_database(full_name);
            datasets.push(self.dataset(&name, full_name, "transformation_table", OWNER, &made_at));
        }
        datasets
    }

    fn dataset(
        &self,
        name: &str,
        full_name: &str,
        kind: &str,
        owner: &str,
        made_at: &str,
    ) -> Value {
        let sql = format!("SELECT * FROM {name} LIMIT 0");
        let columns: Vec<Value> = match self.world.run_one(Service::Dune, &sql) {
            Ok(Outcome::Neutral(table)) => {
                let nullable: Vec<bool> = table.columns.iter().map(|c| c.nullable).collect();
                let encoded = super::encode::wire(table).unwrap_or_default();
                let columns = encoded.columns.into_iter();
                columns
                    .zip(nullable)
                    .map(|((name, shown), nullable)| {
                        json!({ "name": name, "type": shown, "nullable": nullable })
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        json!({
            "full_name": full_name,
            "type": kind,
            "owner": { "handle": owner, "type": "team" },
            "columns": columns,
            "metadata": {},
            "created_at": made_at,
            "updated_at": made_at,
            "is_private": false,
        })
    }
}
