//! The web page at `/sandbox`: services, data, faults, and recent requests.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::credentials::{
    DUNE_API_KEY, DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, LIGHTDASH_PROJECT_UUID,
    LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_TOKEN, LIGHTDASH_VIEWER_TOKEN, YANDEX_IAM_TOKEN,
    YANDEX_OAUTH_TOKEN, YANDEX_PROJECT,
};
use crate::lightdash::contents;
use crate::service::Service;
use crate::world::{Outcome, World};

/// The number of requests on the page.
const RECENT: usize = 50;

/// The faults that the page offers: their text with an initial value, and a label.
const FAULTS: [(&str, &str); 15] = [
    ("status=503", "an error status"),
    ("status=429 retry-after=1", "a rate limit"),
    ("html=502", "the HTML page of a proxy"),
    ("delay=2000", "a delay, in milliseconds"),
    ("slow-body=2000", "a slow body, in milliseconds"),
    ("cut-body=100", "a body cut after a number of bytes"),
    ("reset", "a connection that is reset"),
    ("empty-body", "an empty body"),
    ("content-type=text/html", "a wrong content type"),
    ("gzip", "a compressed body"),
    ("repeat-page", "the previous page again"),
    ("stuck-offset", "a next page that does not advance"),
    ("clamp-limit=5", "smaller pages than requested"),
    ("swap-execution", "rows of another run (Dune)"),
    ("state-forever", "runs that never end"),
];

/// Returns the contents of the sandbox as JSON.
pub(super) fn contents_json(world: &World, origin: &str) -> Value {
    let tables: Vec<Value> = TABLES
        .iter()
        .map(|name| {
            let columns: Vec<Value> = columns(world, name)
                .into_iter()
                .map(|(column, shown)| json!({ "name": column, "type": shown }))
                .collect();
            json!({ "name": name, "columns": columns })
        })
        .collect();
    let (explore, charts) = contents();
    json!({
        "services": services(origin).map(|service| json!({
            "name": service.name,
            "base_url": service.base_url,
            "credentials": service.credentials,
        })),
        "tables": tables,
        "dune": {
            "queries": [
                { "query_id": DUNE_QUERY_ID, "name": "All trades", "parameters": [] },
                {
                    "query_id": DUNE_PARAMETERIZED_QUERY_ID,
                    "name": "Trades of a project",
                    "parameters": ["project", "min_usd"],
                },
            ],
        },
        "lightdash": {
            "project_uuid": LIGHTDASH_PROJECT_UUID,
            "explores": [explore],
            "charts": charts,
        },
        "yandex_query": { "project": YANDEX_PROJECT },
        "faults": world.faults.described(),
    })
}

/// The built-in tables.
const TABLES: [&str; 2] = ["trades", "projects"];

struct Described {
    name: &'static str,
    base_url: String,
    credentials: Vec<String>,
}

fn services(origin: &str) -> [Described; 4] {
    let bearer = |token: &str| format!("Authorization: Bearer {token}");
    [
        Described {
            name: "Dune",
            base_url: format!("{origin}/dune/api"),
            credentials: vec![format!("X-Dune-Api-Key: {DUNE_API_KEY}")],
        },
        Described {
            name: "Lightdash",
            base_url: format!("{origin}/lightdash"),
            credentials: vec![
                format!("Authorization: ApiKey {LIGHTDASH_TOKEN}"),
                format!("Authorization: ApiKey {LIGHTDASH_VIEWER_TOKEN} (may not run SQL)"),
                bearer(LIGHTDASH_SERVICE_TOKEN),
            ],
        },
        Described {
            name: "Yandex Query",
            base_url: format!("{origin}/yandex-query/api/fq/v1"),
            credentials: vec![bearer(YANDEX_IAM_TOKEN)],
        },
        Described {
            name: "Yandex Cloud IAM",
            base_url: origin.to_owned(),
            credentials: vec![format!("yandexPassportOauthToken: {YANDEX_OAUTH_TOKEN}")],
        },
    ]
}

/// The columns of a table with their neutral types.
fn columns(world: &World, table: &str) -> Vec<(String, String)> {
    let sql = format!("SELECT * FROM {table} LIMIT 0");
    match world.run_one(Service::Dune, &sql) {
        Ok(Outcome::Neutral(table)) => table
            .columns
            .iter()
            .map(|column| {
                let shown = column.column_type.declaration().to_lowercase();
                (column.expression.clone(), shown.replace(" text", ""))
            })
            .collect(),
        _ => Vec::new(),
    }
}

pub(super) fn html(world: &World, origin: &str) -> String {
    let mut page = String::from(HEAD);
    // writing to a String cannot fail
    let _ = write!(
        page,
        "<h2>Services</h2><table id=services><tr><th>Service<th>Base URL<th>Credential"
    );
    for service in services(origin) {
        let credentials: Vec<String> = service
            .credentials
            .iter()
            .map(|text| format!("<code>{}</code>", escaped(text)))
            .collect();
        let _ = write!(
            page,
            "<tr><td>{}<td><code>{}</code><td>{}",
            escaped(service.name),
            escaped(&service.base_url),
            credentials.join("<br>")
        );
    }
    page.push_str("</table><h2>Data</h2><table id=data>");
    for table in TABLES {
        let columns: Vec<String> = columns(world, table)
            .iter()
            .map(|(name, shown)| format!("{} <i>{}</i>", escaped(name), escaped(shown)))
            .collect();
        let _ = write!(
            page,
            "<tr><td>table <code>{table}</code><td>{}",
            columns.join(", ")
        );
    }
    let contents = contents_json(world, origin);
    for query in contents["dune"]["queries"].as_array().into_iter().flatten() {
        let _ = write!(
            page,
            "<tr><td>Dune query <code>{}</code><td>{}",
            query["query_id"],
            shown(&query["name"])
        );
    }
    let lightdash = &contents["lightdash"];
    let _ = write!(
        page,
        "<tr><td>Lightdash project<td><code>{LIGHTDASH_PROJECT_UUID}</code>\
         <tr><td>Lightdash explore <code>{}</code><td>{}",
        shown(&lightdash["explores"][0]["name"]),
        shown(&lightdash["explores"][0]["fields"])
    );
    for chart in lightdash["charts"].as_array().into_iter().flatten() {
        let _ = write!(
            page,
            "<tr><td>Lightdash {}<td>{} <code>{}</code>",
            shown(&chart["kind"]),
            shown(&chart["name"]),
            shown(&chart["uuid"])
        );
    }
    let _ = write!(
        page,
        "<tr><td>Yandex Cloud folder<td><code>{YANDEX_PROJECT}</code></table>"
    );
    faults(&mut page, world);
    requests(&mut page, world);
    page.push_str(SCRIPT);
    page
}

fn faults(page: &mut String, world: &World) {
    page.push_str("<h2>Faults</h2><form id=fault><select name=what>");
    for (text, meaning) in FAULTS {
        let _ = write!(
            page,
            "<option value=\"{text}\">{} ({text})",
            escaped(meaning)
        );
    }
    page.push_str(
        "</select> on <select name=on><option value=\"\">every service\
         <option value=\" on=dune\">Dune<option value=\" on=lightdash\">Lightdash\
         <option value=\" on=yandex-query\">Yandex Query</select> \
         <select name=times><option value=\" times=1\">once<option value=\" times=3\">three times\
         <option value=\" always\">always</select> \
         <input name=path placeholder=\"path, such as /results\" aria-label=path> \
         <button>Switch on</button> <button type=button id=clear>Remove all</button></form>\
         <p id=said role=status></p><ul id=faults>",
    );
    for fault in world.faults.described() {
        let _ = write!(page, "<li><code>{}</code>", escaped(&fault));
    }
    page.push_str("</ul>");
}

fn requests(page: &mut String, world: &World) {
    page.push_str(
        "<h2>Recent requests</h2><table id=requests>\
         <tr><th>Method<th>Path<th>Status<th>Rows<th>Fault",
    );
    for request in world.recording.newest(RECENT) {
        let query = request
            .query
            .as_ref()
            .map_or_else(String::new, |query| format!("?{query}"));
        let path: String = format!("{}{query}", request.path)
            .chars()
            .take(200)
            .collect();
        let status = request
            .status
            .map_or_else(|| "reset".to_owned(), |status| status.to_string());
        let rows = request
            .rows
            .map_or_else(String::new, |rows| rows.to_string());
        let _ = write!(
            page,
            "<tr><td>{}<td><code>{}</code><td>{status}<td>{rows}<td>{}",
            escaped(&request.method),
            escaped(&path),
            if request.faulted { "yes" } else { "" }
        );
    }
    page.push_str("</table>");
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => escaped(text),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => escaped(&other.to_string()),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content=\"width=device-width\"><title>rowfeed-sandbox</title><style>\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}\
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3rem .5rem;\
text-align:left;vertical-align:top}code{font-size:.9em;overflow-wrap:anywhere}i{color:#666}\
h2{margin-top:2rem}select,input,button{font:inherit;padding:.2rem .4rem}</style>\
<h1>rowfeed-sandbox</h1><p>Dune, Lightdash and Yandex Query on this machine. As JSON: \
<a href=/sandbox/contents>contents</a>, <a href=/sandbox/requests>requests</a>.";

const SCRIPT: &str = "<script>\
const form=document.getElementById('fault'),said=document.getElementById('said');\
async function ask(method,body){const answer=await fetch('/sandbox/faults',{method,body});\
if(answer.ok)location.reload();else said.textContent=await answer.text();}\
form.onsubmit=event=>{event.preventDefault();const given=new FormData(form);\
const path=given.get('path').trim();\
ask('POST',given.get('what')+given.get('on')+given.get('times')+(path?' path='+path:''));};\
document.getElementById('clear').onclick=()=>ask('DELETE');\
</script></html>\n";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{FAULTS, escaped};
    use crate::fault::Fault;

    #[test]
    fn every_offered_fault_parses() {
        for (text, _) in FAULTS {
            let text = format!("{text} on=dune times=3 path=/results");
            assert!(text.parse::<Fault>().is_ok(), "{text}");
        }
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(
            escaped("<a b=\"c\">'&"),
            "&lt;a b=&quot;c&quot;&gt;&#39;&amp;"
        );
    }
}
