//! The fields of an explore, found by the names that people write.

use rowfeed::lightdash::types;

use crate::error::{Failure, Kind, Result};

/// A dimension or metric.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) id: String,
    pub(super) table: String,
    pub(super) name: String,
    pub(super) is_metric: bool,
    pub(super) type_name: String,
    pub(super) label: String,
    pub(super) description: Option<String>,
}

pub(super) struct Fields {
    explore: String,
    base: String,
    pub(super) all: Vec<Field>,
}

impl Fields {
    /// Those that are not hidden, in the order of the explore.
    pub(super) fn of(explore: &types::Explore) -> Self {
        let mut all = Vec::new();
        for (table_name, table) in &explore.tables {
            let id = |name: &str| format!("{table_name}_{name}");
            let dimensions = table.dimensions.iter().filter(|(_, field)| !field.hidden);
            all.extend(dimensions.map(|(name, field)| Field {
                id: id(name),
                table: table_name.clone(),
                name: name.clone(),
                is_metric: false,
                type_name: field.type_.as_str().to_owned(),
                label: field.label.clone(),
                description: field.description.clone(),
            }));
            let metrics = table.metrics.iter().filter(|(_, field)| !field.hidden);
            all.extend(metrics.map(|(name, field)| Field {
                id: id(name),
                table: table_name.clone(),
                name: name.clone(),
                is_metric: true,
                type_name: field.type_.as_str().to_owned(),
                label: field.label.clone(),
                description: field.description.clone(),
            }));
        }
        Self {
            explore: explore.name.clone(),
            base: explore.base_table.clone(),
            all,
        }
    }

    /// The field with this name, alone if it is of the explore's own table or of one table only, as
    /// `table.name`, or by its id.
    pub(super) fn find(&self, text: &str, is_metric: Option<bool>) -> Result<Field> {
        let fits = |field: &&Field| is_metric.is_none_or(|is_metric| field.is_metric == is_metric);
        let candidates: Vec<&Field> = self.all.iter().filter(fits).collect();
        let by = |test: &dyn Fn(&Field) -> bool| -> Vec<&Field> {
            candidates
                .iter()
                .copied()
                .filter(|field| test(field))
                .collect()
        };
        for found in [
            by(&|field| field.id == text),
            by(&|field| text.split_once('.') == Some((&field.table, &field.name))),
            by(&|field| field.table == self.base && field.name == text),
            by(&|field| field.name == text),
        ] {
            match found.as_slice() {
                [] => {}
                [field] => return Ok((*field).clone()),
                several => {
                    let names: Vec<_> = several
                        .iter()
                        .map(|field| format!("{}.{}", field.table, field.name))
                        .collect();
                    let message = format!("{text:?} may be {}", names.join(" or "));
                    return Err(Failure::usage(message));
                }
            }
        }
        let what = match is_metric {
            Some(true) => "metric",
            Some(false) => "dimension",
            None => "field",
        };
        let mut names: Vec<&str> = candidates.iter().map(|field| field.name.as_str()).collect();
        names.dedup();
        let shown = names.len().min(20);
        let more = if names.len() > shown { ", …" } else { "" };
        let message = format!("the explore {:?} has no {what} {text:?}", self.explore);
        Err(Failure::new(Kind::Usage, message)
            .hint(format!("it has {}{more}", names[..shown].join(", "))))
    }
}
