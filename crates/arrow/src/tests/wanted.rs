//! Types and schemas set by the user.

use arrow_schema::{Field, Schema, TimeUnit};

use super::*;

fn read(declared: &str, data_type: DataType, cells: &[&str]) -> Result<String, String> {
    let columns = dune_columns(&[("c", declared)]);
    let batch = wanted(
        &columns,
        &dune_rows(cells),
        &[("c", data_type.clone())],
        None,
    );
    let batch = batch.map_err(|error| error.to_string())?;
    assert_eq!(batch.schema().field(0).data_type(), &data_type);
    Ok(shown(batch.column(0)))
}

#[test]
fn a_column_as_another_type() {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let utc = |unit| DataType::Timestamp(unit, Some("UTC".into()));
    let cases: &[(&str, DataType, &[&str], &str)] = &[
        (
            "bigint",
            DataType::UInt8,
            &["255", "\"0\"", "null"],
            "255 | 0 | NULL",
        ),
        ("uint256", DataType::Int64, &["\"12\""], "12"),
        ("varchar", DataType::Int32, &["\"12\""], "12"),
        ("double", DataType::Int16, &["12.0"], "12"),
        ("decimal(38, 18)", DataType::Float64, &["\"0.1\""], "0.1"),
        ("double", DataType::Float32, &["0.1"], "0.1"),
        (
            "double",
            DataType::Decimal128(10, 2),
            &["0.25", "1.5e2"],
            "0.25 | 150.00",
        ),
        (
            "decimal(38, 18)",
            DataType::Decimal32(4, 1),
            &["\"-123.4\""],
            "-123.4",
        ),
        (
            "decimal(38, 18)",
            DataType::Decimal64(18, 0),
            &["\"123456789012345678\""],
            "123456789012345678",
        ),
        (
            "bigint",
            DataType::Decimal128(5, -3),
            &["12345000"],
            "12345000",
        ),
        (
            "uint256",
            DataType::Utf8,
            &["\"115792089237316195423570985008687907853269984665640564039457584007913129639935\""],
            "\"115792089237316195423570985008687907853269984665640564039457584007913129639935\"",
        ),
        (
            "varchar",
            DataType::LargeUtf8,
            &["\"a\"", "null"],
            "\"a\" | NULL",
        ),
        (
            "varchar",
            DataType::Utf8View,
            &["\"a longer text than fits\"", "null"],
            "\"a longer text than fits\" | NULL",
        ),
        (
            "array(bigint)",
            DataType::Utf8,
            &["[1, 2]", "null"],
            "\"[1, 2]\" | NULL",
        ),
        ("varbinary", DataType::Utf8, &["\"0x00ff\""], "\"0x00ff\""),
        (
            "varbinary",
            DataType::LargeBinary,
            &["\"0x00ff\"", "null"],
            "0x00ff | NULL",
        ),
        ("varbinary", DataType::BinaryView, &["\"0x00ff\""], "0x00ff"),
        (
            "varchar",
            DataType::Binary,
            &["\"0x01\"", "\"ж\""],
            "0x01 | 0xd0b6",
        ),
        (
            "timestamp",
            DataType::Date32,
            &["\"2031-06-07 00:00:00.000\""],
            "2031-06-07",
        ),
        (
            "date",
            micros.clone(),
            &["\"2031-06-07\""],
            "2031-06-07T00:00:00",
        ),
        (
            "varchar",
            micros,
            &["\"2031-06-07T01:02:03\""],
            "2031-06-07T01:02:03",
        ),
        (
            "timestamp",
            utc(TimeUnit::Second),
            &["\"2031-06-07 01:02:03\""],
            "2031-06-07T01:02:03Z",
        ),
        (
            "timestamp(3) with time zone",
            utc(TimeUnit::Millisecond),
            &["\"2031-06-07 01:02:03.004 UTC\""],
            "2031-06-07T01:02:03.004Z",
        ),
        (
            "timestamp(3) with time zone",
            utc(TimeUnit::Nanosecond),
            &["\"2031-06-07 01:02:03.004 UTC\""],
            "2031-06-07T01:02:03.004Z",
        ),
        (
            "timestamp(3) with time zone",
            DataType::Timestamp(TimeUnit::Second, Some("Europe/Riga".into())),
            &["\"2031-06-07 01:02:03 UTC\""],
            "2031-06-07T01:02:03Z",
        ),
        (
            "timestamp(3) with time zone",
            DataType::Utf8,
            &["\"2031-06-07 01:02:03.000 UTC\""],
            "\"2031-06-07T01:02:03+00:00\"",
        ),
        (
            "varchar",
            DataType::Boolean,
            &["\"true\"", "\"false\""],
            "true | false",
        ),
        ("hyperloglog", DataType::Int8, &["1"], "1"),
    ];
    for (declared, data_type, cells, values) in cases {
        let read = read(declared, data_type.clone(), cells);
        assert_eq!(read.as_deref(), Ok(*values), "{declared} as {data_type}");
    }
}

/// The name and the value of a variant.
#[test]
fn a_variant_as_text() {
    let columns = yandex_columns(&[("c", "Optional<Variant<'a':Int32,'b':Void>>")]);
    let rows = yandex_rows(&["[[\"a\",1]]", "[[\"b\",null]]", "[]"]);
    let batch = wanted(&columns, &rows, &[("c", DataType::Utf8)], None).unwrap();
    let values = "\"[\\\"a\\\",1]\" | \"[\\\"b\\\",null]\" | NULL";
    assert_eq!(shown(batch.column(0)), values);
}

#[test]
fn incompatible_types_are_refused() {
    for (declared, data_type) in [
        ("boolean", DataType::Int32),
        ("array(bigint)", DataType::Int64),
        ("date", DataType::Int32),
        ("varbinary", DataType::Float64),
        ("bigint", DataType::Date32),
        ("bigint", DataType::Date64),
        ("bigint", DataType::Null),
        ("bigint", DataType::Decimal128(39, 0)),
        ("bigint", DataType::Decimal32(4, 5)),
        ("bigint", DataType::Decimal256(0, 0)),
        ("bigint", DataType::Time32(TimeUnit::Second)),
        (
            "row(a bigint)",
            DataType::Struct(vec![Field::new("b", DataType::Int8, true)].into()),
        ),
        (
            "array(date)",
            DataType::List(Arc::new(Field::new("item", DataType::Boolean, true))),
        ),
    ] {
        // Also without a row.
        let columns = dune_columns(&[("c", declared)]);
        let error = wanted(&columns, "[]", &[("c", data_type.clone())], None).unwrap_err();
        let message = format!(
            "the column `c` is declared as {declared} and cannot be read as {data_type}: use another type"
        );
        assert!(error.message().starts_with(&message), "{error}");
        assert_eq!(error.kind(), rowfeed::ErrorKind::InvalidRequest);
    }
    let columns = dune_columns(&[("a", "bigint"), ("b", "bigint")]);
    let error = wanted(&columns, "[]", &[("c", DataType::Int8)], None).unwrap_err();
    assert_eq!(
        error.message(),
        "column_type() names the column `c`, which the result does not have; the columns are: a, b"
    );
}

#[test]
fn a_schema_chooses_columns_order_and_types() {
    let columns = dune_columns(&[
        ("a", "bigint"),
        ("b", "row(x bigint, y varchar)"),
        ("c", "array(bigint)"),
    ]);
    let rows = r#"[{"a":1,"b":{"x":2,"y":"z"},"c":[3],"d":4},{"c":null,"b":null,"a":null}]"#;
    let x = Field::new("x", DataType::Int8, true);
    let schema = Arc::new(Schema::new_with_metadata(
        vec![
            Field::new("b", DataType::Struct(vec![x].into()), true),
            Field::new("a", DataType::Utf8View, true),
        ],
        [("owner".to_owned(), "me".to_owned())].into(),
    ));
    let batch = wanted(&columns, rows, &[], Some(schema.clone())).unwrap();
    assert_eq!(batch.schema(), schema);
    assert_eq!(
        (shown(batch.column(0)), shown(batch.column(1))),
        ("{x: 2} | NULL".into(), "\"1\" | NULL".into())
    );
    // A type takes precedence over a schema.
    let batch = wanted(
        &columns,
        rows,
        &[("a", DataType::Int32)],
        Some(schema.clone()),
    )
    .unwrap();
    assert_eq!(batch.schema().field(1).data_type(), &DataType::Int32);
    assert_eq!(batch.schema().metadata(), schema.metadata());

    let schema = |name: &str| {
        Some(Arc::new(Schema::new(vec![Field::new(
            name,
            DataType::Int8,
            true,
        )])))
    };
    let by_place = yandex_columns(&[("a", "Int32"), ("b", "Utf8")]);
    let error = wanted(&by_place, "[]", &[], schema("z")).unwrap_err();
    assert_eq!(
        error.message(),
        "the schema has a column `z`, but the result does not; it has: a, b"
    );
    // One that only the rows have.
    let batch = wanted(&columns, rows, &[], schema("d")).unwrap();
    assert_eq!(shown(batch.column(0)), "4 | NULL");
    let none = Some(Arc::new(Schema::empty()));
    let batch = wanted(&columns, rows, &[], none).unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (2, 0));
}

#[test]
fn a_schema_declares_undeclared_columns() {
    let columns = Columns::dune([""; 0], [""; 0]);
    let rows =
        r#"[{"n":1,"s":"x","at":"2031-06-07 01:02:03.000 UTC","l":[1,null]},{"n":null,"more":1}]"#;
    let error = wanted(&columns, rows, &[], None).unwrap_err();
    assert!(
        error.message().contains("set one with with_schema()"),
        "{error}"
    );
    let schema = Arc::new(Schema::new(vec![
        Field::new("s", DataType::Utf8, true),
        Field::new("n", DataType::Int32, true),
        Field::new(
            "at",
            DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            true,
        ),
        Field::new(
            "l",
            DataType::List(Arc::new(Field::new("item", DataType::Int8, true))),
            true,
        ),
    ]));
    let batch = wanted(&columns, rows, &[], Some(schema)).unwrap();
    let values: Vec<_> = batch.columns().iter().map(shown).collect();
    assert_eq!(
        values,
        [
            "\"x\" | NULL",
            "1 | NULL",
            "2031-06-07T01:02:03Z | NULL",
            "[1 | NULL] | NULL"
        ]
    );
}

/// JSON in text, read as the list or struct that a schema says it is.
#[test]
fn json_as_lists_and_structs() {
    let columns = lightdash_columns(&[("c", "string")]);
    let rows = lightdash_rows(&["\"{\\\"a\\\":[1,2]}\"", "{\"a\":null}"]);
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int64, true)));
    let field = Field::new("a", list, true);
    let types = [("c", DataType::Struct(vec![field].into()))];
    let batch = wanted(&columns, &rows, &types, None).unwrap();
    assert_eq!(shown(batch.column(0)), "{a: [1 | 2]} | {a: NULL}");
}
