use super::*;

fn found(rows: impl IntoIterator<Item = i64>) -> Report {
    Report {
        found: Some(Found {
            rows: rows.into_iter().collect(),
            ..Found::default()
        }),
        ..Report::default()
    }
}

fn failed(error: &str) -> Report {
    Report {
        error: Some(error.to_owned()),
        ..Report::default()
    }
}

fn of_rows(report: Report) -> String {
    judge(&Expected::Rows(6), &Ending::Told(report))
}

#[test]
fn missing_repeated_and_unordered_rows_are_reported() {
    assert_eq!(of_rows(found(0..6)), "all rows");
    assert_eq!(of_rows(found(0..4)), "4 of 6 rows, no error");
    assert_eq!(of_rows(found([])), "0 of 6 rows, no error");
    assert_eq!(
        of_rows(found([0, 1, 2, 1, 2, 3, 4, 5])),
        "all rows, 2 of them twice, no error"
    );
    assert_eq!(
        of_rows(found([0, 1, 0, 1, 4, 5])),
        "4 of 6 rows, 2 of them twice, no error"
    );
    assert_eq!(
        of_rows(found([1, 0, 2, 3, 4, 5])),
        "all rows in another order, no error"
    );
}

#[test]
fn mixed_rows_of_two_runs_are_reported() {
    let mut report = found(0..6);
    let rows = report.found.as_mut();
    rows.into_iter()
        .for_each(|found| found.runs = vec![7, 7, 7, 7, 7, 7]);
    assert_eq!(of_rows(report.clone()), "all rows");
    let rows = report.found.as_mut();
    rows.into_iter()
        .for_each(|found| found.runs = vec![7, 7, 7, 8, 8, 8]);
    assert_eq!(of_rows(report), "rows of 2 runs mixed, no error");
}

#[test]
fn errors_are_shortened_and_the_same_in_every_run() {
    assert_eq!(of_rows(failed("no\n  luck")), "error: no luck");
    let long = "x".repeat(61);
    assert_eq!(
        of_rows(failed(&long)),
        format!("error: {}…", "x".repeat(60))
    );
    assert_eq!(
        of_rows(failed("http://127.0.0.1:45123/a and 127.0.0.1:9")),
        "error: http://localhost/a and localhost"
    );
}

#[test]
fn a_timeout_and_an_unsupported_task_have_different_judgments() {
    assert_eq!(
        judge(&Expected::Rows(6), &Ending::Waiting(20)),
        "still waiting after 20 s"
    );
    assert_eq!(of_rows(Report::default()), "-");
}

#[test]
fn different_digits_are_shown() {
    let wanted = Expected::Digits(vec!["9007199254740993".to_owned()]);
    let of = |digits: &str| {
        let mut report = found([]);
        let rows = report.found.as_mut();
        rows.into_iter()
            .for_each(|found| found.digits = vec![digits.to_owned()]);
        judge(&wanted, &Ending::Told(report))
    };
    assert_eq!(of("9007199254740993"), "the same digits");
    assert_eq!(of("9007199254740992"), "other digits: 9007199254740992");
}

#[test]
fn an_error_is_searched_for_its_message_and_position() {
    let wanted = |place| Expected::Message {
        text: "no such column".to_owned(),
        place,
    };
    let place = Some(Place { line: 2, column: 5 });
    let of = |place, error: &str| judge(&wanted(place), &Ending::Told(failed(error)));
    assert_eq!(of(None, "no such column: a"), "its message");
    for error in [
        "line 2:5: no such column: a",
        "no such column: a (line 2, column 5)",
        "no such column, 'row': 2, 'column': 5",
        "<main>:2:5: no such column",
    ] {
        assert_eq!(of(place, error), "its message, with line and column");
    }
    assert_eq!(
        of(place, "no such column: a"),
        "its message, without the place"
    );
    assert_eq!(
        of(place, "line 2:5: it failed"),
        "error without the message: line 2:5: it failed"
    );
    assert_eq!(
        judge(&wanted(place), &Ending::Told(found(0..6))),
        "no error"
    );
}

#[test]
fn every_text_is_searched_for_the_secret() {
    let of = |report| {
        judge(
            &Expected::Hidden("s3cret".to_owned()),
            &Ending::Told(report),
        )
    };
    assert_eq!(of(failed("401")), "error, and not shown");
    assert_eq!(of(found(0..6)), "no error, and not shown");
    assert_eq!(of(failed("401 for s3cret")), "shown in the error");
    let everywhere = Report {
        error_debug: "s3cret".to_owned(),
        client_debug: "s3cret".to_owned(),
        log: "s3cret".to_owned(),
        ..failed("401")
    };
    assert_eq!(
        of(everywhere),
        "shown in the error's Debug, the client's Debug, its log"
    );
}
