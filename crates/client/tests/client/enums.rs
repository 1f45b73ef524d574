//! Open enums as service crates use them.

use std::collections::{BTreeSet, HashSet};

use rowfeed_client::{OpenEnum, codegen::QueryParam, open_enum};

open_enum! {
    /// How large a machine a query runs on.
    pub enum Engine {
        /// The small one.
        Small = "small",
        /// The large one.
        ExtraLarge = "extra-large",
    }
}

open_enum! {
    /// An enum that its user derives more for.
    #[derive(Default)]
    pub(crate) enum Order {
        /// Upwards.
        #[default]
        Asc = "ASC",
    }
}

#[test]
fn known_values() {
    assert_eq!(Engine::VALUES, ["small", "extra-large"]);
    for (text, value) in [
        ("small", Engine::Small),
        ("extra-large", Engine::ExtraLarge),
    ] {
        assert_eq!(Engine::from(text), value);
        assert_eq!(Engine::from(&text.to_owned()), value);
        assert_eq!(Engine::from(text.to_owned()), value);
        assert_eq!(Engine::from(&value), value);
        assert_eq!(text.parse(), Ok(value.clone()));
        assert_eq!((value.as_str(), value.to_string().as_str()), (text, text));
        assert!(value == *text && value == text);
        assert!(value.is_known() && !value.is_unknown());
        let json = format!("\"{text}\"");
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        assert_eq!(serde_json::from_str::<Engine>(&json).unwrap(), value);
    }
    assert_eq!(Order::default(), Order::Asc);
    assert_eq!(format!("{:>5}", Order::Asc), "  ASC");
}

#[test]
fn unknown_values() {
    let long = "x".repeat(5000);
    for text in ["", "Small", "small ", "gigantic \"ü\"", &long] {
        let value = Engine::from(text);
        assert!(value.is_unknown() && !value.is_known());
        assert_eq!((value.as_str(), value.to_string().as_str()), (text, text));
        assert_eq!(value, Engine::from(text));
        assert_ne!(value, Engine::Small);
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<Engine>(&json).unwrap(), value);
        let Engine::Unknown(inner) = &value else {
            panic!("{text} is known");
        };
        assert_eq!((inner.as_str(), inner.to_string().as_str()), (text, text));
    }
    assert_eq!(format!("{:?}", Engine::from("new")), "Unknown(\"new\")");
    assert!(OpenEnum::as_str(&Engine::from("new")) == "new");
}

#[test]
fn only_strings_decode() {
    for json in [
        "1",
        "null",
        "{\"Unknown\":\"small\"}",
        "[\"small\"]",
        "true",
    ] {
        let shown = serde_json::from_str::<Engine>(json)
            .unwrap_err()
            .to_string();
        assert!(shown.contains("expected a string"), "{shown}");
    }
    // Escapes and owned strings.
    let escaped: Engine = serde_json::from_str("\"\\u0073mall\"").unwrap();
    assert_eq!(escaped, Engine::Small);
    let owned: Engine = serde_json::from_value("small".into()).unwrap();
    assert_eq!(owned, Engine::Small);
}

#[test]
fn work_as_keys_and_query_parameters() {
    let all = [
        Engine::from("b"),
        Engine::ExtraLarge,
        Engine::from("a"),
        Engine::Small,
    ];
    let ordered: Vec<_> = BTreeSet::from(all.clone()).into_iter().collect();
    assert_eq!(
        ordered.iter().map(Engine::as_str).collect::<Vec<_>>(),
        ["small", "extra-large", "a", "b"]
    );
    assert_eq!(HashSet::from(all.clone()).len(), 4);
    let request = reqwest::Client::new()
        .get("http://h/")
        .query(&QueryParam::new("engine", &Some(all.to_vec())))
        .build()
        .unwrap();
    assert_eq!(
        request.url().query(),
        Some("engine=b&engine=extra-large&engine=a&engine=small")
    );
}

#[cfg(feature = "schemars")]
#[test]
fn have_the_schema_of_a_string() {
    let schema = serde_json::to_value(schemars::schema_for!(Engine)).unwrap();
    assert_eq!(
        (&schema["type"], &schema["enum"]),
        (&"string".into(), &serde_json::Value::Null)
    );
}
