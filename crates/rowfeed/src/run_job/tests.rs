use super::*;

#[test]
fn no_interval_is_shorter_than_the_minimum() {
    let millis = Duration::from_millis;
    for (first, most, least_first, least_most) in [
        (Duration::ZERO, Duration::ZERO, millis(10), millis(100)),
        (Duration::ZERO, millis(700), millis(10), millis(700)),
        (millis(250), millis(10), millis(250), millis(250)),
        (Duration::MAX, Duration::ZERO, Duration::MAX, Duration::MAX),
    ] {
        let interval = Interval::new(first, most);
        assert_eq!((interval.first, interval.most), (least_first, least_most));
    }
}
