use rowfeed_yandex_query::types::{CreateQueryRequest, Query, ResultSet};
use schemars::schema_for;

#[test]
fn the_main_types_describe_themselves() {
    let schema = schema_for!(CreateQueryRequest);
    let object = schema.schema.object.unwrap();
    assert!(object.required.contains("text") && !object.required.contains("type"));
    let schema = schema_for!(Query);
    for name in ["QueryStatus", "QueryError", "Issue", "NestedIssue"] {
        assert!(schema.definitions.contains_key(name), "{name}");
    }
    let schema = schema_for!(ResultSet);
    assert!(
        schema
            .schema
            .object
            .unwrap()
            .properties
            .contains_key("rows")
    );
}
