use serde::Deserialize;

use crate::decode::{Cells, Columns, decode_rows};

#[derive(Debug, Deserialize, PartialEq)]
struct Trade {
    id: u64,
    name: String,
    price: Option<f64>,
}

fn pairs(list: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    let list: Vec<_> = list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    list.into_iter()
}

#[test]
fn all_shapes() {
    let expected = vec![
        Trade { id: 1, name: "a\"b".into(), price: Some(1.5) },
        Trade { id: 2, name: "c".into(), price: None },
    ];
    let names = ["id", "name", "price"].map(String::from);
    let types = ["bigint", "varchar", "double"].map(String::from);
    let dune = Columns::dune(Some(&names), Some(&types));
    let text = r#"[{"id": 1, "name":"a\"b","price":1.5, "x": [1,{"a":"]"}]}, {"price":null,"id":"2","name":"c"}]"#;
    assert_eq!(decode_rows::<Trade>(&dune, text, 0).unwrap(), expected);
    let light = Columns::lightdash(pairs(&[("id", "number"), ("name", "string"), ("price", "number")]), Cells::Raw);
    let text = r#"[{"id":{"value":{"raw":1,"formatted":"1"}},"name":{"value":{"formatted":"x","raw":"a\"b"}},"price":{"value":{"raw":1.5,"formatted":"1,5"}}},
      {"id":{"value":{"raw":"2","formatted":"1"}},"name":{"value":{"raw":"c"}},"price":{"value":{"raw":null,"formatted":"∅"}}}]"#;
    assert_eq!(decode_rows::<Trade>(&light, text, 0).unwrap(), expected);
    let yq = Columns::yandex_query(pairs(&[("id", "Uint64"), ("name", "Utf8"), ("price", "Optional<Double>")]));
    let text = r#"[[1,"a\"b",[1.5]],["2","c",[]]]"#;
    assert_eq!(decode_rows::<Trade>(&yq, text, 0).unwrap(), expected);
}
