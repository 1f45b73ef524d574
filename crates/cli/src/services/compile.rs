//! Parameters of Lightdash's queries, and the SQL of a query of an explore.

use std::io::{self, Write as _};

use rowfeed::lightdash::types;
use serde_json::{Map, Value};

use super::lightdash::{Lightdash, failed};
use crate::{
    error::{Failure, Result},
    request::{Request, parameters},
};

/// Parameters by name, with digits as numbers.
pub(crate) fn lightdash_params(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let named = parameters(pairs).into_iter();
    named.map(|(name, value)| (name, typed(value))).collect()
}

/// A number where the text is one and keeps its digits; text in quotes without them.
fn typed(value: Value) -> Value {
    let text = match value {
        Value::Array(values) => return values.into_iter().map(typed).collect(),
        Value::String(text) => text,
        other => return other,
    };
    let quoted = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    if let Some(quoted) = quoted {
        return quoted.into();
    }
    // The server reads numbers as doubles.
    let is_exact = |number: &serde_json::Number| {
        number.to_string() == text
            && (number.is_f64() || number.as_i64().is_some_and(|n| n.unsigned_abs() <= 1 << 53))
    };
    match serde_json::from_str::<serde_json::Number>(&text) {
        Ok(number) if is_exact(&number) => Value::Number(number),
        _ => Value::String(text),
    }
}

/// The parameters as an operation takes them.
pub(super) fn values(params: &Map<String, Value>) -> Vec<(String, types::ParameterValue)> {
    let params = params.iter();
    params
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect()
}

/// Prints the SQL of a query, which is not run.
pub(super) async fn print(lightdash: &Lightdash, request: &Request) -> Result<()> {
    let Request::LightdashQuery {
        project,
        query,
        params,
        ..
    } = request
    else {
        return Err(Failure::usage(
            "only a query of an explore has SQL to print",
        ));
    };
    let body: types::CompileQueryRequest = serde_json::from_value(query.clone())
        .map_err(|error| Failure::usage(format!("the query cannot be sent: {error}")))?;
    let explore = body.explore_name.clone();
    let compile = lightdash
        .client
        .compile_query()
        .project_uuid(project)
        .explore_id(explore);
    let compile = compile.body(body).parameters(values(params));
    let compiled = compile.send().await.map_err(failed)?.into_inner().results;
    if !compiled.compilation_errors.is_empty() {
        let errors = compiled.compilation_errors.join("; ");
        return Err(Failure::usage(format!(
            "Lightdash cannot compile the query: {errors}"
        )));
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", compiled.query).map_err(|error| Failure::stdout(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lightdash_params;

    #[test]
    fn digits_are_numbers_unless_they_would_change() {
        let pairs = [
            ("n", "12"),
            ("f", "0.5"),
            ("t", "'12'"),
            ("zeros", "007"),
            ("more", "1.50"),
            ("large", "9007199254740993"),
            ("word", "EU"),
            ("list", "1"),
            ("list", "x"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            json!(lightdash_params(pairs.to_vec())),
            json!({
                "n": 12, "f": 0.5, "t": "12", "zeros": "007", "more": "1.50",
                "large": "9007199254740993", "word": "EU", "list": [1, "x"],
            })
        );
    }
}
