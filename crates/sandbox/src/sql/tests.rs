#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_selected_column_keeps_its_service_specific_type() {
    let database = database();
    let wide = WireType {
        service: crate::service::Service::Dune,
        name: "uint256".to_owned(),
    };
    let rows = [vec!["\"7\"".into()], vec![Value::Null]];
    database
        .register_typed("u", &[("v", wide.clone())], &rows)
        .unwrap();
    let sql = "select v as w, v || '' as x from u order by v desc limit 1";
    let table = run_in(&database, sql).unwrap();
    assert_eq!(table.columns[0].wire_type, Some(wide));
    assert_eq!(table.columns[1].wire_type, None);
    assert_eq!(table.rows.row(0)[0], "\"7\"".into());
}

fn database() -> Database {
    let database = Database::new(WireTypes::default(), Duration::from_secs(5)).unwrap();
    let columns = [
        ("id", ColumnType::BigInt, false),
        (
            "price",
            ColumnType::Decimal {
                precision: 38,
                scale: 9,
            },
            true,
        ),
        ("open", ColumnType::Boolean, true),
    ];
    let price = "12345678901234567890123456789.123456780";
    let rows = [
        vec![Value::Integer(i64::MAX), price.into(), true.into()],
        vec![Value::Integer(2), Value::Null, Value::Null],
    ];
    database.register("t", &columns, &rows).unwrap();
    database
}

fn run(sql: &str) -> Result<Table, SqlError> {
    run_in(&database(), sql)
}

fn run_in(database: &Database, sql: &str) -> Result<Table, SqlError> {
    let deadline = Instant::now() + database.time_limit();
    database.run(sql, 0, sql, DoubleQuotes::Name, deadline)
}

#[test]
fn results_keep_declared_types_and_all_digits() {
    let table = run("select price, open, id as big from t order by id desc").unwrap();
    let names: Vec<_> = table.columns.iter().map(|c| c.name.as_deref()).collect();
    assert_eq!(names, [Some("price"), Some("open"), Some("big")]);
    assert_eq!(table.columns[2].column_type, ColumnType::BigInt);
    assert!(!table.columns[2].nullable && table.columns[0].nullable);
    assert_eq!(
        table.rows.row(0),
        [
            "12345678901234567890123456789.123456780".into(),
            Value::Boolean(true),
            Value::Integer(i64::MAX)
        ]
    );
}

#[test]
fn expressions_are_typed_by_their_values() {
    let table = run("select count(*), 1.5, 'x' as \"a b\", null, max(open) from t").unwrap();
    let seen: Vec<_> = table
        .columns
        .iter()
        .map(|c| (c.name.as_deref(), c.column_type))
        .collect();
    assert_eq!(
        seen,
        [
            (None, ColumnType::BigInt),
            (None, ColumnType::Double),
            (Some("a b"), ColumnType::Varchar),
            (None, ColumnType::Null),
            (None, ColumnType::BigInt),
        ]
    );
    let literal = run("select 1").unwrap();
    assert_eq!(literal.columns[0].column_type, ColumnType::Integer);
}

#[test]
fn an_error_has_a_line_and_a_column() {
    let error = run("select id,\n  nothing from t").unwrap_err();
    assert_eq!((error.line, error.column), (2, 3), "{}", error.message);
    let error = run("select id\nfrom nowhere").unwrap_err();
    assert_eq!((error.line, error.column), (2, 6), "{}", error.message);
    let error = run("select \"nothing\" from t").unwrap_err();
    assert_eq!((error.line, error.column), (1, 8), "{}", error.message);
    let error = run("selct 1").unwrap_err();
    assert_eq!((error.line, error.column), (1, 1), "{}", error.message);
}

#[test]
fn a_query_cannot_write_or_open_files() {
    for sql in [
        "delete from t",
        "drop table t",
        "attach 'x.db' as x",
        "pragma query_only = off",
        "create table u (a)",
    ] {
        assert!(run(sql).is_err(), "{sql}");
    }
}

#[test]
fn an_endless_statement_is_interrupted() {
    let mut database = database();
    database.time_limit = Duration::from_millis(20);
    let sql = "with recursive f(n) as (select 1 union all select n + 1 from f) \
               select count(*) from f";
    let error = run_in(&database, sql).unwrap_err();
    assert!(error.message.contains("interrupted"), "{}", error.message);
    assert!(error.message.contains("20ms"), "{}", error.message);
    database.time_limit = Duration::from_secs(5);
    assert!(run_in(&database, "select 1").is_ok());
}

#[test]
fn statements_that_need_too_much_memory_are_refused() {
    let database = database();
    for (sql, part) in [
        (
            "select randomblob(1000000000)",
            "larger than the sandbox supports",
        ),
        (
            "select printf('%.100000000c', 'x')",
            "larger than the sandbox supports",
        ),
        (
            "with recursive f(n) as (select 1 union all select n + 1 from f where n < 100) \
             select replace(printf('%.1000000c', 'x'), 'x', 'yyyyyyyy') from f",
            "too big",
        ),
        (
            "with recursive f(n) as (select 1 union all select n + 1 from f where n < 100) \
             select printf('%.1000000c', 'x') from f",
            "the result is larger than the sandbox supports",
        ),
        (
            "select json_group_array(printf('%.1000000c', 'x')) from t, t, t",
            "not authorized to use function",
        ),
        ("select 'a' glob 'a'", "not authorized to use function"),
    ] {
        let error = run_in(&database, sql).unwrap_err();
        assert!(error.message.contains(part), "{sql}: {}", error.message);
    }
    let name = "n".repeat(301);
    let error = run_in(&database, &format!("select 1 as {name}")).unwrap_err();
    assert!(error.message.contains("301 bytes"), "{}", error.message);
    assert!(run_in(&database, &format!("select {}1", "1,".repeat(600))).is_err());
    assert!(
        run_in(
            &database,
            &format!("select {}1{}", "(".repeat(9_000), ")".repeat(9_000))
        )
        .is_err()
    );
}

#[test]
fn a_failed_table_changes_nothing() {
    let database = database();
    let columns = [
        ("a", ColumnType::BigInt, true),
        ("A", ColumnType::BigInt, true),
    ];
    assert!(database.register("t", &columns, &[]).is_err());
    let narrow = [vec![Value::Integer(1)]];
    let columns = [
        ("a", ColumnType::BigInt, true),
        ("b", ColumnType::BigInt, true),
    ];
    assert!(database.register("t", &columns, &narrow).is_err());
    assert!(database.append("t", 3, &narrow).is_err());
    let table = run_in(&database, "select count(*) from t").unwrap();
    assert_eq!(table.rows.row(0)[0], Value::Integer(2));
    let columns = [("a", ColumnType::BigInt, true)];
    database.register("u", &columns, &narrow).unwrap();
    assert!(run_in(&database, "select a from u").is_ok());
}

#[test]
fn uploads_of_clients_are_limited() {
    let database = database();
    let columns = [("a", "VARCHAR".to_owned(), true)];
    let text: Value = "x".repeat(1_000_000).into();
    let rows = vec![vec![text]; 100];
    let error = database
        .make(Writes::Client, "u", &columns, &rows)
        .unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    assert!(run_in(&database, "select * from u").is_err());
    database.make(Writes::Owner, "u", &columns, &rows).unwrap();
    database
        .make(Writes::Client, "v", &columns, &rows[..3])
        .unwrap();
}

#[test]
fn a_copy_has_the_same_tables_and_is_independent() {
    let database = database();
    let copy = database.copy().unwrap();
    copy.remove("t", false).unwrap();
    for (database, expected) in [(&database, 2), (&copy, 0)] {
        let table = run_in(database, "select count(*) from t").unwrap();
        assert_eq!(table.rows.row(0)[0], Value::Integer(expected));
    }
}
