//! Who read which rows, as the sandbox saw it.

use std::collections::BTreeMap;

use rowfeed_sandbox::{Recorded, Sandbox};

/// Prints the row ranges of each worker.
pub(crate) fn print(sandbox: &Sandbox) {
    let mut read: BTreeMap<(String, String), Vec<(u64, u64)>> = BTreeMap::new();
    for request in sandbox.requests() {
        if let Some(rows) = range(&request) {
            // The sandbox has the services under their names.
            let service = request.path.split('/').nth(1).unwrap_or_default();
            let agent = request.header("user-agent").unwrap_or_default();
            let name = agent.split_whitespace().last().unwrap_or_default();
            let key = (name.to_owned(), service.to_owned());
            read.entry(key).or_default().push(rows);
        }
    }
    for ((name, service), mut ranges) in read {
        ranges.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (start, end) in ranges {
            match joined.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => joined.push((start, end)),
            }
        }
        let joined: Vec<_> = joined
            .iter()
            .map(|(start, end)| format!("{start}..{end}"))
            .collect();
        println!("{name} read rows {} of {service}", joined.join(", "));
    }
}

/// The rows of a page.
fn range(request: &Recorded) -> Option<(u64, u64)> {
    let rows = request.rows? as u64;
    let number = |name: &str| request.query_value(name)?.parse::<u64>().ok();
    let first = match (number("page"), number("pageSize")) {
        (Some(page), Some(size)) => (page - 1) * size,
        _ => number("offset").unwrap_or(0),
    };
    Some((first, first + rows))
}
