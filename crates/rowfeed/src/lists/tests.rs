use serde_json::json;

use super::text;

#[test]
fn parameters_are_those_set_except_the_page() {
    let parameters = vec![
        ("limit", json!(5)),
        ("project", json!("p")),
        ("kinds", json!(["a", "b"])),
        ("search", json!("two\n    lines: (x,)")),
        ("unset", json!(null)),
    ];
    assert_eq!(
        text(parameters),
        r#"project="p" kinds=["a","b"] search="two\n    lines: (x,)""#
    );
}
