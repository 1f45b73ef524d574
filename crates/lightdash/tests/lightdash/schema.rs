use rowfeed_lightdash::types::{MetricQueryRequest, QueryResultsResponse, SqlQueryRequest};
use schemars::schema_for;

#[test]
fn the_main_types_describe_themselves() {
    let schema = schema_for!(SqlQueryRequest);
    let object = schema.schema.object.unwrap();
    assert!(object.required.contains("sql"));
    assert!(object.properties.contains_key("invalidateCache"));
    let schema = schema_for!(MetricQueryRequest);
    for name in ["MetricQuery", "FilterRule", "FilterGroup"] {
        assert!(schema.definitions.contains_key(name), "{name}");
    }
    let schema = schema_for!(QueryResultsResponse);
    for name in ["QueryResults", "QueryStatus", "PivotDetails"] {
        assert!(schema.definitions.contains_key(name), "{name}");
    }
}
