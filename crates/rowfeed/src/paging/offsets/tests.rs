use super::*;

#[test]
fn correct_guesses_stay_in_flight() {
    let mut offsets = OffsetTracker::new(0);
    let (first, second) = (offsets.plan(10), offsets.plan(10));
    assert_eq!((first.offset, second.offset), (0, 10));
    assert!(offsets.accept(first));
    offsets.continue_at(10);
    assert!(!offsets.is_idle());
    assert!(offsets.accept(second));
    offsets.continue_at(20);
    assert_eq!((offsets.planned(), offsets.is_idle()), (20, true));
}

#[test]
fn a_short_page_discards_the_requests_after_it() {
    let mut offsets = OffsetTracker::new(5);
    let (first, second, third) = (offsets.plan(10), offsets.plan(10), offsets.plan(10));
    assert!(offsets.accept(first));
    offsets.continue_at(9);
    assert_eq!((offsets.planned(), offsets.rows_in_flight()), (9, 0));
    let again = offsets.plan(10);
    assert!(!offsets.accept(second) && !offsets.accept(third));
    assert!(offsets.accept(again));
}

#[test]
fn an_offset_before_the_first_row_counts_no_rows() {
    let mut offsets = OffsetTracker::new(5);
    let planned_page = offsets.plan(10);
    assert!(offsets.accept(planned_page));
    offsets.continue_at(2);
    assert_eq!((offsets.planned(), offsets.rows_in_flight()), (2, 0));
}

#[test]
fn rows_are_in_flight_until_their_page_is_accepted() {
    let mut offsets = OffsetTracker::new(5);
    let (first, second) = (offsets.plan(10), offsets.plan(3));
    assert_eq!(offsets.rows_in_flight(), 13);
    assert!(offsets.accept(first));
    offsets.continue_at(15);
    assert_eq!(offsets.rows_in_flight(), 3);
    assert!(offsets.accept(second));
    offsets.end();
    assert_eq!(offsets.rows_in_flight(), 0);
}

#[test]
fn no_response_is_needed_after_the_end() {
    let mut offsets = OffsetTracker::new(0);
    let (first, second) = (offsets.plan(10), offsets.plan(10));
    assert!(offsets.accept(first));
    offsets.end();
    assert!(!offsets.accept(second) && offsets.has_ended());
}
