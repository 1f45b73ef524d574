use rowfeed_dune::types::{ExecuteQueryRequest, GetExecutionStatusResponse, QueryParameter};
use schemars::schema_for;

#[test]
fn the_main_types_describe_themselves() {
    let schema = schema_for!(ExecuteQueryRequest);
    let properties = schema.schema.object.unwrap().properties;
    assert!(properties.contains_key("query_parameters"));
    let schema = schema_for!(GetExecutionStatusResponse);
    let object = schema.schema.object.unwrap();
    assert!(object.required.contains("state"));
    assert!(schema.definitions.contains_key("ExecutionState"));
    let schema = schema_for!(QueryParameter);
    assert!(
        schema
            .schema
            .object
            .unwrap()
            .properties
            .contains_key("enumOptions")
    );
    let schema = schema_for!(rowfeed_dune::types::ReadExecutionResultResponse);
    assert!(schema.definitions.contains_key("QueryResultData"));
}
