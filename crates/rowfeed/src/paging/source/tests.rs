use super::*;

#[test]
fn a_page_requests_at_most_the_rows_left_and_at_least_one() {
    let options = |left| FetchOptions {
        rows_left: left,
        ..FetchOptions::default()
    };
    for (left, rows_in_flight, default_size, size) in [
        (None, 90, 100, Some(100)),
        (Some(95), 90, 100, Some(5)),
        (Some(90), 90, 100, None),
        (Some(80), 90, 100, None),
        (None, 90, 0, Some(1)),
    ] {
        let next = options(left).next_page_size(rows_in_flight, default_size);
        assert_eq!(next, size, "{left:?}");
    }
}

#[test]
fn a_page_is_enough_when_it_has_all_rows_left() {
    let options = |left| FetchOptions {
        rows_left: left,
        ..FetchOptions::default()
    };
    for (left, rows, is_met) in [(None, 9, false), (Some(10), 9, false), (Some(9), 9, true)] {
        assert_eq!(options(left).is_satisfied_by(rows), is_met, "{left:?}");
    }
}
